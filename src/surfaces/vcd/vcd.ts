// The vcd surface: its paths, each with its endpoint and the shape its errors take. Constructs the lifecycle commands the
// endpoints give; speaks no HTTP framework. Wire shapes are contracted: see the tests, which are named for them.

import { createExchange } from '../../lifecycle/exchange.ts';
import { createFindEnded } from '../../lifecycle/ended-session.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createSignIn, createSignOut } from '../../lifecycle/sign-in.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import { vcdPaths } from '../../settings/surface-paths.ts';
import type { Endpoint, Method, Route } from '../answer.ts';
import {
  createLegacyCurrentEndpoint,
  createLegacyEndEndpoint,
  createLegacySignInEndpoint,
} from './legacy-session-endpoints.ts';
import type { SignInSurfaceDeps } from '../sign-in-surface.ts';
import { createRegisterEndpoint } from './register-endpoint.ts';
import { identified, withRequestId } from './request-id.ts';
import {
  createCurrentSessionEndpoint,
  createEndCurrentEndpoint,
  createRightsEndpoint,
  createSignInEndpoint,
} from './session-endpoints.ts';
import { createTokenEndpoint } from './token-endpoint.ts';
import { createDeleteEndpoint, createGetEndpoint, createListEndpoint } from './tokens-endpoints.ts';
import { asAccepted, asJson, outsideFault, type Tell } from './vcd-error.ts';

/** What the outcome records of this surface are labelled with. */
export const vcdRouteNames = [
  'token',
  'register',
  'tokens',
  'token-by-urn',
  'sessions',
  'current-session',
  'session-by-urn',
  'rights',
  'legacy-session',
  'legacy-sessions',
].map((name) => `vcd:${name}`);

/** Every path of the surface; none when the settings switch it off. */
export const vcdRoutes = (deps: SignInSurfaceDeps): readonly Route[] => {
  const { settings } = deps;
  const { vcd } = settings.surfaces;
  if (!vcd.enabled) return [];
  const paths = vcdPaths(vcd.prefix);
  const commands = createTokenCommands({ ...deps, audit: deps.audit });
  const caller = { identifyLive: createIdentifyLive(deps), store: deps.store, settings };
  const token = createTokenEndpoint({ ...caller, commands, exchange: createExchange(deps), now: deps.now });
  const register = createRegisterEndpoint({ ...caller, commands });
  const tokens = { ...caller, commands, url: `${settings.issuer}${vcd.prefix}/cloudapi/1.0.0/tokens` };
  const sessions = {
    ...caller,
    signIn: createSignIn({ ...deps, limit: deps.signInLimit }),
    signOut: createSignOut(deps),
    findEnded: createFindEnded(deps),
    sessionLimit: deps.sessionLimit,
    rightsUrl: settings.issuer + paths.currentRights,
  };
  const legacy = { ...sessions, apiUrl: `${settings.issuer}${vcd.prefix}/api` };
  return [
    route('token', paths.tenantToken, { POST: token }),
    route('token', paths.providerToken, { POST: token }),
    route('register', paths.tenantRegister, { POST: register }),
    route('register', paths.providerRegister, { POST: register }),
    route('tokens', paths.tokens, { GET: createListEndpoint(tokens) }),
    route('token-by-urn', paths.token, {
      GET: createGetEndpoint(tokens),
      DELETE: createDeleteEndpoint(tokens),
    }),
    route('sessions', paths.sessions, {
      POST: createSignInEndpoint(sessions, 'anybody'),
      DELETE: createEndCurrentEndpoint(sessions),
    }),
    route('sessions', paths.providerSessions, {
      POST: createSignInEndpoint(sessions, 'provider'),
      DELETE: createEndCurrentEndpoint(sessions),
    }),
    route('current-session', paths.currentSession, {
      GET: createCurrentSessionEndpoint(sessions),
      DELETE: createEndCurrentEndpoint(sessions),
    }),
    route('session-by-urn', paths.session, {
      GET: createCurrentSessionEndpoint(sessions),
      DELETE: createEndCurrentEndpoint(sessions),
    }),
    route('rights', paths.currentRights, { GET: createRightsEndpoint(sessions) }),
    route(
      'legacy-session',
      paths.legacySession,
      { GET: createLegacyCurrentEndpoint(legacy), DELETE: createLegacyEndEndpoint(legacy) },
      asAccepted,
    ),
    route(
      'legacy-sessions',
      paths.legacySessions,
      { POST: createLegacySignInEndpoint(legacy), DELETE: createLegacyEndEndpoint(legacy) },
      asAccepted,
    ),
  ];
};

type Endpoints = Readonly<Partial<Record<Method, Endpoint>>>;

/** `tell`: the shape of what goes wrong outside the endpoints. */
const route = (name: string, path: string, endpoints: Endpoints, tell: Tell = asJson): Route => ({
  name: `vcd:${name}`,
  path,
  endpoints: Object.fromEntries(
    Object.entries(endpoints).map(([method, endpoint]) => [method, identified(endpoint)]),
  ),
  onFault: (fault, request) => withRequestId(tell(outsideFault(fault), request), request),
});
