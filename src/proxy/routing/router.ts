// Step 3: method and path -> the rule. Paths are matched as received, case and trailing slash included; a path that the API may
// take for one of another rule, which asks more, or for one that is answered here, has none.

import { type Denial, denial } from '../../decision/outcome.ts';
import { readEscapes } from '../../decision/path.ts';
import { refusedEscape, reservedEscapeOf } from '../../decision/reserved-escapes.ts';
import type { PathPattern } from '../../decision/path-pattern.ts';
import { type RouteRule, tenantIndexOf } from '../../decision/route-rule.ts';
import { createEncodedPaths } from './encoded-paths.ts';
import { createLenientPaths, createLenientRules, treesByMethod } from './lenient-rules.ts';

export interface RouteMatch {
  readonly rule: RouteRule;
  /** The rule's tenant parameter, its escapes read; undefined when the rule has none. */
  readonly tenant: string | undefined;
  /** Only of a rule in shadow mode: enforced, the path would be refused as ambiguous. */
  readonly isAmbiguous: boolean;
}

export interface Router {
  /** `path`: canonical (decision/path.ts). Undefined when no rule names this method and path, unmistakably. */
  match(method: string, path: string): RouteMatch | undefined;
  /** Why `match` found nothing. Where it finds a rule for other methods, the denial names them. */
  refusalOf(method: string, path: string): Denial;
  /** Whether some server may read the path as one that is answered here, though it is none. */
  looksOwned(path: string): boolean;
}

/** A rule as its tree keeps it. */
interface RoutedRule {
  /** What is found where the rule has no tenant: the same for every path. */
  readonly match: RouteMatch;
  /** Which of the parameters is the tenant; -1: none. */
  readonly tenantAt: number;
}

/**
 * Throws where two rules cover the same method and paths, or one names CONNECT. `owned`: the paths that are answered here; what
 * only looks like one of them would carry passwords and API tokens to the API, or do there what is refused here.
 */
export const createRouter = (routes: readonly RouteRule[], owned: readonly PathPattern[] = []): Router => {
  const trees = treesByMethod(routes, (own) => own.map(routed));
  if (trees.has('CONNECT')) throw new Error('a route names CONNECT, which has no path and cannot be routed');
  const asksMore = createLenientRules(routes);
  const enforcedAsksMore = createLenientRules(
    routes,
    routes.filter(({ mode }) => mode === 'enforce'),
  );
  const looksOwned = createLenientPaths(owned);

  const find = (method: string, path: string): RouteMatch | undefined => {
    const found = trees.get(method)?.find(path);
    if (found === undefined) return undefined;
    const { match, tenantAt } = found.value;
    if (tenantAt < 0) return match;
    const tenant = found.parameters[tenantAt] ?? '';
    return { ...match, tenant: tenant.includes('%') ? readEscapes(tenant) : tenant };
  };

  const passesEncoded = createEncodedPaths(routes, owned, { find, readsAsMore: asksMore, looksOwned });

  const match = (method: string, path: string): RouteMatch | undefined => {
    const found = find(method, path);
    if (found === undefined) return undefined;
    if (reservedEscapeOf(path) !== undefined) return passesEncoded(method, path, found) ? found : undefined;
    if (looksOwned(path)) return undefined;
    const { rule, tenant } = found;
    // What a rule in shadow mode lets through must not be what an enforced one refuses.
    if (rule.mode === 'shadow' && enforcedAsksMore(method, path, rule, tenant)) return undefined;
    if (!asksMore(method, path, rule, tenant)) return found;
    return rule.mode === 'shadow' ? { ...found, isAmbiguous: true } : undefined;
  };

  const refusalOf = (method: string, path: string): Denial => {
    const found = find(method, path);
    const escape = reservedEscapeOf(path);
    if (escape !== undefined) return refusedEscape(escape, found?.rule.encodedReserved === 'pass');
    if (found !== undefined) return ambiguousPath;
    const allow =
      method === 'CONNECT' ? [] : [...trees.keys()].filter((other) => match(other, path) !== undefined);
    if (allow.length > 0) return { ...denial('method_not_allowed', method), allow };
    const isRead = [...trees.values()].some((tree) => tree.has(path));
    return isRead || (trees.size > 0 && !trees.has(method))
      ? denial('method_refused', method)
      : denial('route_unknown');
  };
  return { match, refusalOf, looksOwned };
};

/** Why a path has no rule although a rule's pattern covers it. */
export const ambiguousPath: Denial = denial(
  'path_ambiguous',
  'case, a slash, a blank or an escape away from a rule that asks more, or a path answered here',
);

const routed = (rule: RouteRule): readonly [PathPattern, RoutedRule] => [
  rule.path,
  { match: { rule, tenant: undefined, isAmbiguous: false }, tenantAt: tenantIndexOf(rule) },
];
