import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import t from 'tap';
import { noSurfaces, startSurfaces } from '../surface-server.ts';

/** A surface that makes API tokens for which there are ID tokens. */
const surfaces = { ...noSurfaces, management: { ...noSurfaces.management, enabled: true } };

t.test('RFC 8414: a client that knows the issuer finds everything else', async (t) => {
  const server = await startSurfaces(t, { surfaces });
  const reply = await server.get('/.well-known/oauth-authorization-server');
  t.equal(reply.status, 200);
  t.match(reply.body, {
    issuer: 'https://id.example',
    token_endpoint: 'https://id.example/oauth2/token',
    introspection_endpoint: 'https://id.example/oauth2/introspect',
    revocation_endpoint: 'https://id.example/oauth2/revoke',
    jwks_uri: 'https://id.example/.well-known/jwks.json',
    grant_types_supported: ['refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
  });
  t.same(reply.body['introspection_endpoint_auth_methods_supported'], [
    'client_secret_basic',
    'client_secret_post',
  ]);
  const openid = await server.get('/.well-known/openid-configuration');
  t.same(openid.body, { ...reply.body, authorization_endpoint: 'https://id.example/oauth2/authorize' });
  t.match(reply.headers.get('cache-control'), /^public, max-age=\d+$/);
});

t.test('every endpoint the metadata names answers under the configured prefix', async (t) => {
  const server = await startSurfaces(t, { oauth: { enabled: true, prefix: '/auth/v1', clients: [] } });
  const { body } = await server.get('/.well-known/oauth-authorization-server');
  for (const name of ['token_endpoint', 'introspection_endpoint', 'revocation_endpoint', 'jwks_uri']) {
    const { pathname } = new URL(String(body[name]));
    t.ok(server.surfaces.owns(pathname), `${name}: ${pathname}`);
    t.not((await server.get(pathname)).status, 404);
  }
  t.same(body['token_endpoint_auth_methods_supported'], ['none']);
});

t.test('OpenID Connect Discovery: every required member is there, and nobody can sign in', async (t) => {
  const server = await startSurfaces(t, { surfaces });
  const { body } = await server.get('/.well-known/openid-configuration');
  for (const member of [
    'issuer',
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'response_types_supported',
    'subject_types_supported',
    'id_token_signing_alg_values_supported',
  ])
    t.ok(member in body, member);
  for (const query of ['', '?response_type=code&client_id=x&redirect_uri=https%3A%2F%2Fevil.example']) {
    const reply = await server.get(`/oauth2/authorize${query}`);
    t.match(reply, { status: 400, body: { error: 'unsupported_response_type' } });
    t.equal(reply.headers.get('location'), null, 'it sends nobody anywhere');
  }
});

t.test('the metadata names registered authentication methods only (RFC 8414 section 2)', async (t) => {
  const registered = [
    'none',
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'tls_client_auth',
  ];
  for (const clients of [[], undefined]) {
    const server = await startSurfaces(t, {
      surfaces,
      ...(clients && { oauth: { enabled: true, prefix: '/oauth2', clients } }),
    });
    for (const document of ['oauth-authorization-server', 'openid-configuration']) {
      const { body } = await server.get(`/.well-known/${document}`);
      for (const [name, methods] of Object.entries(body))
        if (name.endsWith('_auth_methods_supported'))
          for (const method of methods as string[]) t.ok(registered.includes(method), `${name}: ${method}`);
    }
  }
});

t.test('RFC 7517: access tokens verify with the published keys, which hold nothing private', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  const reply = await server.get('/.well-known/jwks.json');
  t.equal(
    reply.headers.get('cache-control'),
    'public, max-age=300',
    'half the time a key is published ahead',
  );
  const jwks = reply.body as unknown as JSONWebKeySet;
  t.equal(jwks.keys.length, 1);
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) t.notOk(member in jwks.keys[0]!, member);
  const verified = await jwtVerify(await server.accessToken(secret), createLocalJWKSet(jwks), {
    issuer: 'https://id.example',
    audience: 'https://api.example',
    typ: 'at+jwt',
    algorithms: ['ES256'],
  });
  t.equal(verified.payload.sub, 'ann');
});

t.test(
  'a surface that is switched off owns no path but the keys that X-Identity is verified with',
  async (t) => {
    const server = await startSurfaces(t, { oauth: { enabled: false, prefix: '/oauth2', clients: [] } });
    t.match(server.surfaces.ownedPaths, [{ written: '/.well-known/jwks.json' }]);
    t.equal(server.surfaces.ownedPaths.length, 1);
    t.notOk(server.surfaces.owns('/oauth2/token'));
    const reply = await server.get('/.well-known/jwks.json');
    t.match(reply, { status: 200, body: { keys: [{ alg: 'ES256' }] } });
  },
);
