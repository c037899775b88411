// The csp surface: the endpoints of its paths. Constructs the lifecycle commands that the endpoints give. Wire shapes are
// contracted: see the tests, which are named for them.

import { createBeginClientSession } from '../../lifecycle/client-session.ts';
import { createFindDetails } from '../../lifecycle/details.ts';
import { createExchange } from '../../lifecycle/exchange.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createRevoke } from '../../lifecycle/revoke.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import { csp } from '../../settings/surfaces/csp.ts';
import { createOauthClients } from '../client-authentication.ts';
import { defineSurface, type SurfaceDeps } from '../surface.ts';
import { deactivateApiTokens, postApiToken } from './api-token-endpoints.ts';
import type { CspDeps } from './csp-endpoint.ts';
import { onFault } from './csp-error.ts';
import { cspTokenForm } from './csp-token-form.ts';
import { postDetails } from './details-endpoint.ts';
import { getMetadata, getPublicKey } from './discovery.ts';
import { postIntrospect, postLogout, postRevoke } from './held-token-endpoints.ts';
import { postAuthorize, postToken } from './token-endpoints.ts';

export const surface = defineSurface(csp, (surfaceDeps, paths) => {
  const deps = createDeps(surfaceDeps);
  const token = { POST: postToken(deps) };
  const deactivate = { POST: deactivateApiTokens(deps) };
  const metadata = { GET: getMetadata(surfaceDeps, paths) };
  return {
    onFault,
    endpoints: {
      exchange: { POST: postAuthorize(deps) },
      details: { POST: postDetails(deps) },
      authorize: token,
      token,
      publicKey: { GET: getPublicKey(surfaceDeps) },
      metadata,
      metadataOlder: metadata,
      introspect: { POST: postIntrospect(deps) },
      revoke: { POST: postRevoke(deps) },
      logout: { POST: postLogout(deps) },
      create: { POST: postApiToken(deps) },
      deactivate,
      deactivateOlder: deactivate,
    },
  };
});

const createDeps = (deps: SurfaceDeps): CspDeps => {
  const { settings, store } = deps;
  const form = cspTokenForm(settings.surfaces.csp.domain);
  return {
    settings,
    store,
    clients: createOauthClients(settings.oauth.clients, deps.clientSecretLimit),
    identifyLive: createIdentifyLive(deps),
    commands: createTokenCommands(deps),
    exchange: createExchange({ ...deps, form }),
    beginClientSession: createBeginClientSession({ ...deps, form }),
    findDetails: createFindDetails(deps),
    revoke: createRevoke(deps),
  };
};
