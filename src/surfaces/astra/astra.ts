// The astra surface: the API tokens of a user, made, listed, seen and revoked by somebody who signed in. There is no
// exchange: an API token is presented directly on every call, which the proxied path checks.

import { astra } from '../../settings/surfaces/astra.ts';
import { createEndpointDeps } from '../endpoint-deps.ts';
import { defineSurface, type PathEndpoints } from '../surface.ts';
import { deleteApiToken, getApiToken, listApiTokens, postApiToken } from './api-token-endpoints.ts';
import { createAstraDialect } from './astra-problem.ts';

export const surface = defineSurface(astra, (surfaceDeps, paths) => {
  const deps = createEndpointDeps(surfaceDeps);
  const { onFault } = createAstraDialect(deps.settings.surfaces.astra);
  const list = listApiTokens(deps);
  const tokensAt = (tokenPath: string): PathEndpoints => ({
    GET: list,
    POST: postApiToken(deps, (parameters, token) => filled(tokenPath, { ...parameters, token })),
  });
  const token = { GET: getApiToken(deps), DELETE: deleteApiToken(deps) };
  return {
    onFault,
    endpoints: {
      tokens: tokensAt(paths.token),
      token,
      groupTokens: tokensAt(paths.groupToken),
      groupToken: token,
      bareGroupTokens: tokensAt(paths.bareGroupToken),
      bareGroupToken: token,
    },
  };
});

/** A pattern with its parameters filled in. */
const filled = (pattern: string, values: Readonly<Record<string, string>>): string =>
  pattern.replaceAll(/\{([A-Za-z]+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
