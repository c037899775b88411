// Judges what Tollgate answers itself against the routes, and the surfaces against each other: no request may silently go
// to another place than the settings seem to say.

import { covers, overlaps } from '../decision/path-pattern.ts';
import { check } from './check.ts';
import type { IndexedRoute } from './parse-fields.ts';
import type { Path, Report } from './settings-issue.ts';
import {
  configuredSurfaces,
  identityKeys,
  type OwnedPaths,
  ownedPatterns,
  patternsOf,
  type SurfacePrefixes,
} from './surface-paths.ts';

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
