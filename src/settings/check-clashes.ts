// Judges what Tollgate answers itself against the routes, and the surfaces against each other: no request may silently go
// to another place than the settings seem to say.

import { patternsMeet, spellings } from '../decision/path-pattern.ts';
import type { IndexedRoute, Report } from './parse-fields.ts';
import type { Path } from './settings-issue.ts';
import { identityKeys, type OwnedPattern, ownedPatterns, type SurfacePrefixes } from './surface-paths.ts';

/** Two surfaces that would answer the same path: where one of them lies must change. */
export const checkSurfaces = (prefixes: SurfacePrefixes, problem: Report): void => {
  const owned = ownedPatterns(prefixes);
  for (const [index, one] of owned.entries()) {
    const same = owned
      .slice(0, index)
      .find((other) => other.setting !== one.setting && patternsMeet(other.pattern, one.pattern));
    if (same !== undefined)
      problem(
        [...one.setting.split('.'), 'prefix'],
        `${shown(one.pattern)} is answered by ${same.setting} too; write another prefix for one of them`,
      );
  }
};

/** A route that an owned path would silently take requests from: an error when it was aimed there, else a warning. */
export const checkClashes = (
  routes: readonly IndexedRoute[],
  prefixes: SurfacePrefixes,
  problem: Report,
  warning: Report,
): void => {
  const owned = ownedPatterns(prefixes);
  for (const { index, route } of routes) {
    const path: Path = ['routes', index, 'path'];
    const { form, written } = route.path;
    const setting = isUnderOauth(form, prefixes)
      ? 'oauth'
      : owned.find(({ pattern }) => meets(form, pattern) === 'whole')?.setting;
    if (setting !== undefined) {
      problem(
        path,
        `${written} is answered by Tollgate itself, so the API would never see it; ${remedyOf(setting)}`,
      );
      continue;
    }
    const taken = owned.filter(
      ({ pattern, setting: of }) => meets(form, pattern) === 'part' && !amidTheirApi.has(of),
    );
    if (taken.length > 0)
      warning(
        path,
        `${written} does not reach the API for ${listed(taken)}: Tollgate answers ${taken.length === 1 ? 'it' : 'them'} itself${form.startsWith('/.well-known/') ? '; write the well-known paths the API has one by one' : ''}`,
      );
  }
};

const remedyOf = (setting: string): string =>
  setting === identityKeys
    ? 'the keys that X-Identity is verified with are published there: remove the route'
    : `set ${setting}.prefix to another path, or ${setting}.enabled: false`;

/** Surfaces whose paths lie amid their vendor's own API: a route that varies means the rest of it. */
const amidTheirApi: ReadonlySet<string> = new Set(['surfaces.vcd']);

/** All of this prefix is ours; below those of the vendors' surfaces lies the rest of the vendor's own API. */
const isUnderOauth = (form: string, { oauth }: SurfacePrefixes): boolean =>
  oauth.enabled && (form === oauth.prefix || form.startsWith(`${oauth.prefix}/`));

/** Which of the requests of a route's form fit an owned pattern. */
const meets = (form: string, pattern: string): 'none' | 'part' | 'whole' => {
  const found = spellings(pattern).map((spelling) => meetsSpelling(form, spelling));
  return found.find((how) => how === 'whole') ?? found.find((how) => how === 'part') ?? 'none';
};

const meetsSpelling = (form: string, pattern: string): 'none' | 'part' | 'whole' => {
  // In a form a parameter is `:`, and a colon that is meant as one is doubled.
  const route = form.replaceAll('::', '\0').split('/');
  const isOpen = route.at(-1) === '*';
  const fixed = isOpen ? route.slice(0, -1) : route;
  const isAllBelow = pattern.endsWith('/*');
  const owned = (isAllBelow ? pattern.slice(0, -'/*'.length) : pattern).split('/');
  if (!isOpen && fixed.length < owned.length) return 'none';
  if (!isAllBelow && (isOpen ? owned.length <= fixed.length : owned.length !== fixed.length)) return 'none';
  let isWhole = isAllBelow ? fixed.length >= owned.length : !isOpen;
  for (const [position, part] of fixed.slice(0, owned.length).entries()) {
    const facing = owned[position] ?? '';
    if (facing.startsWith('{') ? part !== '' : part.replaceAll('\0', ':') === facing) continue;
    if (part !== ':' || facing === '') return 'none';
    isWhole = false;
  }
  return isWhole ? 'whole' : 'part';
};

const listed = (taken: readonly OwnedPattern[]): string =>
  taken.map(({ pattern }) => shown(pattern)).join(', ');

const shown = (pattern: string): string => pattern.replace(/\/\?$/, '');
