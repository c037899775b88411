// What csp clients discover: the public keys access tokens are verified with, in the three formats they ask for, and the
// server's metadata. Public, and cacheable for less than a new key is published before it signs.

import { outage } from '../../decision/outcome.ts';
import type { Settings } from '../../settings/settings.ts';
import type { csp } from '../../settings/surfaces/csp.ts';
import type { KeyRing } from '../../tokens/key-ring.ts';
import { type Answer, type Endpoint, permitted } from '../answer.ts';
import { badRequest, refusedCaller } from './csp-error.ts';
import { readParameters } from '../vendor-parameters.ts';

export interface PublicKeyDeps {
  readonly keys: Pick<KeyRing, 'signingKey' | 'published'>;
  readonly settings: Pick<Settings, 'issuer' | 'keys'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** GET /auth/token-public-key. Only RS256 keys: clients take whatever they find here for one. */
export const createPublicKeyEndpoint = ({ keys, settings, now }: PublicKeyDeps): Endpoint => {
  const maxAgeSeconds = Math.min(3600, Math.floor(settings.keys.publishLeadMs / 2000));
  const told = (body: unknown, mediaType?: string): Answer => ({
    status: 200,
    headers: { 'cache-control': `public, max-age=${maxAgeSeconds}` },
    body,
    ...(mediaType !== undefined && { mediaType }),
    note: permitted(undefined),
  });
  return (request) => {
    const parameters = readParameters(request, 'query');
    if (typeof parameters === 'string') return badRequest(parameters, request);
    const nowMs = now();
    const key = keys.signingKey('RS256', nowMs);
    if (key === undefined) return refusedCaller(outage('keys_unavailable', 'there is no RS256 key'), request);
    const pem = key.publicKey.export({ type: 'spki', format: 'pem' }).trim();
    switch (parameters.one('format')) {
      case undefined:
        return told({ alg: 'SHA256withRSA', issuer: settings.issuer, value: pem });
      case 'jwks': {
        const published = keys.published(nowMs).filter(({ algorithm }) => algorithm === 'RS256');
        return told({ keys: published.map(({ publicJwk }) => publicJwk) });
      }
      case 'pem':
        return told(`${pem}\n`, 'application/x-pem-file');
      default:
        return badRequest('format is jwks or pem; without it the key comes as JSON.', request);
    }
  };
};

/** GET /.well-known/openid-configuration (OpenID Connect Discovery section 3), with what exists here. */
export const createMetadataEndpoint = (deps: {
  readonly settings: Pick<Settings, 'issuer'>;
  readonly paths: ReturnType<typeof csp.paths>;
}): Endpoint => {
  const { issuer } = deps.settings;
  const { paths } = deps;
  const methods = ['client_secret_basic', 'client_secret_post', 'none'];
  const answer: Answer = {
    status: 200,
    headers: { 'cache-control': 'public, max-age=300' },
    body: {
      issuer,
      // Required by the document; nobody signs in here, so GET is answered 405.
      authorization_endpoint: issuer + paths.authorize,
      token_endpoint: issuer + paths.token,
      introspection_endpoint: issuer + paths.introspect,
      revocation_endpoint: issuer + paths.revoke,
      end_session_endpoint: issuer + paths.logout,
      jwks_uri: `${issuer}${paths.publicKey}?format=jwks`,
      grant_types_supported: ['refresh_token', 'client_credentials'],
      response_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: methods,
      scopes_supported: ['openid', 'customer_number', 'ALL_PERMISSIONS'],
    },
    note: permitted(undefined),
  };
  return () => answer;
};
