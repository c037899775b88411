// Step 3: method and path -> the rule. Paths are matched as received, case and trailing slash included; where a path
// has escapes, every reading of it must choose the same rule, or none is chosen. It keeps no cache and decodes nothing
// that is forwarded.

import findMyWay, { type HTTPMethod } from 'find-my-way';
import { type Denial, denial } from '../decision/outcome.ts';
import { decodePath } from '../decision/path.ts';
import type { RouteRule } from '../decision/route-rule.ts';

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

/** Methods of a rule that names none. */
export const defaultMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Stands in for `%`, which find-my-way would decode; no canonical path and no pattern holds it. */
const escapeStandIn = '^';

/** Patterns come checked from the settings; one that is none, or that stands twice, throws. */
export const createRouter = (routes: readonly RouteRule[]): Router => {
  // Without a limit: a parameter longer than find-my-way's 100 characters would fall through to another rule.
  const options = { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: Infinity };
  const tree = findMyWay(options);
  // A parameter is a segment, never the nothing after a trailing slash, which find-my-way would take for one.
  const treeOfSlashed = findMyWay(options);
  const methods = new Set<string>();
  for (const rule of routes) {
    if (/[%^?#;\\]/.test(rule.path))
      throw new Error(`the path of route ${rule.name} is no pattern: ${rule.path}`);
    for (const method of rule.methods ?? defaultMethods) {
      if (!isRoutable(method))
        throw new Error(`route ${rule.name} names a method that cannot be routed: ${method}`);
      methods.add(method);
      tree.on(method, rule.path, unused, rule);
      if (!endsWithParameter.test(rule.path)) treeOfSlashed.on(method, rule.path, unused, rule);
    }
  }
  const byPath = new Map<unknown, RouteRule>(routes.map((rule) => [rule, rule]));

  const find = (method: string, reading: string): RouteMatch | undefined => {
    if (!isRoutable(method)) return undefined;
    const found = (reading.endsWith('/') ? treeOfSlashed : tree).find(method, reading);
    const rule = byPath.get(found?.store);
    if (found === null || rule === undefined) return undefined;
    const parameter = rule.tenantParameter;
    return { rule, tenant: parameter === undefined ? undefined : found.params[parameter] };
  };

  const match = (method: string, path: string): RouteMatch | undefined => {
    if (!path.includes('%')) return find(method, path);
    const literal = find(method, path.replaceAll('%', escapeStandIn));
    const decoded = decodePath(path);
    if (literal === undefined || decoded === undefined) return undefined;
    // Read twice, `%3F`, `%23` and `%3B` would end the path.
    const lenient = find(method, decoded.replace(/[?#;].*$/s, '').replaceAll('%', escapeStandIn));
    if (lenient?.rule !== literal.rule) return undefined;
    if (literal.tenant === undefined) return literal;
    const tenant = decodePath(literal.tenant.replaceAll(escapeStandIn, '%'));
    const isOneTenant = tenant !== undefined && tenant.replaceAll('%', escapeStandIn) === lenient.tenant;
    return isOneTenant ? { rule: literal.rule, tenant } : undefined;
  };

  const refusalOf = (method: string, path: string): Denial => {
    if (!methods.has(method)) return denial('method_refused', method);
    const literal = path.replaceAll('%', escapeStandIn);
    if (find(method, literal) !== undefined)
      return denial('path_ambiguous', 'its escapes choose another rule');
    for (const other of methods)
      if (find(other, literal) !== undefined) return denial('method_refused', method);
    return denial('route_unknown');
  };
  return { match, refusalOf };
};

/** `::` is a literal colon. */
const endsWithParameter = /\/:(?!:)[^/]*$/;

const unused = (): void => undefined;

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
