// The csp surface: its paths, each with its endpoint. Constructs the lifecycle commands the endpoints give; speaks no HTTP
// framework. Wire shapes are contracted: see the tests, which are named for them.

import type { Identifier } from '../../identity/identifier.ts';
import type { CommandLimit } from '../../identity/command-limit.ts';
import type { SessionLimit } from '../../identity/session-limit.ts';
import type { UnknownTokenLimit } from '../../identity/unknown-token-limit.ts';
import type { Audit } from '../../lifecycle/audit.ts';
import { createBeginClientSession } from '../../lifecycle/client-session.ts';
import { createFindDetails } from '../../lifecycle/details.ts';
import { createExchange } from '../../lifecycle/exchange.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createRevoke } from '../../lifecycle/revoke.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import type { Settings } from '../../settings/settings.ts';
import { cspPaths } from '../../settings/surface-paths.ts';
import type { TokenStore } from '../../store/token-store.ts';
import type { KeyRing } from '../../tokens/key-ring.ts';
import type { Endpoint, Method, Route } from '../answer.ts';
import { createOauthClients } from '../client-authentication.ts';
import { createCreateEndpoint } from './create-endpoint.ts';
import { onFault } from './csp-error.ts';
import { cspTokenForm } from './csp-token-form.ts';
import { createDeactivateEndpoint } from './deactivate-endpoint.ts';
import { createDetailsEndpoint } from './details-endpoint.ts';
import { createMetadataEndpoint, createPublicKeyEndpoint } from './discovery.ts';
import { createExchangeEndpoint } from './exchange-endpoint.ts';
import {
  createIntrospectEndpoint,
  createLogoutEndpoint,
  createRevokeEndpoint,
} from './held-token-endpoints.ts';
import { createTokenEndpoint } from './token-endpoint.ts';

export interface CspSurfaceDeps {
  readonly settings: Pick<
    Settings,
    'issuer' | 'audience' | 'credential' | 'oauth' | 'surfaces' | 'tokens' | 'keys' | 'feed'
  >;
  readonly store: TokenStore;
  readonly identifier: Pick<Identifier, 'identify' | 'standing' | 'verify' | 'mayBeApiToken'>;
  readonly keys: Pick<KeyRing, 'signingKey' | 'published'>;
  /** Wrong client secrets an address may try; undefined: any number. */
  readonly clientSecretLimit?: UnknownTokenLimit | undefined;
  /** Undefined: any number of sessions of an API token. */
  readonly sessionLimit?: SessionLimit | undefined;
  /** Undefined: an account may give any number of commands. */
  readonly commandLimit?: CommandLimit | undefined;
  /** Where commands are written down; undefined: nowhere. */
  readonly audit?: Audit | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the outcome records of this surface are labelled with. */
export const cspRouteNames = [
  'exchange',
  'details',
  'token',
  'public-key',
  'metadata',
  'introspect',
  'revoke',
  'logout',
  'create',
  'deactivate',
].map((name) => `csp:${name}`);

/** Every path of the surface; none when the settings switch it off. */
export const cspRoutes = (deps: CspSurfaceDeps): readonly Route[] => {
  const { settings } = deps;
  const { csp } = settings.surfaces;
  if (!csp.enabled) return [];
  const paths = cspPaths(csp.prefix);
  const clients = createOauthClients(settings.oauth.clients, deps.clientSecretLimit);
  const form = cspTokenForm(csp.domain);
  const exchange = createExchange({ ...deps, form });
  const beginClientSession = createBeginClientSession({ ...deps, form });
  const held = { findDetails: createFindDetails(deps), revoke: createRevoke(deps), clients, settings };
  const token = createTokenEndpoint({ exchange, beginClientSession, clients, settings });
  const commands = createTokenCommands({ ...deps, audit: deps.audit });
  const caller = { identifyLive: createIdentifyLive(deps), store: deps.store, settings, commands };
  const deactivate = createDeactivateEndpoint(caller);
  const { tokensPerUserMax } = csp;
  const metadata = createMetadataEndpoint({ settings, paths });
  const on =
    (method: Method) =>
    (name: string, path: string, endpoint: Endpoint): Route => ({
      name: `csp:${name}`,
      path,
      endpoints: { [method]: endpoint },
      onFault,
    });
  const post = on('POST');
  const get = on('GET');
  return [
    post('exchange', paths.exchange, createExchangeEndpoint({ exchange, settings })),
    post('details', paths.details, createDetailsEndpoint(held)),
    post('token', paths.authorize, token),
    post('token', paths.token, token),
    get('public-key', paths.publicKey, createPublicKeyEndpoint(deps)),
    get('metadata', paths.metadata, metadata),
    get('metadata', paths.metadataOlder, metadata),
    post('introspect', paths.introspect, createIntrospectEndpoint(held)),
    post('revoke', paths.revoke, createRevokeEndpoint(held)),
    post('logout', paths.logout, createLogoutEndpoint(held)),
    post('create', paths.create, createCreateEndpoint({ ...caller, tokensPerUserMax })),
    post('deactivate', paths.deactivate, deactivate),
    post('deactivate', paths.deactivateOlder, deactivate),
  ];
};
