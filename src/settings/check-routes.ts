// Judges routes by themselves and against each other: every rule must be reachable, ask for something, and say where it
// forwards to. The paths Tollgate answers itself are check-clashes.ts's matter.

import { compareExactness, covers, parameterNames, withoutRest } from '../decision/path-pattern.ts';
import { defaultMethods } from '../decision/route-rule.ts';
import type { IndexedRoute } from './parse-fields.ts';
import { closest, type Report } from './settings-issue.ts';

type RouteFields = IndexedRoute['route'];

/** Each route by itself, and each pair. `upstreams`: the names that exist. */
export const checkRoutes = (
  routes: readonly IndexedRoute[],
  upstreams: readonly string[],
  problem: Report,
): void => {
  const names = new Map<string, number>();
  const rules = new Map<string, number>();
  for (const { index, route } of routes) {
    const report = (key: string, message: string): void => problem(['routes', index, key], message);
    checkDemand(route, report);
    checkTenant(route, report);
    if (!upstreams.includes(route.upstream))
      report(
        'upstream',
        `${JSON.stringify(route.upstream)} is no upstream; ${known(route.upstream, upstreams)}`,
      );
    const sameName = names.get(route.name);
    if (sameName !== undefined)
      report(
        'name',
        `${JSON.stringify(route.name)} is also the name of routes[${sameName}]; metrics need unique names`,
      );
    names.set(route.name, index);
    for (const method of new Set(route.methods ?? defaultMethods)) {
      const rule = `${method} ${route.path.form}`;
      const sameRule = rules.get(rule);
      if (sameRule !== undefined) {
        report(
          'path',
          `${method} ${route.path.written} is what routes[${sameRule}] covers too; merge the two rules, or split them by methods`,
        );
        break;
      }
      rules.set(rule, index);
    }
  }
};

const checkDemand = (route: RouteFields, report: (key: string, message: string) => void): void => {
  if (route.public && route.scopes !== undefined && route.scopes.length > 0)
    report('scopes', 'a public route asks for no scopes; remove `scopes`, or remove `public: true`');
  if (route.public && route.sessions === 'interactive')
    report('sessions', 'a public route asks for no session; remove `sessions`, or remove `public: true`');
  if (!route.public && route.scopes === undefined)
    report(
      'scopes',
      `${JSON.stringify(route.name)} says neither who may call it nor that anyone may; write scopes: [things:read], ` +
        'scopes: [] for any valid credential, or public: true',
    );
};

const checkTenant = (route: RouteFields, report: (key: string, message: string) => void): void => {
  if (route.tenant === undefined || route.tenant === 'none') return;
  if (route.public)
    report('tenant', 'a public route compares no org; remove `tenant`, or remove `public: true`');
  const parameters = parameterNames(route.path);
  if (!parameters.includes(route.tenant))
    report(
      'tenant',
      `${JSON.stringify(route.tenant)} is no parameter of the path; ${parameters.length === 0 ? 'write one into it, e.g. /accounts/{org}/*' : known(route.tenant, parameters)}`,
    );
};

/**
 * `/admin/*` is everything below `/admin/`, and not `/admin`: where a public rule catches that, what was meant to be guarded
 * is open at its front door. It may be meant so, hence a warning, for each method both have. (`/x/` is below `/x/`.)
 */
export const checkBarePaths = (routes: readonly IndexedRoute[], warning: Report): void => {
  for (const { index, route } of routes) {
    if (route.public || !route.path.hasRest || route.path.segments.length === 0) continue;
    const bare = withoutRest(route.path);
    const catching = routes
      .filter(({ route: other }) => sharesMethod(route.methods, other.methods))
      .filter(({ route: other }) => covers(other.path, bare))
      .toSorted((a, b) => compareExactness(b.route.path, a.route.path))
      .at(0);
    if (catching === undefined || !catching.route.public) continue;
    warning(
      ['routes', index, 'path'],
      `${route.path.written} does not cover ${bare.written} itself, and ${JSON.stringify(catching.route.name)} (${catching.route.path.written}) ` +
        `lets anyone call that; write a rule for ${bare.written} too, with the same scopes, or with public: true if it is meant so`,
    );
  }
};

const sharesMethod = (one: readonly string[] | undefined, other: readonly string[] | undefined): boolean =>
  one === undefined || other === undefined || one.some((method) => other.includes(method));

const known = (name: string, names: readonly string[]): string => {
  const near = closest(name, names);
  return near === undefined ? `write one of ${names.join(', ')}` : `did you mean ${near}?`;
};
