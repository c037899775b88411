// What the endpoints of every surface work with: the commands of the lifecycle, made once for a surface.

import { createBeginClientSession } from '../lifecycle/client-session.ts';
import { createFindDetails } from '../lifecycle/details.ts';
import { createExchange } from '../lifecycle/exchange.ts';
import { createFindEnded, createIdentifyLive } from '../lifecycle/identify-live.ts';
import type { TokenForm } from '../lifecycle/issue.ts';
import { createRevoke } from '../lifecycle/revoke.ts';
import { createSignIn, createSignOut } from '../lifecycle/sign-in.ts';
import { createTokenCommands } from '../lifecycle/token-commands.ts';
import { createFindClient } from './client-authentication.ts';
import type { SurfaceDeps } from './surface.ts';

export type EndpointDeps = ReturnType<typeof createEndpointDeps>;

/** `form`: of the surface's access tokens; undefined: our own. */
export const createEndpointDeps = (deps: SurfaceDeps, form?: TokenForm) => {
  const { settings, store, now } = deps;
  const issuing = { ...deps, form, limit: deps.signInLimit };
  return {
    settings,
    store,
    now,
    findClient: createFindClient(settings.oauth.clients, deps.clientSecretLimit),
    identifyLive: createIdentifyLive(deps),
    commands: createTokenCommands(deps),
    exchange: createExchange(issuing),
    beginClientSession: createBeginClientSession(issuing),
    signIn: createSignIn(issuing),
    signOut: createSignOut(deps),
    findEnded: createFindEnded(deps),
    findDetails: createFindDetails(deps),
    revoke: createRevoke(deps),
  };
};
