// Judges what routes make of paths: each rewrite fits its own path, and none leads to what a stricter route guards at the same
// upstream. (Two names in `upstreams` are two upstreams, whatever their URLs.)

import { coversHost } from '../decision/host-pattern.ts';
import { bothOf, compareExactness, covers, type PathPattern } from '../decision/path-pattern.ts';
import {
  callersPattern,
  compileRewrite,
  isRewriteFault,
  type PathRewrite,
  rewrittenPattern,
} from '../decision/path-rewrite.ts';
import { asksMore, type Demand } from '../decision/stricter-rule.ts';
import { demandOf } from './check-hosts.ts';
import type { IndexedRoute } from './parse-fields.ts';
import { tenantOf } from './resolve-settings.ts';
import type { Report } from './settings-issue.ts';

interface Rewriting {
  readonly index: number;
  readonly route: IndexedRoute['route'];
  readonly rewrite: PathRewrite | undefined;
  /** Every path that the API may get by it. */
  readonly image: PathPattern;
  readonly demand: Demand;
  readonly hasTenant: boolean;
}

export const checkRewrites = (routes: readonly IndexedRoute[], problem: Report): void => {
  const sound = routes.flatMap(({ index, route }): Rewriting[] => {
    const rewrite = compileRewrite(route);
    if (isRewriteFault(rewrite)) {
      problem(['routes', index, rewrite.key], rewrite.fault);
      return [];
    }
    if (route.rewrite !== undefined && route.encodedReserved === 'pass')
      problem(
        ['routes', index, 'encodedReserved'],
        'stands beside rewrite, which could move an escape to where the API reads it as another path; write stripPrefix and addPrefix instead, or remove it',
      );
    const { path } = route;
    const image = rewrittenPattern({ path, rewrite });
    const hasTenant = !route.public && tenantOf(route.tenant, route) !== undefined;
    return [{ index, route, rewrite, image, hasTenant, demand: demandOf(route) }];
  });
  for (const one of sound)
    for (const guarded of sound) {
      if (one === guarded || (one.rewrite === undefined && guarded.rewrite === undefined)) continue;
      const reached = reachedBehind(one, guarded);
      if (reached !== undefined)
        problem(
          [
            'routes',
            one.rewrite === undefined ? guarded.index : one.index,
            keyOf(one.rewrite === undefined ? guarded.route : one.route),
          ],
          `lets ${one.route.name} reach ${reached} at the upstream ${one.route.upstream}, which ${guarded.route.name} (${guarded.route.path.written}) lets fewer callers reach; ` +
            'ask for the same in both, narrow one of the paths, or give one of them an upstream of its own',
        );
    }
};

/** The path, as forwarded, that `one` lets through to where `guarded` asks more; undefined: there is none. */
const reachedBehind = (one: Rewriting, guarded: Rewriting): string | undefined => {
  if (one.route.upstream !== guarded.route.upstream || !sharesMethod(one, guarded)) return undefined;
  if (!guarded.hasTenant && !asksMore(guarded.demand, one.demand)) return undefined;
  const reached = bothOf(one.image, guarded.image);
  // Where both lead, the more exact one says who may, as it does for callers' paths.
  if (reached === undefined || compareExactness(guarded.image, one.image) < 0) return undefined;
  const asked = callersPattern({ path: one.route.path, rewrite: one.rewrite }, reached);
  // Callers who ask for that meet the stricter rule itself.
  const isTaken =
    asked !== undefined &&
    coversHost(guarded.route.host, one.route.host) &&
    covers(guarded.route.path, asked) &&
    compareExactness(guarded.route.path, one.route.path) > 0;
  return isTaken ? undefined : reached.written;
};

const sharesMethod = (one: Rewriting, other: Rewriting): boolean => {
  const [mine, theirs] = [withHead(one.route.methods), withHead(other.route.methods)];
  return mine === undefined || theirs === undefined || theirs.some((method) => mine.includes(method));
};

/** What a rule says of GET it says of HEAD too. */
const withHead = (methods: readonly string[] | undefined): readonly string[] | undefined =>
  methods?.includes('GET') === true ? [...methods, 'HEAD'] : methods;

const keyOf = ({ rewrite, stripPrefix }: IndexedRoute['route']): string =>
  rewrite === undefined ? (stripPrefix === undefined ? 'addPrefix' : 'stripPrefix') : 'rewrite';
