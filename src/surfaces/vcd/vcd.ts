// The vcd surface: the endpoints of its paths, and the shape their errors take. Constructs the lifecycle commands that the
// endpoints give. Wire shapes are contracted: see the tests, which are named for them.

import { createExchange } from '../../lifecycle/exchange.ts';
import { createFindEnded } from '../../lifecycle/ended-session.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createSignIn, createSignOut } from '../../lifecycle/sign-in.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import { vcd } from '../../settings/surfaces/vcd.ts';
import type { Endpoint, Route } from '../answer.ts';
import {
  createLegacyCurrentEndpoint,
  createLegacyEndEndpoint,
  createLegacySignInEndpoint,
} from './legacy-session-endpoints.ts';
import { defineSurface, type PathEndpoints } from '../surface.ts';
import { createRegisterEndpoint } from './register-endpoint.ts';
import { withRequestId } from './request-id.ts';
import {
  createCurrentSessionEndpoint,
  createEndCurrentEndpoint,
  createRightsEndpoint,
  createSignInEndpoint,
} from './session-endpoints.ts';
import { createTokenEndpoint } from './token-endpoint.ts';
import { createDeleteEndpoint, createGetEndpoint, createListEndpoint } from './tokens-endpoints.ts';
import { asAccepted, asJson, outsideFault, type Tell } from './vcd-error.ts';

export const surface = defineSurface(vcd, (deps, paths) => {
  const { settings, store, now } = deps;
  const { prefix } = settings.surfaces.vcd;
  const commands = createTokenCommands(deps);
  const caller = { identifyLive: createIdentifyLive(deps), store, settings };
  const token = identified({
    POST: createTokenEndpoint({ ...caller, commands, exchange: createExchange(deps), now }),
  });
  const register = identified({ POST: createRegisterEndpoint({ ...caller, commands }) });
  const tokens = { ...caller, commands, url: `${settings.issuer}${prefix}/cloudapi/1.0.0/tokens` };
  const sessions = {
    ...caller,
    signIn: createSignIn({ ...deps, limit: deps.signInLimit }),
    signOut: createSignOut(deps),
    findEnded: createFindEnded(deps),
    sessionLimit: deps.sessionLimit,
    rightsUrl: settings.issuer + paths.currentRights,
  };
  const legacy = { ...sessions, apiUrl: `${settings.issuer}${prefix}/api` };
  const end = createEndCurrentEndpoint(sessions);
  const endLegacy = createLegacyEndEndpoint(legacy);
  const session = identified({ GET: createCurrentSessionEndpoint(sessions), DELETE: end });
  return {
    onFault: onFault(asJson),
    endpoints: {
      tenantToken: token,
      providerToken: token,
      tenantRegister: register,
      providerRegister: register,
      tokens: identified({ GET: createListEndpoint(tokens) }),
      token: identified({ GET: createGetEndpoint(tokens), DELETE: createDeleteEndpoint(tokens) }),
      sessions: identified({ POST: createSignInEndpoint(sessions, 'anybody'), DELETE: end }),
      providerSessions: identified({ POST: createSignInEndpoint(sessions, 'provider'), DELETE: end }),
      currentSession: session,
      session,
      currentRights: identified({ GET: createRightsEndpoint(sessions) }),
      legacySession: {
        ...identified({ GET: createLegacyCurrentEndpoint(legacy), DELETE: endLegacy }),
        onFault: onFault(asAccepted),
      },
      legacySessions: {
        ...identified({ POST: createLegacySignInEndpoint(legacy), DELETE: endLegacy }),
        onFault: onFault(asAccepted),
      },
    },
  };
});

/** Every answer tells the request's id. */
const identified = (endpoints: Readonly<Record<string, Endpoint>>): PathEndpoints =>
  Object.fromEntries(
    Object.entries(endpoints).map(([method, endpoint]): [string, Endpoint] => [
      method,
      async (request) => withRequestId(await endpoint(request), request),
    ]),
  );

const onFault =
  (tell: Tell): Route['onFault'] =>
  (fault, request) =>
    withRequestId(tell(outsideFault(fault), request), request);
