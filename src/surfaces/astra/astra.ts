// The astra surface: the API tokens of a user, made, listed, seen and revoked by somebody who signed in. There is no
// exchange: an API token is presented directly on every call, which the proxied path checks.

import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import { astra } from '../../settings/surfaces/astra.ts';
import { defineSurface, type PathEndpoints } from '../surface.ts';
import { deleteApiToken, getApiToken, listApiTokens, postApiToken } from './api-token-endpoints.ts';
import { onFault } from './astra-problem.ts';

export const surface = defineSurface(astra, (deps, paths) => {
  const commands = createTokenCommands(deps);
  const ownDeps = { ...deps, identifyLive: createIdentifyLive(deps), commands };
  const list = listApiTokens(ownDeps);
  const tokensAt = (tokenPath: string): PathEndpoints => ({
    GET: list,
    POST: postApiToken(ownDeps, (parameters, token) => filled(tokenPath, { ...parameters, token })),
  });
  const token = { GET: getApiToken(ownDeps), DELETE: deleteApiToken(ownDeps) };
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
