// GET /auth/token-public-key and GET /.well-known/openid-configuration.

import { createPublicKey } from 'node:crypto';
import { createLocalJWKSet, importSPKI, jwtVerify } from 'jose';
import t from 'tap';
import { csp, startVendors } from '../vendor-server.ts';

const path = `${csp}/auth/token-public-key`;

t.test('the public key comes as JSON with a PEM in it', async (t) => {
  const server = await startVendors(t);
  const reply = await server.send(`GET ${path}`);
  t.equal(reply.status, 200);
  t.same(Object.keys(reply.json), ['alg', 'issuer', 'value']);
  t.match(reply.json, { alg: 'SHA256withRSA', issuer: 'https://id.example' });
  t.match(reply.json['value'], /^-----BEGIN PUBLIC KEY-----\n[\s\S]+\n-----END PUBLIC KEY-----$/);
  const { secret } = await server.token();
  const { json } = await server.postForm(`${csp}/auth/api-tokens/authorize`, `api_token=${secret}`);
  const key = await importSPKI(String(reply.json['value']), 'RS256');
  await t.resolves(jwtVerify(String(json['access_token']), key), 'and verifies an access token');
});

t.test('format=jwks gives the keys by kid, RSA only', async (t) => {
  const server = await startVendors(t);
  const reply = await server.send(`GET ${path}?format=jwks`);
  t.equal(reply.status, 200);
  t.same(Object.keys(reply.json), ['keys']);
  t.match(reply.json['keys'], [{ kty: 'RSA', alg: 'RS256', use: 'sig', kid: String, n: String, e: 'AQAB' }]);
  t.equal((reply.json['keys'] as unknown[]).length, 1, 'the gate’s own ES256 key is not among them');
  t.doesNotThrow(() => createLocalJWKSet(reply.json as never));
});

t.test('format=pem gives the PEM alone', async (t) => {
  const server = await startVendors(t);
  const reply = await server.send(`GET ${path}?format=pem`);
  t.equal(reply.status, 200);
  t.match(reply.header('content-type'), /^application\/x-pem-file/);
  t.equal(createPublicKey(reply.body).asymmetricKeyType, 'rsa');
});

t.test('any other format is 400', async (t) => {
  const server = await startVendors(t);
  for (const format of ['xml', 'JWKS', 'jwks&format=pem'])
    t.match(
      await server.send(`GET ${path}?format=${format}`),
      { status: 400, json: { statusCode: 400 } },
      format,
    );
});

t.test('the keys may be cached for less than a new one is published before it signs', async (t) => {
  const server = await startVendors(t);
  t.equal((await server.send(`GET ${path}`)).header('cache-control'), 'public, max-age=300');
});

t.test('GET /.well-known/openid-configuration names what there is', async (t) => {
  const server = await startVendors(t);
  for (const target of [
    `${csp}/.well-known/openid-configuration`,
    `${csp}/auth/.well-known/openid-configuration`,
  ]) {
    const reply = await server.send(`GET ${target}`);
    t.match(reply, {
      status: 200,
      json: {
        issuer: 'https://id.example',
        token_endpoint: `https://id.example${csp}/auth/token`,
        jwks_uri: `https://id.example${path}?format=jwks`,
        id_token_signing_alg_values_supported: ['RS256'],
      },
    });
    const jwks = String(reply.json['jwks_uri']).replace('https://id.example', '');
    t.equal((await server.send(`GET ${jwks}`)).status, 200, 'and its keys are where it says');
  }
});
