// An OpenID provider in this process: oidc-provider as it is published, with opaque access tokens that it tells about and
// revokes by its own endpoints. Nothing of it is replaced; only who has signed in is made by hand.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { Provider } from 'oidc-provider';
import type { Test } from 'tap';
import { listenRestartably, type Restartable } from './restartable-server.ts';

export interface OpenidProvider extends Pick<Restartable, 'stop' | 'start'> {
  readonly issuer: string;
  readonly introspectionUrl: string;
  /** PEM of the key that the client `private_key_jwt` has registered. */
  readonly clientKey: string;
  /** A refresh token of Eve's, for this API. */
  readonly refreshToken: string;
  /** A fresh opaque access token of Eve's; `resource`: the API it is for. */
  newToken(resource?: string): Promise<string>;
  /** RFC 7009, by the client that the token was made for. */
  revoke(token: string): Promise<void>;
}

export const api = 'https://api.example.com';
export const clientSecret = 'a secret: with +, & and %';
const app = 'app';
const scope = 'things:read';

/** Ends with the test. */
export const startOpenidProvider = async (t: Test): Promise<OpenidProvider> => {
  const server: Server = createServer((request, response) => provider.callback()(request, response));
  const { port, stop, start } = await listenRestartably(t, server);
  const issuer = `http://127.0.0.1:${port}`;
  const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const client = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const provider = new Provider(issuer, configurationOf(signing.privateKey, client.publicKey));
  const refreshTokenFor = async (resource: string): Promise<string> => {
    const grant = new provider.Grant({ accountId: 'eve', clientId: app });
    grant.addResourceScope(resource, scope);
    const facts = { accountId: 'eve', gty: 'authorization_code', scope, resource };
    const grantId = await grant.save();
    return new provider.RefreshToken({ ...facts, grantId, client: await provider.Client.find(app) }).save();
  };
  const post = async (path: string, fields: Record<string, string>): Promise<Response> => {
    const response = await fetch(issuer + path, {
      method: 'POST',
      body: new URLSearchParams({ client_id: app, ...fields }),
    });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    issuer,
    introspectionUrl: `${issuer}/token/introspection`,
    clientKey: client.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    refreshToken: await refreshTokenFor(api),
    newToken: async (resource = api) => {
      const response = await post('/token', {
        grant_type: 'refresh_token',
        refresh_token: await refreshTokenFor(resource),
      });
      const { access_token: token } = (await response.json()) as { readonly access_token: string };
      return token;
    },
    revoke: async (token) => void (await post('/token/revocation', { token })),
    stop,
    start,
  };
};

const configurationOf = (signingKey: KeyObject, clientKey: KeyObject) => ({
  clients: [
    {
      client_id: app,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['https://client.example/back'],
      id_token_signed_response_alg: 'ES256',
    },
    ...['client_secret_basic', 'client_secret_post'].map((method) => ({
      ...askingClient(method),
      client_secret: clientSecret,
    })),
    {
      ...askingClient('private_key_jwt'),
      jwks: { keys: [{ ...clientKey.export({ format: 'jwk' }), kid: 'k1' }] },
    },
  ],
  jwks: { keys: [{ ...signingKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'ES256' }] },
  cookies: { keys: ['not used here'] },
  rotateRefreshToken: false,
  findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
  extraTokenClaims: () => ({ org: 'acme', name: 'Eve' }),
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_: unknown, resource: string) => ({
        scope,
        audience: resource,
        accessTokenTTL: 1800,
        accessTokenFormat: 'opaque',
      }),
    },
  },
  ttl: { Grant: 86_400, RefreshToken: 86_400, AccessToken: 1800 },
});

/** Tollgate's own client at the provider: it asks about tokens and does nothing else. */
const askingClient = (method: string) => ({
  client_id: method,
  id_token_signed_response_alg: 'ES256',
  token_endpoint_auth_method: method,
  ...(method === 'private_key_jwt' && { token_endpoint_auth_signing_alg: 'ES256' }),
  grant_types: [],
  redirect_uris: [],
  response_types: [],
});
