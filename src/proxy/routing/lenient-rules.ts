// What the API may take a path for, beside what it says (path-readings.ts). It only judges whether such a reading asks
// more than the rule that was found, or is of a path that Tollgate answers itself; it chooses none.

import { foldPattern, type PathPattern } from '../../decision/path-pattern.ts';
import { PathTree } from '../../decision/path-tree.ts';
import { methodsOf, type RouteRule, tenantIndexOf } from '../../decision/route-rule.ts';
import { asksMore } from '../../decision/stricter-rule.ts';
import {
  foldedReadings,
  foldSegment,
  isReadOtherwise,
  suffixReadings,
  withoutSlash,
} from './path-readings.ts';

/** Whether a lenient reading of the path belongs to a rule that asks more of its caller than `rule`, which was found. */
export type AskMore = (method: string, path: string, rule: RouteRule, tenant: string | undefined) => boolean;

/** `readings`: the rules that a path may be read as; `rules`: those that may be found. Where none asks more, nothing is done. */
export const createLenientRules = (
  rules: readonly RouteRule[],
  readings: readonly RouteRule[] = rules,
): AskMore => {
  const outdone = new Set(rules.filter((rule) => readings.some((other) => mayAskMore(other, rule))));
  const isOdd = readings.some(({ path }) => folded(path).form !== path.form);
  const trees = foldedTrees(readings);

  return (method, path, rule, tenant) => {
    if (!outdone.has(rule) || !(isOdd || isReadOtherwise(path))) return false;
    const tree = trees.get(method);
    const paths = foldedReadings(path);
    if (paths === undefined || paths.some((reading) => reading.includes('//'))) return true;
    const foldedTenant = tenant === undefined ? undefined : foldSegment(tenant);
    const isStricter = ({ rule: other, tenantAt }: FoldedRule, parameters: readonly string[]): boolean =>
      tenantAt < 0
        ? mayAskMore(other, rule)
        : asksMore(other, rule) || foldSegment(parameters[tenantAt] ?? '') !== foldedTenant;
    /** `isSameRead`: another path of the rule that was found counts too. */
    const isStricterAt = (read: string, isSameRead = true): boolean => {
      const found = tree?.find(read);
      const isStricterThere = (other: FoldedRule): boolean =>
        (isSameRead || other.rule !== rule) && isStricter(other, found?.parameters ?? []);
      return found?.value.some(isStricterThere) ?? false;
    };
    return paths.some((reading) => {
      const bare = withoutSlash(reading);
      if (isStricterAt(bare)) return true;
      // The path itself has been looked up.
      if (bare !== reading && (isOdd || reading !== path) && isStricterAt(reading)) return true;
      // A rule that spells out the end of the path means that end. Another tenant of the same rule (`acme.com`) is no reading.
      return !endsLiterally(rule) && suffixReadings(bare).some((read) => isStricterAt(read, false));
    });
  };
};

/** Whether a lenient reading of a path is one that Tollgate answers itself: one of these patterns. */
export const createLenientPaths = (patterns: readonly PathPattern[]): ((path: string) => boolean) => {
  const forms = new Set(patterns.map(({ form }) => form));
  const byForm = new Map(patterns.map((pattern) => [folded(pattern).form, folded(pattern)]));
  // A folded pattern that is none of the others: a plain path may be a reading of it.
  const isOdd = [...byForm.keys()].some((form) => !forms.has(form));
  const tree = new PathTree([...byForm.values()].map((pattern) => [pattern, true] as const));
  return (path) => {
    if (patterns.length === 0 || !(isOdd || isReadOtherwise(path))) return false;
    const readings = foldedReadings(path);
    if (readings === undefined || readings.some((reading) => reading.includes('//'))) return true;
    return readings
      .map(withoutSlash)
      .some((bare) => tree.has(bare) || suffixReadings(bare).some((read) => tree.has(read)));
  };
};

/** As the readings are folded. */
export const folded = (pattern: PathPattern): PathPattern => foldPattern(pattern, foldSegment);

interface FoldedRule {
  readonly rule: RouteRule;
  readonly pattern: PathPattern;
  /** Which of the parameters is its tenant; -1: none. */
  readonly tenantAt: number;
}

/** By method. Several rules may become one pattern. */
const foldedTrees = (rules: readonly RouteRule[]): ReadonlyMap<string, PathTree<readonly FoldedRule[]>> =>
  treesByMethod(rules, (own) => {
    const all = own.map((rule) => ({ rule, pattern: folded(rule.path), tenantAt: tenantIndexOf(rule) }));
    const patterns = new Map(all.map(({ pattern }) => [pattern.form, pattern])).values();
    return Array.from(patterns, (pattern) => [
      pattern,
      all.filter((each) => each.pattern.form === pattern.form),
    ]);
  });

/**
 * A tree for each method that a rule names. What a rule says of GET it says of HEAD too (RFC 9110 section 9.3.2), unless a rule
 * for the same path names HEAD: a wider rule would otherwise take HEAD where a stricter one takes GET.
 */
export const treesByMethod = <T>(
  rules: readonly RouteRule[],
  entriesOf: (own: readonly RouteRule[]) => readonly (readonly [PathPattern, T])[],
): ReadonlyMap<string, PathTree<T>> => {
  const withHead = new Set(
    rules.filter((rule) => methodsOf(rule).includes('HEAD')).map(({ path }) => path.form),
  );
  const covers = (rule: RouteRule, method: string): boolean =>
    methodsOf(rule).includes(method) ||
    (method === 'HEAD' && methodsOf(rule).includes('GET') && !withHead.has(rule.path.form));
  const named = rules.flatMap(methodsOf);
  const methods = new Set(named.includes('GET') ? [...named, 'HEAD'] : named);
  return new Map(
    Array.from(methods, (method) => [
      method,
      new PathTree(entriesOf(rules.filter((rule) => covers(rule, method)))),
    ]),
  );
};

/** As well by its tenant, whom a reading may name in another way. */
export const mayAskMore = (other: RouteRule, rule: RouteRule): boolean =>
  asksMore(other, rule) || other.tenantParameter !== undefined;

/** Whether the last segment of a rule's path is spelled out: neither a parameter nor `*`. */
const endsLiterally = ({ path }: RouteRule): boolean => {
  const last = path.segments.at(-1);
  return !path.hasRest && last?.kind === 'literal' && last.text !== '';
};
