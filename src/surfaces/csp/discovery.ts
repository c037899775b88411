// What csp clients discover: the public keys access tokens are verified with, in the three formats they ask for, and the
// server's metadata. Public, and cacheable for less than a new key is published before it signs.

import { outage } from '../../decision/outcome.ts';
import type { csp } from '../../settings/surfaces/csp.ts';
import { type Endpoint, publicAnswer, publicEndpoint } from '../answer.ts';
import { badRequest } from '../failures.ts';
import type { SurfaceDeps } from '../surface.ts';
import { parametersEndpoint } from './csp-endpoint.ts';

/** GET /auth/token-public-key. Only RS256 keys: clients take whatever they find here for one. */
export const getPublicKey = ({
  keys,
  settings,
  now,
}: Pick<SurfaceDeps, 'keys' | 'settings' | 'now'>): Endpoint => {
  const maxAgeSeconds = Math.min(3600, Math.floor(settings.keys.publishLeadMs / 2000));
  return parametersEndpoint('query', (parameters) => {
    const nowMs = now();
    const key = keys.signingKey('RS256', nowMs);
    if (key === undefined) return outage('keys_unavailable', 'there is no RS256 key');
    const pem = key.publicKey.export({ type: 'spki', format: 'pem' }).trim();
    switch (parameters.one('format')) {
      case undefined:
        return publicAnswer({ alg: 'SHA256withRSA', issuer: settings.issuer, value: pem }, maxAgeSeconds);
      case 'jwks': {
        const published = keys.published(nowMs).filter(({ algorithm }) => algorithm === 'RS256');
        return publicAnswer({ keys: published.map(({ publicJwk }) => publicJwk) }, maxAgeSeconds);
      }
      case 'pem':
        return { ...publicAnswer(`${pem}\n`, maxAgeSeconds), mediaType: 'application/x-pem-file' };
      default:
        return badRequest('format is jwks or pem; without it the key comes as JSON.');
    }
  });
};

/** GET /.well-known/openid-configuration (OpenID Connect Discovery section 3), with what exists here. */
export const getMetadata = (
  { settings: { issuer } }: Pick<SurfaceDeps, 'settings'>,
  paths: ReturnType<typeof csp.paths>,
): Endpoint => {
  const methods = ['client_secret_basic', 'client_secret_post', 'none'];
  return publicEndpoint(
    {
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
    300,
  );
};
