import t from 'tap';
import { createSecret } from '../../../src/tokens/api-token.ts';
import { malleate } from '../../tokens/samples.ts';
import { basic, resourceServer, startSurfaces } from '../surface-server.ts';

const path = '/oauth2/revoke';

t.test('RFC 7009: whoever holds a token may end it', async (t) => {
  const server = await startSurfaces(t);
  const { secret, record } = await server.token();
  const one = await server.accessToken(secret);
  const two = await server.accessToken(secret);
  const isActive = async (token: string) =>
    (await server.post('/oauth2/introspect', { token }, resourceServer)).body['active'];
  const reply = await server.post(path, { token: one, token_type_hint: 'refresh_token' });
  t.match(reply, { status: 200, text: '' });
  t.equal(reply.headers.get('cache-control'), 'no-store');
  t.equal(await isActive(one), false, 'the session is over');
  t.equal(await isActive(two), true, 'another session of the same API token is not');
  t.equal(await isActive(secret), true);
  t.equal((await server.post(path, { token: secret })).status, 200);
  t.equal(await isActive(secret), false, 'the API token is over');
  t.equal(await isActive(two), false, 'and every session with it');
  t.match(await server.apiTokens.findApiToken(record.id), { state: 'revoked' });
});

t.test('a session is over in every spelling of its access token, whichever was revoked', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  const isActive = async (token: string) =>
    (await server.post('/oauth2/introspect', { token }, resourceServer)).body['active'];
  for (const [revokes, other] of [
    [(token: string) => token, malleate],
    [malleate, (token: string) => token],
  ] as const) {
    const token = await server.accessToken(secret);
    t.not(malleate(token), token);
    t.same([await isActive(token), await isActive(malleate(token))], [true, true], 'ES256 has two for one');
    t.equal((await server.post(path, { token: revokes(token) })).status, 200);
    t.equal(await isActive(revokes(token)), false);
    t.equal(await isActive(other(token)), false, 'the twin is no way around the revocation');
  }
});

t.test('RFC 7009 section 2.2: a token that is no good is answered 200 too', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  await server.post(path, { token: secret });
  for (const token of [secret, 'garbage', 'a.b.c', 'no token', 'x'.repeat(9000)])
    t.equal((await server.post(path, { token })).status, 200);
});

t.test('an API token of our form that the store does not know: 400, for nothing was revoked', async (t) => {
  const server = await startSurfaces(t);
  const reply = await server.post(path, { token: createSecret({ shard: 3, length: 65 }) });
  t.match(reply, {
    status: 400,
    body: { error: 'invalid_request', error_description: /^Nothing was revoked/ },
  });
});

t.test('a client that presents credentials must be right', async (t) => {
  const server = await startSurfaces(t);
  const { secret, record } = await server.token();
  t.match(await server.post(path, { token: secret }, basic('resource', 'wrong')), {
    status: 401,
    body: { error: 'invalid_client' },
  });
  t.match(await server.post(path, {}, resourceServer), { status: 400, body: { error: 'invalid_request' } });
  t.match(await server.apiTokens.findApiToken(record.id), { state: 'active' }, 'nothing was revoked');
  t.match(await server.post(path, { token: secret }, resourceServer), { status: 200 });
});

t.test('a revocation that cannot be stored is 503, never 200', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  await server.accessToken(secret);
  await server.store.close();
  const reply = await server.post(path, { token: secret });
  t.match(reply, { status: 503, body: { error: 'temporarily_unavailable' } });
  t.equal(reply.headers.get('retry-after'), '1');
});
