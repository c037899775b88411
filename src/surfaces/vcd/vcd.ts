// The vcd surface: the endpoints of its paths, and the shape their errors take. Constructs the lifecycle commands that the
// endpoints give. Wire shapes are contracted: see the tests, which are named for them.

import { createFindEnded } from '../../lifecycle/ended-session.ts';
import { createExchange } from '../../lifecycle/exchange.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createSignIn, createSignOut } from '../../lifecycle/sign-in.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import { vcd } from '../../settings/surfaces/vcd.ts';
import type { Route } from '../answer.ts';
import { defineSurface, type SurfaceDeps } from '../surface.ts';
import { getLegacySession, postLegacySession } from './legacy-session-endpoints.ts';
import { registerClient } from './register-endpoint.ts';
import { getSession, listRights, postSession } from './session-endpoints.ts';
import { deleteSession } from './sessions.ts';
import { postToken } from './token-endpoint.ts';
import { deleteToken, getToken, listTokens } from './tokens-endpoints.ts';
import { type VcdDeps, withRequestId } from './vcd-endpoint.ts';
import { asAccepted, asJson, outsideFault, type Respond } from './vcd-error.ts';

export const surface = defineSurface(vcd, (surfaceDeps) => {
  const deps = createDeps(surfaceDeps);
  const token = { POST: postToken(deps) };
  const register = { POST: registerClient(deps) };
  const session = { GET: getSession(deps), DELETE: deleteSession(deps, asJson) };
  const legacy = { DELETE: deleteSession(deps, asAccepted), onFault: onFault(asAccepted) };
  return {
    onFault: onFault(asJson),
    endpoints: {
      tenantToken: token,
      providerToken: token,
      tenantRegister: register,
      providerRegister: register,
      tokens: { GET: listTokens(deps) },
      token: { GET: getToken(deps), DELETE: deleteToken(deps) },
      sessions: { POST: postSession(deps, 'anybody'), DELETE: session.DELETE },
      providerSessions: { POST: postSession(deps, 'provider'), DELETE: session.DELETE },
      currentSession: session,
      session,
      currentRights: { GET: listRights(deps) },
      legacySession: { GET: getLegacySession(deps), ...legacy },
      legacySessions: { POST: postLegacySession(deps), ...legacy },
    },
  };
});

const createDeps = (deps: SurfaceDeps): VcdDeps => ({
  settings: deps.settings,
  store: deps.store,
  now: deps.now,
  identifyLive: createIdentifyLive(deps),
  commands: createTokenCommands(deps),
  exchange: createExchange(deps),
  signIn: createSignIn({ ...deps, limit: deps.signInLimit }),
  signOut: createSignOut(deps),
  findEnded: createFindEnded(deps),
});

const onFault =
  (respond: Respond): Route['onFault'] =>
  (fault, request) =>
    withRequestId(respond(outsideFault(fault), request), request);
