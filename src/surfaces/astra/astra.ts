// The astra surface: the API tokens of a user, made, listed, seen and revoked by somebody who signed in. There is no
// exchange: an API token is presented directly on every call, which is the proxied path's business.

import type { Identifier } from '../../identity/identifier.ts';
import type { Audit } from '../../lifecycle/audit.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import type { Settings } from '../../settings/settings.ts';
import { astraPaths } from '../../settings/surface-paths.ts';
import type { TokenStore } from '../../store/token-store.ts';
import type { Route } from '../answer.ts';
import { onFault } from './astra-problem.ts';
import { createCreateEndpoint } from './create-endpoint.ts';
import { createListEndpoint } from './list-endpoint.ts';
import { createDeleteEndpoint, createSeeEndpoint } from './token-endpoints.ts';

export interface AstraSurfaceDeps {
  readonly settings: Pick<Settings, 'credential' | 'surfaces' | 'tokens' | 'keys' | 'feed'>;
  readonly store: TokenStore;
  readonly identifier: Pick<Identifier, 'identify' | 'standing'>;
  /** Where commands are written down; undefined: nowhere. */
  readonly audit?: Audit | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the outcome records of this surface are labelled with. */
export const astraRouteNames = ['tokens', 'token'].map((name) => `astra:${name}`);

/** Every path of the surface; none when the settings switch it off. */
export const astraRoutes = (deps: AstraSurfaceDeps): readonly Route[] => {
  const { settings } = deps;
  const { astra } = settings.surfaces;
  if (!astra.enabled) return [];
  const paths = astraPaths(astra.prefix);
  const commands = createTokenCommands({ ...deps, audit: deps.audit });
  const caller = { identifyLive: createIdentifyLive(deps), store: deps.store, settings, commands };
  const list = createListEndpoint(caller);
  const see = createSeeEndpoint(caller);
  const revoke = createDeleteEndpoint(caller);
  const tokens = (path: string, tokenPath: string): Route => ({
    name: 'astra:tokens',
    path,
    endpoints: {
      GET: list,
      POST: createCreateEndpoint({
        ...caller,
        locationOf: (parameters, token) => filled(tokenPath, { ...parameters, token }),
      }),
    },
    onFault,
  });
  const token = (path: string): Route => ({
    name: 'astra:token',
    path,
    endpoints: { GET: see, DELETE: revoke },
    onFault,
  });
  return [
    tokens(paths.tokens, paths.token),
    token(paths.token),
    tokens(paths.groupTokens, paths.groupToken),
    token(paths.groupToken),
    tokens(paths.bareGroupTokens, paths.bareGroupToken),
    token(paths.bareGroupToken),
  ];
};

/** A pattern with its places filled. */
const filled = (pattern: string, values: Readonly<Record<string, string>>): string =>
  pattern.replaceAll(/\{([A-Za-z]+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
