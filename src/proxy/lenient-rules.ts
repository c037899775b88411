// What the API may take a path for: many servers ignore case, a slash at the end, and blanks or dots at the end of a
// segment. It only says whether such a reading asks more than the rule that was found, or is of a path that Tollgate
// answers itself; it chooses none.

import { decodePath } from '../decision/path.ts';
import type { RouteRule } from '../decision/route-rule.ts';
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
  const isOdd = rules.some(({ path }) => path !== '/' && readsOtherwise(withoutParameters(path)));
  const tree = new RuleTree<readonly FoldedRule[]>();
  const byMethod = Map.groupBy(entries, ({ method }) => method);
  for (const [method, own] of byMethod)
    for (const [pattern, same] of Map.groupBy(own, ({ rule }) => foldPattern(rule)))
      tree.add(method, pattern, same.map(foldRule));

  const askMore: LenientRules['askMore'] = (method, path, rule, tenant) => {
    if (!outdone.has(rule) || !(isOdd || readsOtherwise(path))) return false;
    const folded = foldEscaped(path);
    if (folded === undefined) return true;
    const foldedTenant = tenant === undefined ? undefined : foldPath(`/${tenant}`).slice(1);
    const stricterAt = (reading: string): boolean => {
      const found = tree.find(method, reading);
      return (
        found?.value.some(({ rule: other, tenantName }) =>
          tenantName === undefined
            ? mayAskMore(other, rule)
            : asksMore(other, rule) || found.parameters[tenantName] !== foldedTenant,
        ) ?? false
      );
    };
    const bare = withoutSlash(folded);
    if (stricterAt(bare)) return true;
    // The path itself has been looked up.
    return bare !== folded && (isOdd || folded !== path) && stricterAt(folded);
  };
  return { askMore };
};

/**
 * Whether a lenient reading of a path is one that Tollgate answers itself.
 * @param patterns of those paths (settings/surface-paths.ts).
 */
export const createLenientPaths = (patterns: readonly string[]): ((path: string) => boolean) => {
  const asRoutes = patterns.map((pattern) => withNumbers(pattern.replace(/\/\?$/, '')));
  const isOdd = asRoutes.some((pattern) => readsOtherwise(withoutParameters(pattern)));
  const tree = new RuleTree<true>();
  for (const pattern of new Set(asRoutes.map((pattern) => withoutSlash(foldPath(pattern)))))
    tree.add('GET', pattern, true);
  return (path) => {
    if (asRoutes.length === 0 || !(isOdd || readsOtherwise(path))) return false;
    const folded = foldEscaped(path);
    return folded === undefined || tree.find('GET', withoutSlash(folded)) !== undefined;
  };
};

/** `{account}` as a numbered parameter. */
const withNumbers = (pattern: string): string => {
  let count = 0;
  return pattern.replaceAll(/\{[A-Za-z0-9]+\}/g, () => `:p${count++}`);
};

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

/** Only a path with upper case, an escape, a dot that ends a segment, or a slash at its end can be read as another. */
const readsOtherwise = (path: string): boolean => {
  let before = 0;
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    const isUpperCase = code >= 65 && code <= 90;
    if (isUpperCase || code === percent || (code === slash && before === dot)) return true;
    before = code;
  }
  return before === dot || before === slash;
};
const [percent, dot, slash] = [37, 46, 47];

/** Every spelling that one lenient server or another takes for the same path becomes one. `%` gets a stand-in. */
const foldPath = (path: string): string => {
  // First upper case: `ı` and `ſ` are lower case, but in upper case I and S.
  const lower = path.toUpperCase().toLowerCase();
  const trimmed = lower.replaceAll(blankEnds, '');
  const joined = trimmed === lower ? lower : trimmed.replaceAll(/\/{2,}/g, '/');
  return joined.includes('%') ? joined.replaceAll('%', '^') : joined;
};

const foldEscaped = (path: string): string | undefined => {
  if (!path.includes('%')) return endsInDot.test(path) ? foldPath(path) : path.toLowerCase();
  const decoded = decodePath(path);
  return decoded === undefined ? undefined : foldPath(decoded);
};

const endsInDot = /\.(?:\/|$)/;

/** Blanks before a segment, blanks and dots after it. A run is tried once, from its beginning. */
const blankEnds = /(?<=\/)\s+|(?<![\s.])[\s.]+(?=\/|$)/g;

const withoutSlash = (path: string): string =>
  path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;

/** `::` is a colon. */
const isParameter = (segment: string): boolean => segment.startsWith(':') && !segment.startsWith('::');

const withoutParameters = (pattern: string): string => pattern.replaceAll(/\/:(?!:)[^/]+/g, '/p');

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
