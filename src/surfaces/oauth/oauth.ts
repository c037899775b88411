// The oauth surface: the endpoints of its paths, and the shape of its errors. Constructs the lifecycle commands that the
// endpoints give.

import { createExchange } from '../../lifecycle/exchange.ts';
import { createIdentifyLive, createIntrospect } from '../../lifecycle/identify-live.ts';
import { createRevoke } from '../../lifecycle/revoke.ts';
import { oauth } from '../../settings/surfaces/oauth.ts';
import { createOauthClients } from '../client-authentication.ts';
import { defineSurface, type SurfaceDeps } from '../surface.ts';
import { postIntrospect } from './introspect-endpoint.ts';
import { authorizationEndpoint, getJwks, getOpenidMetadata, getServerMetadata } from './metadata.ts';
import type { OauthDeps } from './oauth-client.ts';
import { onFault } from './oauth-error.ts';
import { postRevoke } from './revoke-endpoint.ts';
import { postToken } from './token-endpoint.ts';

export const surface = defineSurface(oauth, (surfaceDeps, paths) => {
  const { settings } = surfaceDeps;
  const deps = createDeps(surfaceDeps);
  return {
    onFault,
    endpoints: {
      authorize: { GET: authorizationEndpoint, POST: authorizationEndpoint },
      token: { POST: postToken(deps) },
      introspect: { POST: postIntrospect(deps) },
      revoke: { POST: postRevoke(deps) },
      serverMetadata: { GET: getServerMetadata({ settings, paths }) },
      openidMetadata: { GET: getOpenidMetadata({ settings, paths }) },
      jwks: { GET: getJwks(surfaceDeps) },
    },
  };
});

const createDeps = (deps: SurfaceDeps): OauthDeps => {
  const identifyLive = createIdentifyLive(deps);
  return {
    settings: deps.settings,
    clients: createOauthClients(deps.settings.oauth.clients, deps.clientSecretLimit),
    exchange: createExchange(deps),
    introspect: createIntrospect(identifyLive),
    revoke: createRevoke(deps),
    identifyLive,
  };
};
