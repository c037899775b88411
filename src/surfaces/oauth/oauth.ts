// The oauth surface: the endpoints of its paths, and the shape of its errors.

import { oauth } from '../../settings/surfaces/oauth.ts';
import { createEndpointDeps } from '../endpoint-deps.ts';
import { defineSurface } from '../surface.ts';
import { postIntrospect, postRevoke } from './held-token-endpoints.ts';
import { authorizationEndpoint, getJwks, getOpenidMetadata, getServerMetadata } from './metadata.ts';
import { oauthDialect } from './oauth-error.ts';
import { postToken } from './token-endpoint.ts';

export const surface = defineSurface(oauth, (surfaceDeps, paths) => {
  const { settings } = surfaceDeps;
  const deps = createEndpointDeps(surfaceDeps);
  return {
    onFault: oauthDialect.onFault,
    endpoints: {
      authorize: { GET: authorizationEndpoint, POST: authorizationEndpoint },
      token: { POST: postToken(deps) },
      introspect: { POST: postIntrospect(deps) },
      revoke: { POST: postRevoke(deps) },
      serverMetadata: { GET: getServerMetadata(settings, paths) },
      openidMetadata: { GET: getOpenidMetadata(settings, paths) },
      jwks: { GET: getJwks(surfaceDeps) },
    },
  };
});
