// The csp surface: the endpoints of its paths. Wire shapes are contracted: see the tests, which are named for them.

import { csp } from '../../settings/surfaces/csp.ts';
import { createEndpointDeps } from '../endpoint-deps.ts';
import { defineSurface } from '../surface.ts';
import { deactivateApiTokens, postApiToken } from './api-token-endpoints.ts';
import { cspDialect } from './csp-error.ts';
import { cspTokenForm } from './csp-names.ts';
import { getMetadata, getPublicKey } from './discovery.ts';
import { postDetails, postIntrospect, postLogout, postRevoke } from './held-token-endpoints.ts';
import { postAuthorize, postToken } from './token-endpoints.ts';

export const surface = defineSurface(csp, (surfaceDeps, paths) => {
  const deps = createEndpointDeps(surfaceDeps, cspTokenForm(surfaceDeps.settings.surfaces.csp.domain));
  const token = { POST: postToken(deps) };
  const deactivate = { POST: deactivateApiTokens(deps) };
  const metadata = { GET: getMetadata(surfaceDeps, paths) };
  return {
    onFault: cspDialect.onFault,
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
