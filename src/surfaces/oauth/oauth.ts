// The oauth surface: the endpoints of its paths, and the shape of its errors. Constructs the lifecycle commands that the
// endpoints give.

import { createExchange } from '../../lifecycle/exchange.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createIntrospect } from '../../lifecycle/introspect.ts';
import { createRevoke } from '../../lifecycle/revoke.ts';
import { oauth } from '../../settings/surfaces/oauth.ts';
import { createOauthClients } from '../client-authentication.ts';
import { defineSurface } from '../surface.ts';
import { createIntrospectEndpoint } from './introspect-endpoint.ts';
import {
  authorizationEndpoint,
  createJwksEndpoint,
  createOpenidMetadata,
  createServerMetadata,
} from './metadata.ts';
import { onFault } from './oauth-error.ts';
import { createRevokeEndpoint } from './revoke-endpoint.ts';
import { createTokenEndpoint } from './token-endpoint.ts';

export const surface = defineSurface(oauth, (deps, paths) => {
  const { settings } = deps;
  const clients = createOauthClients(settings.oauth.clients, deps.clientSecretLimit);
  const identifyLive = createIdentifyLive(deps);
  const introspect = createIntrospect(identifyLive);
  return {
    onFault,
    endpoints: {
      authorize: { GET: authorizationEndpoint, POST: authorizationEndpoint },
      token: { POST: createTokenEndpoint({ exchange: createExchange(deps), clients, settings }) },
      introspect: { POST: createIntrospectEndpoint({ introspect, identifyLive, clients, settings }) },
      revoke: { POST: createRevokeEndpoint({ revoke: createRevoke(deps), clients, settings }) },
      serverMetadata: { GET: createServerMetadata({ settings, paths }) },
      openidMetadata: { GET: createOpenidMetadata({ settings, paths }) },
      jwks: { GET: createJwksEndpoint(deps) },
    },
  };
});
