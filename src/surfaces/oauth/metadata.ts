// What clients discover: the server's metadata (RFC 8414, and OpenID Connect Discovery) and its public keys
// (RFC 7517). Public, and cacheable for as long as a new key is published before it signs.

import type { Settings } from '../../settings/settings.ts';
import { configuredSurfaces } from '../../settings/surface-paths.ts';
import type { oauth } from '../../settings/surfaces/oauth.ts';
import { type Answer, type Endpoint, permitted, publicAnswer, publicEndpoint } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { SurfaceDeps } from '../surface.ts';
import { badRequest, oauthDialect } from './oauth-error.ts';
import { namedResources, scopesOf } from './protected-resource.ts';
import { grantTypes } from './token-endpoint.ts';

const cacheSecondsMax = 3600;
const metadataSeconds = 300;

type Paths = ReturnType<typeof oauth.paths>;

/** RFC 8414 §2. */
export const getServerMetadata = (settings: Settings, paths: Paths): Endpoint =>
  publicEndpoint(metadataOf(settings, paths), metadataSeconds);

/**
 * OpenID Connect Discovery 1.0 §3, by which ID tokens are verified: the exchange of an API token made with `openid`
 * gives one too. That document must name an authorization endpoint, so there is one, which refuses everybody. Where
 * no surface makes such API tokens, there is no document.
 */
export const getOpenidMetadata = (settings: Settings, paths: Paths): Endpoint => {
  const makers = configuredSurfaces(settings).filter(({ descriptor }) => descriptor.makesOpenidTokens);
  if (!makers.some(({ enabled }) => enabled)) return () => noOpenid;
  return publicEndpoint(
    { ...metadataOf(settings, paths), authorization_endpoint: settings.issuer + paths.authorize },
    metadataSeconds,
  );
};

/** RFC 6749 §4.1.2.1, shown to the person at the browser: an unknown client has no redirection URI to be sent back to. */
export const authorizationEndpoint: Endpoint = endpoint(oauthDialect, () =>
  badRequest(
    'unsupported_response_type',
    'Nobody signs in here: exchange an API token at the token endpoint (grant_type=refresh_token).',
  ),
);

const noOpenid: Answer = {
  status: 404,
  headers: { 'cache-control': `public, max-age=${metadataSeconds}` },
  body: {
    error: 'not_found',
    error_description: 'This server issues no ID tokens; see /.well-known/oauth-authorization-server.',
  },
  note: permitted(undefined),
};

/** The issuer is the one clients see, so every URL begins with it. */
const metadataOf = (settings: Settings, paths: Paths): object => {
  const { issuer, oauth, tokens } = settings;
  const resources = namedResources(settings);
  // Basic and post are there for the clients that are configured; everybody else is public.
  const methods = ['client_secret_basic', 'client_secret_post'];
  const callerMethods = oauth.clients.length === 0 ? ['none'] : ['none', ...methods];
  return {
    issuer,
    token_endpoint: issuer + paths.token,
    jwks_uri: issuer + paths.jwks,
    grant_types_supported: Object.values(grantTypes),
    response_types_supported: [],
    // RFC 9728 section 4. Without a resource that the settings name, scopes are told to nobody.
    ...(resources.length > 0 && {
      protected_resources: resources,
      scopes_supported: scopesOf(settings),
    }),
    token_endpoint_auth_methods_supported: callerMethods,
    introspection_endpoint: issuer + paths.introspect,
    ...(oauth.clients.length > 0 && { introspection_endpoint_auth_methods_supported: methods }),
    revocation_endpoint: issuer + paths.revoke,
    revocation_endpoint_auth_methods_supported: callerMethods,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [tokens.algorithm],
  };
};

/** RFC 7517 §5. A cache may keep it for half the time a new key is published before it signs. */
export const getJwks = ({
  keys,
  settings,
  now,
}: Pick<SurfaceDeps, 'keys' | 'settings' | 'now'>): Endpoint => {
  const seconds = Math.min(cacheSecondsMax, Math.floor(settings.keys.publishLeadMs / 2000));
  return () => publicAnswer(keys.jwks(now()), seconds);
};
