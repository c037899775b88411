// Judges CORS: every page may not read with cookies, and where preflights are let through to the API they must be so everywhere.

import { anyOrigin } from '../decision/cors.ts';
import { defaultMethods } from '../decision/route-rule.ts';
import { type Check, check } from './check.ts';
import { mostExactFor } from './check-routes.ts';
import type { FileFields } from './schema.ts';
import type { Path, Report } from './settings-issue.ts';

type RouteFields = FileFields['routes'][number];

const checkCredentials = (cors: FileFields['cors'], path: Path, problem: Report): void => {
  if (cors?.credentials === true && cors.origins.includes(anyOrigin))
    problem(
      [...path, 'credentials'],
      'would let every page on the web read what a browser’s cookies open, which browsers refuse; write the origins one by one, or leave credentials out',
    );
};

const takesOptions = ({ methods = defaultMethods }: RouteFields): boolean => methods.includes('OPTIONS');

/**
 * A public rule for OPTIONS lets preflights through to the API. A preflight carries no credential: where it meets a rule that asks
 * for one, or none, browsers cannot call the route.
 */
const checkPreflights = ({ cors, routes }: Pick<FileFields, 'cors' | 'routes'>, warning: Report): void => {
  const isMeant = routes.some((route) => route.public && route.methods?.includes('OPTIONS') === true);
  if (!isMeant) return;
  for (const [index, route] of routes.entries()) {
    const { origins } = route.cors ?? cors ?? { origins: [] };
    if (route.public || origins.length > 0) continue;
    const met = mostExactFor(routes.filter(takesOptions), route.path, route);
    if (met?.public === true) continue;
    warning(
      ['routes', index, met === route ? 'methods' : 'path'],
      `a browser’s preflight (OPTIONS) for ${route.path.written} meets ${met === undefined ? 'no rule' : `${JSON.stringify(met.name)}, which asks for a credential that no preflight has`}; ` +
        'write `cors` for the route, or leave OPTIONS out of its methods and let a public rule for OPTIONS cover its path',
    );
  }
};

export const corsChecks: readonly Check[] = [
  check(['cors'], ({ cors }, problem) => checkCredentials(cors, ['cors'], problem)),
  check(['routes'], ({ routes }, problem) => {
    for (const [index, { cors }] of routes.entries())
      checkCredentials(cors, ['routes', index, 'cors'], problem);
  }),
  check(['credential'], ({ credential: { cookie, basic, cookieOrigins } }, _problem, warning) => {
    if (cookieOrigins.length > 0 && cookie === undefined && !basic)
      warning(
        ['credential', 'cookieOrigins'],
        'means nothing without credential.cookie: no other credential is sent by a browser by itself; write the cookie, or see `cors`',
      );
  }),
  check(['cors', 'routes'], (fields, _problem, warning) => checkPreflights(fields, warning)),
];
