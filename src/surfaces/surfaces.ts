// Every surface that the settings switch on, in one list, and what the others need to know of them all.

import type { SignInLimit } from '../identity/sign-in-limit.ts';
import type { PasswordHashes } from '../lifecycle/password-hash.ts';
import { managementPaths } from '../settings/surface-paths.ts';
import type { Route } from './answer.ts';
import { astraRouteNames, astraRoutes } from './astra/astra.ts';
import { cspRouteNames, cspRoutes, type CspSurfaceDeps } from './csp/csp.ts';
import { navigatorRouteNames, navigatorRoutes } from './navigator/navigator.ts';
import { oauthRouteNames, oauthRoutes, type OauthSurfaceDeps } from './oauth/oauth.ts';
import { type ServeDeps, serveRoutes, type Surfaces } from './serve.ts';
import type { SignInSurfaceDeps } from './sign-in-surface.ts';
import { vcdRouteNames, vcdRoutes } from './vcd/vcd.ts';

/** Labels of every surface's outcome records. */
export const surfaceRouteNames: readonly string[] = [
  ...oauthRouteNames,
  ...cspRouteNames,
  ...navigatorRouteNames,
  ...vcdRouteNames,
  ...Object.keys(managementPaths('')).map((name) => `management:${name}`),
  ...astraRouteNames,
];

export interface SurfacesDeps extends ServeDeps, OauthSurfaceDeps, CspSurfaceDeps, SignInSurfaceDeps {
  readonly settings: OauthSurfaceDeps['settings'] &
    CspSurfaceDeps['settings'] &
    SignInSurfaceDeps['settings'];
  readonly store: CspSurfaceDeps['store'];
  readonly keys: OauthSurfaceDeps['keys'] & CspSurfaceDeps['keys'];
  /** One for all surfaces where people sign in: what it counts and queues is counted and queued once. */
  readonly passwords: PasswordHashes;
  readonly signInLimit: SignInLimit;
}

/** Every surface that the settings switch on. */
export const createSurfaces = async (deps: SurfacesDeps): Promise<Surfaces> =>
  serveRoutes(
    [
      ...oauthRoutes(deps),
      ...cspRoutes(deps),
      ...navigatorRoutes(deps),
      ...vcdRoutes(deps),
      ...(await managementRoutesOf(deps)),
      ...astraRoutes(deps),
    ],
    deps,
  );

/** Its schemas cost two megabytes: nobody pays who has it switched off. */
const managementRoutesOf = async (deps: SurfacesDeps): Promise<readonly Route[]> => {
  if (!deps.settings.surfaces.management.enabled) return [];
  const { managementRoutes } = await import('./management/management.ts');
  return managementRoutes(deps);
};
