// Whether a path with escapes of reserved characters may go on byte for byte, where its rule has `encodedReserved: pass`: only if
// each path that a server behind may read it as is let through too. A reading that no rule covers was never opened to anybody.

import { type PathPattern, startsWith } from '../../decision/path-pattern.ts';
import { PathTree } from '../../decision/path-tree.ts';
import { decodedReadings } from '../../decision/reserved-escapes.ts';
import { methodsOf, type RouteRule } from '../../decision/route-rule.ts';
import { asksMore } from '../../decision/stricter-rule.ts';
import { type AskMore, folded, mayAskMore } from './lenient-rules.ts';
import { foldedReadings } from './path-readings.ts';

interface Found {
  readonly rule: RouteRule;
  readonly tenant: string | undefined;
}

interface Routing {
  /** The rule that covers a path as it is written. */
  readonly find: (method: string, path: string) => Found | undefined;
  readonly readsAsMore: AskMore;
  /** Whether some server may read the path as one that is answered here. */
  readonly looksOwned: (path: string) => boolean;
}

/** `owned`: the paths that are answered here. */
export const createEncodedPaths = (
  routes: readonly RouteRule[],
  owned: readonly PathPattern[],
  { find, readsAsMore, looksOwned }: Routing,
): ((method: string, path: string, found: Found) => boolean) => {
  if (!routes.some(({ encodedReserved }) => encodedReserved === 'pass')) return () => false;
  const ownedTree = new PathTree(owned.map((pattern) => [pattern, true] as const));
  const foldedOwned = owned.map(folded);
  const foldedRules = routes.map((rule) => ({ rule, pattern: folded(rule.path) }));

  const passesAs = (method: string, reading: string, { rule, tenant }: Found): boolean => {
    const read = find(method, reading);
    if (read === undefined || ownedTree.has(reading)) return false;
    if (asksMore(read.rule, rule) || (read.tenant !== undefined && read.tenant !== tenant)) return false;
    if (reading.includes('//')) return passesMerged(method, reading, rule);
    return !(looksOwned(reading) || readsAsMore(method, reading, rule, tenant));
  };

  /**
   * Of a reading with empty segments, which servers leave out here and there: all below what stands before the first of them is
   * the rule's own, and no other rule that may ask more, nor a path of ours, has any part in it.
   */
  const passesMerged = (method: string, reading: string, rule: RouteRule): boolean => {
    const before = foldedReadings(reading.slice(0, reading.indexOf('//')))?.map((each) =>
      each.split('/').slice(1),
    );
    if (before === undefined || !rule.path.hasRest) return false;
    if (before.some(({ length }) => length < rule.path.segments.length)) return false;
    const mayBeBelow = (pattern: PathPattern): boolean => before.some((each) => startsWith(pattern, each));
    const mayHold = ({ rule: other, pattern }: (typeof foldedRules)[number]): boolean =>
      other !== rule && mayAskMore(other, rule) && coversMethod(other, method) && mayBeBelow(pattern);
    return !foldedRules.some(mayHold) && !foldedOwned.some(mayBeBelow);
  };

  return (method, path, found) =>
    found.rule.encodedReserved === 'pass' &&
    decodedReadings(path)?.every((reading) => passesAs(method, reading, found)) === true;
};

const coversMethod = (rule: RouteRule, method: string): boolean =>
  methodsOf(rule).includes(method === 'HEAD' ? 'GET' : method) || methodsOf(rule).includes(method);
