// What the API may take a path for, beside what it says (path-readings.ts). It only judges whether such a reading asks
// more than the rule that was found, or is of a path that Tollgate answers itself; it chooses none.

import type { RouteRule } from '../decision/route-rule.ts';
import { foldEscaped, foldPath, isReadOtherwise, suffixReadings, withoutSlash } from './path-readings.ts';
import { type HTTPMethod, RuleTree } from './rule-tree.ts';

export interface RuleOfMethod {
  readonly method: HTTPMethod;
  readonly rule: RouteRule;
}

export interface LenientRules {
  /**
   * Whether a lenient reading of the path belongs to a rule that asks more of its caller than `rule`, which was found.
   * @param path canonical (decision/path.ts).
   * @param tenant value of the rule's tenant parameter, its escapes read.
   */
  askMore(method: HTTPMethod, path: string, rule: RouteRule, tenant: string | undefined): boolean;
}

/** Rules whose patterns become one are all asked. Most paths are only looked through, none where no rule asks more. */
export const createLenientRules = (entries: readonly RuleOfMethod[]): LenientRules => {
  const rules = [...new Set(entries.map(({ rule }) => rule))];
  const outdone = new Set(rules.filter((rule) => rules.some((other) => mayAskMore(other, rule))));
  const isOdd = rules.some(({ path }) => isFoldedOtherwise(path));
  const tree = new RuleTree<readonly FoldedRule[]>();
  const byMethod = Map.groupBy(entries, ({ method }) => method);
  for (const [method, own] of byMethod)
    for (const [pattern, same] of Map.groupBy(own, ({ rule }) => foldPattern(rule)))
      tree.add(method, pattern, same.map(foldRule));

  const askMore: LenientRules['askMore'] = (method, path, rule, tenant) => {
    if (!outdone.has(rule) || !(isOdd || isReadOtherwise(path))) return false;
    const folded = foldEscaped(path);
    if (folded === undefined) return true;
    const foldedTenant = tenant === undefined ? undefined : foldPath(`/${tenant}`).slice(1);
    const isStricter = (other: FoldedRule, found: PathParameters): boolean =>
      other.tenantName === undefined
        ? mayAskMore(other.rule, rule)
        : asksMore(other.rule, rule) || found[other.tenantName] !== foldedTenant;
    /** `isSameRead`: another path of the rule that was found counts too. */
    const isStricterAt = (reading: string, isSameRead = true): boolean => {
      const found = tree.find(method, reading);
      const isStricterThere = (other: FoldedRule): boolean =>
        (isSameRead || other.rule !== rule) && isStricter(other, found?.parameters ?? {});
      return found?.value.some(isStricterThere) ?? false;
    };
    const bare = withoutSlash(folded);
    if (isStricterAt(bare)) return true;
    // The path itself has been looked up.
    if (bare !== folded && (isOdd || folded !== path) && isStricterAt(folded)) return true;
    // A rule that spells out the end of the path means that end. Another tenant of the same rule (`acme.com`) is no reading.
    if (endsLiterally(rule)) return false;
    return suffixReadings(bare).some((reading) => isStricterAt(reading, false));
  };
  return { askMore };
};

/**
 * Whether a lenient reading of a path is one that Tollgate answers itself.
 * @param patterns of those paths (settings/surface-paths.ts).
 */
export const createLenientPaths = (patterns: readonly string[]): ((path: string) => boolean) => {
  const asRoutes = patterns.map((pattern) => withNumbers(pattern.replace(/\/\?$/, '')));
  const isOdd = asRoutes.some(isFoldedOtherwise);
  const tree = new RuleTree<true>();
  for (const pattern of new Set(asRoutes.map((pattern) => withoutSlash(foldPath(pattern)))))
    tree.add('GET', pattern, true);
  return (path) => {
    if (asRoutes.length === 0 || !(isOdd || isReadOtherwise(path))) return false;
    const folded = foldEscaped(path);
    if (folded === undefined) return true;
    const bare = withoutSlash(folded);
    return [bare, ...suffixReadings(bare)].some((reading) => tree.find('GET', reading) !== undefined);
  };
};

/** `{account}` as a numbered parameter. */
const withNumbers = (pattern: string): string => {
  let count = 0;
  return pattern.replaceAll(/\{[A-Za-z0-9]+\}/g, () => `:p${count++}`);
};

type PathParameters = Readonly<Record<string, string | undefined>>;

interface FoldedRule {
  readonly rule: RouteRule;
  /** Name of its tenant parameter in the folded pattern. */
  readonly tenantName: string | undefined;
}

/** Whether a caller that `rule` lets through could be one that `other` does not, whatever the tenant. */
const asksMore = (other: RouteRule, rule: RouteRule): boolean => {
  if (other.public || other === rule) return false;
  return (
    rule.public ||
    (other.sessions === 'interactive' && rule.sessions !== 'interactive') ||
    other.scopes.some((scope) => !rule.scopes.includes(scope))
  );
};

const mayAskMore = (other: RouteRule, rule: RouteRule): boolean =>
  asksMore(other, rule) || other.tenantParameter !== undefined;

/** `::` is a colon. */
const isParameter = (segment: string): boolean => segment.startsWith(':') && !segment.startsWith('::');

/** Whether folding changes a pattern: then a path in lower case may be another spelling of it. */
const isFoldedOtherwise = (pattern: string): boolean => {
  const literal = pattern.replaceAll(/\/:(?!:)[^/]+/g, '/p');
  return literal !== '/' && withoutSlash(foldPath(literal)) !== literal;
};

/** Whether the last segment of a rule's path is spelled out: neither a parameter nor `*`. */
const endsLiterally = ({ path }: RouteRule): boolean => {
  const last = path.slice(path.lastIndexOf('/') + 1);
  return last !== '*' && last !== '' && !isParameter(last);
};

/** A pattern for folded paths. Parameters are numbered: two rules may name them differently. */
const foldPattern = ({ path }: RouteRule): string => {
  let count = 0;
  const segments = path.split('/').map((segment) => (isParameter(segment) ? `:p${count++}` : segment));
  return withoutSlash(foldPath(segments.join('/')));
};

const foldRule = ({ rule }: RuleOfMethod): FoldedRule => {
  const { path, tenantParameter } = rule;
  const at = path.split('/').filter(isParameter).indexOf(`:${tenantParameter}`);
  return { rule, tenantName: at < 0 ? undefined : `p${at}` };
};
