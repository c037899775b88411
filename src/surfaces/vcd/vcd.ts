// The vcd surface: the endpoints of its paths, and the shape their errors take. Wire shapes are contracted: see the tests, which are named for them.

import { vcd } from '../../settings/surfaces/vcd.ts';
import { vcdRequestId, vcdRequestIdHeader } from '../../dialects/vcd-error.ts';
import { createEndpointDeps } from '../endpoint-deps.ts';
import { defineSurface } from '../surface.ts';
import { getLegacySession, postLegacySession } from './legacy-session-endpoints.ts';
import { postToken, registerClient } from './oauth-endpoints.ts';
import { deleteSession, getSession, listRights, postSession } from './sessions.ts';
import { deleteToken, getToken, listTokens } from './tokens-endpoints.ts';
import { olderDialect, vcdDialect } from './vcd-error.ts';

export const surface = defineSurface(vcd, (surfaceDeps) => {
  const deps = createEndpointDeps(surfaceDeps);
  const token = { POST: postToken(deps) };
  const register = { POST: registerClient(deps) };
  const session = { GET: getSession(deps), DELETE: deleteSession(deps, vcdDialect) };
  const legacy = { DELETE: deleteSession(deps, olderDialect), onFault: olderDialect.onFault };
  return {
    onFault: vcdDialect.onFault,
    headersOf: (request) => ({ [vcdRequestIdHeader.toLowerCase()]: vcdRequestId(request) }),
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
