// Judges routes for some hosts alone. Callers write the Host: where an upstream does not tell hosts apart, a route for one host
// is no guard against a caller that names another. It may tell them apart, hence a warning.

import { coversHost } from '../decision/host-pattern.ts';
import { overlaps } from '../decision/path-pattern.ts';
import { asksMore, type Demand } from '../decision/stricter-rule.ts';
import type { IndexedRoute } from './parse-fields.ts';
import type { Report } from './settings-issue.ts';

type RouteFields = IndexedRoute['route'];

export const checkHosts = (routes: readonly IndexedRoute[], warning: Report): void => {
  for (const { index, route } of routes) {
    if (route.host === undefined) continue;
    const beside = routes.find(({ route: other }) => isWayRound(other, route));
    if (beside !== undefined)
      warning(
        ['routes', index, 'host'],
        `guards ${route.path.written} at ${route.host.written} alone, and ${JSON.stringify(beside.route.name)} (${beside.route.path.written}) lets more callers ` +
          `reach the upstream ${route.upstream} under another host, which a caller chooses; that is safe only where the API tells hosts apart. ` +
          'Else ask for the same in both, or give each host an upstream of its own',
      );
  }
};

/** Whether a caller who names another host is asked for less, at the same path of the same upstream. */
const isWayRound = (other: RouteFields, guarded: RouteFields): boolean =>
  other !== guarded &&
  other.upstream === guarded.upstream &&
  !coversHost(guarded.host, other.host) &&
  overlaps(other.path, guarded.path) &&
  asksMore(demandOf(guarded), demandOf(other));

/** What a route asks of its callers, but for the tenant. */
export const demandOf = ({ scopes = [], ...route }: RouteFields): Demand => ({ ...route, scopes });
