// The oauth surface: its paths, each with its endpoint, and the shape of its faults. Constructs the lifecycle commands
// the endpoints give; speaks no HTTP framework.

import type { Audit } from '../../lifecycle/audit.ts';
import { createExchange } from '../../lifecycle/exchange.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createIntrospect } from '../../lifecycle/introspect.ts';
import { createRevoke } from '../../lifecycle/revoke.ts';
import type { Identifier } from '../../identity/identifier.ts';
import type { SessionLimit } from '../../identity/session-limit.ts';
import type { UnknownTokenLimit } from '../../identity/unknown-token-limit.ts';
import type { Settings } from '../../settings/settings.ts';
import type { TokenStore } from '../../store/token-store.ts';
import type { KeyRing } from '../../tokens/key-ring.ts';
import { oauthPaths } from '../../settings/surface-paths.ts';
import type { Answer, Endpoint, Fault, Method, Route } from '../answer.ts';
import { createOauthClients } from '../client-authentication.ts';
import { retryAfterFault } from '../retry-after.ts';
import { createIntrospectEndpoint } from './introspect-endpoint.ts';
import {
  authorizationEndpoint,
  createJwksEndpoint,
  createOpenidMetadata,
  createServerMetadata,
} from './metadata.ts';
import { type OauthErrorCode, oauthError } from './oauth-error.ts';
import { createRevokeEndpoint } from './revoke-endpoint.ts';
import { createTokenEndpoint } from './token-endpoint.ts';

export interface OauthSurfaceDeps {
  readonly settings: Pick<
    Settings,
    'issuer' | 'audience' | 'credential' | 'oauth' | 'tokens' | 'keys' | 'feed'
  >;
  readonly store: Pick<TokenStore, 'findApiToken' | 'revokeToken' | 'endSession'>;
  readonly identifier: Pick<Identifier, 'identify' | 'standing' | 'verify' | 'mayBeApiToken'>;
  readonly keys: Pick<KeyRing, 'signingKey' | 'jwks'>;
  /** Wrong client secrets an address may try; undefined: any number. */
  readonly clientSecretLimit?: UnknownTokenLimit | undefined;
  /** Undefined: any number of sessions of an API token. */
  readonly sessionLimit?: SessionLimit | undefined;
  /** Where commands are written down; undefined: nowhere. */
  readonly audit?: Audit | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the outcome records of this surface are labelled with. */
export const oauthRouteNames = ['authorize', 'token', 'introspect', 'revoke', 'metadata', 'jwks'].map(
  (name) => `oauth:${name}`,
);

/** Every path of the surface; only the published keys, which the API verifies `X-Identity` with, where it is off. */
export const oauthRoutes = (deps: OauthSurfaceDeps): readonly Route[] => {
  const { settings } = deps;
  const paths = oauthPaths(settings.oauth.prefix);
  const jwks = on('GET')('jwks', paths.jwks, createJwksEndpoint(deps));
  if (!settings.oauth.enabled) return [jwks];
  const clients = createOauthClients(settings.oauth.clients, deps.clientSecretLimit);
  const exchange = createExchange(deps);
  const identifyLive = createIdentifyLive(deps);
  const introspect = createIntrospect(identifyLive);
  const revoke = createRevoke(deps);
  const post = on('POST');
  const get = on('GET');
  return [
    post('token', paths.token, createTokenEndpoint({ exchange, clients, settings })),
    post(
      'introspect',
      paths.introspect,
      createIntrospectEndpoint({ introspect, identifyLive, clients, settings }),
    ),
    post('revoke', paths.revoke, createRevokeEndpoint({ revoke, clients, settings })),
    {
      ...get('authorize', paths.authorize, authorizationEndpoint),
      endpoints: { GET: authorizationEndpoint, POST: authorizationEndpoint },
    },
    get('metadata', paths.serverMetadata, createServerMetadata({ settings, paths })),
    get('metadata', paths.openidMetadata, createOpenidMetadata({ settings, paths })),
    jwks,
  ];
};

const on =
  (method: Method) =>
  (name: string, path: string, endpoint: Endpoint): Route => ({
    name: `oauth:${name}`,
    path,
    endpoints: { [method]: endpoint },
    onFault,
  });

const onFault = ({ status, description, note }: Fault): Answer =>
  oauthError({
    status,
    error: codeOf(status),
    description,
    headers: retryAfterFault(status),
    note,
  });

const codeOf = (status: number): OauthErrorCode => {
  if (status === 503) return 'temporarily_unavailable';
  return status >= 500 ? 'server_error' : 'invalid_request';
};
