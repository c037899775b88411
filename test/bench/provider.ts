// The yardstick of the exchange: oidc-provider with its in-memory adapter does the same refresh grant. A public client, one
// refresh token that is not rotated, and a JWT access token for an API, signed with ES256 or RS256; nothing is stored, no
// ID token. Arguments: port, algorithm. Prints the refresh token as one line of JSON.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [port = '', algorithm = 'ES256'] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const resource = 'urn:bench:api';
const clientId = 'bench';
const accountId = 'user-0';
const scope = 'things:read';

const { privateKey } =
  algorithm === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['https://client.example/back'],
      id_token_signed_response_alg: algorithm,
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: algorithm }] },
  cookies: { keys: ['not used here'] },
  rotateRefreshToken: false,
  findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope,
        audience: issuer,
        accessTokenTTL: 1800,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: algorithm, kid: 'one' } },
      }),
    },
  },
  ttl: { Grant: 86_400, RefreshToken: 86_400, AccessToken: 1800 },
});

const grant = new provider.Grant({ accountId, clientId });
grant.addResourceScope(resource, scope);
const refreshToken = await new provider.RefreshToken({
  accountId,
  client: await provider.Client.find(clientId),
  grantId: await grant.save(),
  gty: 'authorization_code',
  scope,
  resource,
}).save();

createServer(provider.callback()).listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ refreshToken })}\n`);
});
