// Judges routes by themselves, against each other, and against what Tollgate answers itself: every rule must be reachable, ask
// for something, and say where it forwards to, and no request may silently go to another place than the settings seem to say.

import { coversHost } from '../decision/host-pattern.ts';
import {
  compareExactness,
  covers,
  overlaps,
  parameterNames,
  type PathPattern,
  withoutRest,
} from '../decision/path-pattern.ts';
import { defaultMethods } from '../decision/route-rule.ts';
import { check } from './check.ts';
import type { IndexedRoute } from './parse-fields.ts';
import { known, type Path, type Report } from './settings-issue.ts';
import {
  configuredSurfaces,
  identityKeys,
  type OwnedPaths,
  ownedPatterns,
  patternsOf,
  type SurfacePrefixes,
} from './surface-paths.ts';

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
    checkEscapes(route, report);
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
      const rule = `${method} ${hostOf(route)}${route.path.form}`;
      const sameRule = rules.get(rule);
      if (sameRule !== undefined) {
        report(
          'path',
          `${method} ${hostOf(route)}${route.path.written} is what routes[${sameRule}] covers too; merge the two rules, or split them by methods`,
        );
        break;
      }
      rules.set(rule, index);
    }
  }
};

const hostOf = ({ host }: RouteFields): string =>
  host === undefined ? '' : `${host.isWildcard ? '*.' : ''}${host.name}`;

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

const checkEscapes = (
  { encodedReserved, path }: RouteFields,
  report: (key: string, message: string) => void,
): void => {
  if (encodedReserved === 'pass' && !path.hasRest && parameterNames(path).length === 0)
    report(
      'encodedReserved',
      `means nothing for ${path.written}, where no escape can stand; remove it, or write a path with * or {name}`,
    );
};

/**
 * `/admin/*` is everything below `/admin/`, and not `/admin`: where a public rule catches that, what was meant to be guarded
 * is open at its front door. It may be meant so, hence a warning, for each method both have. (`/x/` is below `/x/`.)
 */
export const checkBarePaths = (routes: readonly IndexedRoute[], warning: Report): void => {
  for (const { index, route } of routes) {
    if (isOpen(route) || !route.path.hasRest || route.path.segments.length === 0) continue;
    const bare = withoutRest(route.path);
    const others = routes.map(({ route: other }) => other);
    const catching = mostExactFor(
      others.filter((other) => sharesMethod(route.methods, other.methods)),
      bare,
      route,
    );
    if (catching === undefined || !isOpen(catching)) continue;
    warning(
      ['routes', index, 'path'],
      `${route.path.written} does not cover ${bare.written} itself, and ${JSON.stringify(catching.name)} (${catching.path.written}) ` +
        `lets anyone call that; write a rule for ${bare.written} too, with the same scopes, or with public: true if it is meant so`,
    );
  }
};

/** Anybody may call it, from anywhere. */
const isOpen = (route: RouteFields): boolean => route.public && route.allowFrom === undefined;

/** The route that paths of this pattern meet, for a host of `route`; undefined: none covers them. */
export const mostExactFor = (
  routes: readonly RouteFields[],
  path: PathPattern,
  route: RouteFields,
): RouteFields | undefined =>
  routes
    .filter((other) => sharesHost(route, other) && covers(other.path, path))
    .toSorted((one, other) => compareExactness(other.path, one.path))
    .at(0);

const sharesHost = (one: RouteFields, other: RouteFields): boolean =>
  coversHost(one.host, other.host) || coversHost(other.host, one.host);

const sharesMethod = (one: readonly string[] | undefined, other: readonly string[] | undefined): boolean =>
  one === undefined || other === undefined || one.some((method) => other.includes(method));

/** Two surfaces that would answer the same path: where one of them lies must change. */
export const surfaceCheck = check(
  ['oauth', 'surfaces', 'forwardAuth', 'upstream', 'upstreams'],
  (prefixes, problem) => {
    const owned = ownedPatterns(prefixes);
    for (const [index, one] of owned.entries()) {
      const same = owned
        .slice(0, index)
        .find((other) => other.setting !== one.setting && overlaps(other.pattern, one.pattern));
      if (same !== undefined)
        problem(
          placeOf(one.setting).split('.'),
          `${one.shown} is answered by ${same.setting} too; write another prefix for one of them`,
        );
    }
  },
);

/** A route that an owned path would silently take requests from: an error when it was aimed there, else a warning. */
export const checkClashes = (
  routes: readonly IndexedRoute[],
  prefixes: OwnedPaths,
  problem: Report,
  warning: Report,
): void => {
  const owned = ownedPatterns(prefixes);
  const wholePrefixes = ownedPrefixes(prefixes);
  for (const { index, route } of routes) {
    const path: Path = ['routes', index, 'path'];
    const { form, written } = route.path;
    const setting = [...wholePrefixes, ...owned].find(({ pattern }) => covers(pattern, route.path))?.setting;
    if (setting !== undefined) {
      problem(
        path,
        `${written} is answered by Tollgate itself, so the API would never see it; ${remedyOf(setting)}`,
      );
      continue;
    }
    const taken = owned.filter(
      ({ pattern, isAmidVendorApi }) => overlaps(pattern, route.path) && !isAmidVendorApi,
    );
    const shown = [...new Set(taken.map((one) => one.shown))];
    if (shown.length > 0)
      warning(
        path,
        `${written} does not reach the API for ${shown.join(', ')}: Tollgate answers ${shown.length === 1 ? 'it' : 'them'} itself${form.startsWith('/.well-known/') ? '; write the well-known paths the API has one by one' : ''}`,
      );
  }
};

/** The setting that says where its paths lie. */
const placeOf = (setting: string): string =>
  setting === 'forwardAuth'
    ? 'forwardAuth.path'
    : setting === 'resource'
      ? 'upstream.resource'
      : `${setting}.prefix`;

const remedyOf = (setting: string): string => {
  if (setting === identityKeys)
    return 'the keys that X-Identity is verified with are published there: remove the route';
  if (setting === 'resource')
    return 'the metadata of the `resource` of an upstream are published there: remove the route, or `resource`';
  const remedy = `set ${placeOf(setting)} to another path`;
  return setting === 'forwardAuth' ? remedy : `${remedy}, or ${setting}.enabled: false`;
};

/** All below these prefixes is ours; below those of the vendors' surfaces lies the rest of the vendor's own API. */
const ownedPrefixes = (prefixes: SurfacePrefixes) =>
  configuredSurfaces(prefixes).flatMap(({ descriptor, setting, enabled, prefix }) =>
    enabled && descriptor.ownsPrefix === true
      ? patternsOf(`${prefix}/*`).map((pattern) => ({ setting, pattern }))
      : [],
  );
