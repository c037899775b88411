// The console surface: pages for people, their session in a cookie, and the operations of management for that cookie. The
// pages use nothing but these operations; what they may do is decided there.

import { join } from 'node:path';
import { browserConsole, consoleApiPrefix, consolePaths } from '../../settings/surfaces/console.ts';
import { management } from '../../settings/surfaces/management.ts';
import { denied, type Endpoint } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { managementParts } from '../management/management.ts';
import { defineSurface, type PathEndpoints } from '../surface.ts';
import { createConsoleDialect, guardProblem } from './console-problem.ts';
import { createConsoleSessions } from './console-sessions.ts';
import { openidEndpoints } from './openid-endpoints.ts';
import { pageEndpoints } from './page-endpoints.ts';
import { guardRequest } from './request-guard.ts';
import { securityHeaders } from './security-headers.ts';
import { sessionEndpoints } from './session-endpoints.ts';

/** Where `npm run build` leaves the pages; the same seen from the source and from what is compiled of it. */
const pagesFolder = join(import.meta.dirname, '../../../dist/console');

export const surface = defineSurface(browserConsole, (deps) => {
  const { prefix, origin } = deps.settings.surfaces.console;
  const paths = consolePaths(prefix);
  const apiPrefix = consoleApiPrefix(prefix);
  const dialect = createConsoleDialect(apiPrefix);
  const sessions = createConsoleSessions(deps);
  const guarded =
    (run: Endpoint): Endpoint =>
    async (request) => {
      const fault = guardRequest(request, origin);
      if (fault !== undefined) return guardProblem(dialect, fault, request);
      const answer = await run(request);
      const renewal = answer.cookies === undefined ? await sessions.renewal(request) : undefined;
      return renewal === undefined ? answer : { ...answer, cookies: [renewal] };
    };
  const session = { surface: deps, sessions, dialect };
  const openid = openidEndpoints(session);
  const own = sessionEndpoints(session, openid.shown);
  const pages = pageEndpoints(pagesFolder, prefix);
  const nowhere = endpoint(dialect, () => ({
    code: 'path_unknown' as const,
    note: denied('route_unknown', undefined),
  }));
  const page: Endpoint = (request) =>
    request.path.startsWith(`${paths.session}/`) ? nowhere(request) : pages.page(request);
  const api = managementParts(deps, {
    prefix: apiPrefix,
    paths: management.paths(apiPrefix),
    dialect,
    findActor: sessions.findActor,
    serves: (id) => !unserved.has(id),
  });
  const table: Readonly<Record<string, PathEndpoints>> = {
    [paths.page]: { GET: page },
    [paths.asset]: { GET: pages.asset },
    [paths.session]: guardAll(own.session, guarded),
    [paths.options]: guardAll(own.options, guarded),
    [paths.org]: guardAll(own.org, guarded),
    [paths.openid]: guardAll({ POST: openid.start }, guarded),
    // The browser comes from the provider; the sealed cookie says that it began here.
    [paths.callback]: { GET: openid.callback },
  };
  return {
    onFault: api.onFault,
    headersOf: securityHeaders(deps.settings.tls !== undefined),
    endpoints: (pattern) => table[pattern] ?? guardAll(api.endpoints(pattern), guarded),
  };
});

/** What gives an access token, or needs none; and the description, which is of bearers. */
const unserved: ReadonlySet<string> = new Set(['signIn', 'getApiTokenDetails', 'getDescription']);

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const guardAll = (endpoints: PathEndpoints, guarded: (run: Endpoint) => Endpoint): PathEndpoints =>
  Object.fromEntries(
    methods.flatMap((method) => {
      const run = endpoints[method];
      return run === undefined ? [] : [[method, guarded(run)]];
    }),
  );
