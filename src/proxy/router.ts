// Step 3: method and path -> the rule. Paths are matched as received, case and trailing slash included; a path that the
// API may take for one of another rule, which asks more, or for one that is answered here, has none. It keeps no cache and decodes nothing that is forwarded.

import { type Denial, denial } from '../decision/outcome.ts';
import { decodePath } from '../decision/path.ts';
import { defaultMethods, type RouteRule } from '../decision/route-rule.ts';
import { createLenientPaths, createLenientRules, type RuleOfMethod } from './lenient-rules.ts';
import { type HTTPMethod, RuleTree } from './rule-tree.ts';

export interface RouteMatch {
  readonly rule: RouteRule;
  /** The rule's tenant parameter, its escapes read; undefined when the rule has none. */
  readonly tenant: string | undefined;
}

export interface Router {
  /** `path`: canonical (decision/path.ts). Undefined when no rule names this method and path, unmistakably. */
  match(method: string, path: string): RouteMatch | undefined;
  /** Why `match` found nothing. */
  refusalOf(method: string, path: string): Denial;
}

/** Stands in for `%`, which the tree must not see; no canonical path and no pattern holds it. */
const escapeStandIn = '^';

/**
 * Patterns come checked from the settings; one that is none, or that stands twice, throws.
 * @param owned patterns of the paths that are answered here, and never asked for: what only looks like one of them would
 * carry passwords and API tokens to the API, or do there what is refused here.
 */
export const createRouter = (routes: readonly RouteRule[], owned: readonly string[] = []): Router => {
  const tree = new RuleTree<RouteRule>();
  const entries: RuleOfMethod[] = [];
  const methods = new Set<HTTPMethod>();
  for (const rule of routes) {
    if (/[%^?#;\\]/.test(rule.path))
      throw new Error(`the path of route ${rule.name} is no pattern: ${rule.path}`);
    for (const method of rule.methods ?? defaultMethods) {
      if (!isRoutable(method))
        throw new Error(`route ${rule.name} names a method that cannot be routed: ${method}`);
      methods.add(method);
      tree.add(method, rule.path, rule);
      entries.push({ method, rule });
    }
  }
  const lenient = createLenientRules(entries);
  const looksOwned = createLenientPaths(owned);

  const find = (method: HTTPMethod, path: string): RouteMatch | undefined => {
    const isEscaped = path.includes('%');
    const found = tree.find(method, isEscaped ? path.replaceAll('%', escapeStandIn) : path);
    if (found === undefined) return undefined;
    const { value: rule, parameters } = found;
    if (rule.tenantParameter === undefined) return { rule, tenant: undefined };
    const tenant = parameters[rule.tenantParameter];
    if (!isEscaped || tenant === undefined) return { rule, tenant };
    return { rule, tenant: decodePath(tenant.replaceAll(escapeStandIn, '%')) };
  };

  const match = (method: string, path: string): RouteMatch | undefined => {
    if (!isRoutable(method)) return undefined;
    const found = find(method, path);
    if (found === undefined || looksOwned(path)) return undefined;
    return lenient.askMore(method, path, found.rule, found.tenant) ? undefined : found;
  };

  const refusalOf = (method: string, path: string): Denial => {
    if (!isRoutable(method) || !methods.has(method)) return denial('method_refused', method);
    if (find(method, path) !== undefined)
      return denial(
        'path_ambiguous',
        'case, a slash, a blank or an escape away from a rule that asks more, or a path answered here',
      );
    for (const other of methods) if (find(other, path) !== undefined) return denial('method_refused', method);
    return denial('route_unknown');
  };
  return { match, refusalOf };
};

/** What Node's parser reads and find-my-way can hold. CONNECT has no path, so no rule can name it. */
const routable = new Set<string>([
  ...defaultMethods,
  'ACL',
  'BIND',
  'CHECKOUT',
  'COPY',
  'LINK',
  'LOCK',
  'M-SEARCH',
  'MERGE',
  'MKACTIVITY',
  'MKCALENDAR',
  'MKCOL',
  'MOVE',
  'NOTIFY',
  'PROPFIND',
  'PROPPATCH',
  'PURGE',
  'QUERY',
  'REBIND',
  'REPORT',
  'SEARCH',
  'SOURCE',
  'SUBSCRIBE',
  'TRACE',
  'UNBIND',
  'UNLINK',
  'UNLOCK',
  'UNSUBSCRIBE',
]);
const isRoutable = (method: string): method is HTTPMethod => routable.has(method);
