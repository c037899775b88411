import t from 'tap';
import { basic, resourceServer, startSurfaces } from '../surface-server.ts';
import { minuteMs } from '../../lifecycle/world.ts';

const path = '/oauth2/introspect';

t.test('RFC 7662: a configured client learns whose token it holds', async (t) => {
  const server = await startSurfaces(t);
  const { secret, record } = await server.token(['things:read'], 60 * minuteMs);
  const reply = await server.post(path, { token: secret, token_type_hint: 'anything' }, resourceServer);
  t.equal(reply.status, 200);
  t.same(reply.body, {
    active: true,
    iss: 'https://id.example',
    sub: 'ann',
    username: 'Ann',
    scope: 'things:read',
    token_type: 'Bearer',
    iat: Math.floor(record.createdAtMs / 1000),
    exp: Math.floor(record.expiresAtMs! / 1000),
    org: 'acme',
    tid: record.id,
  });
  t.equal(reply.headers.get('cache-control'), 'no-store');
  const access = await server.accessToken(secret);
  const form = { token: access, client_id: 'resource', client_secret: 's3cret+value:%' };
  t.match((await server.post(path, form)).body, {
    active: true,
    aud: 'https://api.example',
    scope: 'things:read',
    tid: record.id,
    sid: /^[0-9a-f-]{36}$/,
  });
  const forever = await server.token('all', null);
  t.notOk('exp' in (await server.post(path, { token: forever.secret }, resourceServer)).body);
});

t.test('RFC 7662 section 2.2: a token that is no good is inactive, and nothing more is said', async (t) => {
  const server = await startSurfaces(t);
  const expired = await server.token('all', minuteMs);
  const revoked = await server.token();
  const access = await server.accessToken(revoked.secret);
  await server.apiTokens.revokeApiToken(revoked.record.id);
  server.clock.nowMs += minuteMs;
  for (const token of [
    expired.secret,
    revoked.secret,
    access,
    'garbage',
    'a.b.c',
    'no token',
    'x'.repeat(600),
  ]) {
    const reply = await server.post(path, { token }, resourceServer);
    t.match(reply, { status: 200 });
    t.same(reply.body, { active: false });
  }
});

t.test('a bearer with the scope tollgate:introspect may ask, about its own org', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token(['things:read']);
  const asker = await server.token(['tollgate:introspect']);
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  t.match((await server.post(path, { token: secret }, bearer(asker.secret))).body, { active: true });
  const access = await server.accessToken(asker.secret);
  t.match((await server.post(path, { token: secret }, bearer(access))).body, { active: true });
  t.match(server.outcomes.at(-1), { route: 'oauth:introspect', identity: { user: { id: 'ann' } } });

  await server.accounts.createOrg({
    id: 'globex',
    name: undefined,
    roles: { asker: ['tollgate:introspect'] },
    tokenLifetimeMsMax: undefined,
  });
  await server.accounts.createUser({ orgId: 'globex', id: 'gus', name: undefined, roles: ['asker'] });
  const foreign = await server.apiTokens.createApiToken({
    orgId: 'globex',
    userId: 'gus',
    name: 'asker',
    scopes: 'all',
    lifetimeMs: undefined,
    length: 65,
  });
  if (!('secret' in foreign)) throw new Error('no token');
  t.same(
    (await server.post(path, { token: secret }, bearer(foreign.secret))).body,
    { active: false },
    'a token of another org is not there',
  );
});

t.test('strangers are not answered', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token(['things:read']);
  const table: [string, number, string, RegExp, Record<string, string>][] = [
    ['nobody', 401, 'invalid_client', /^Basic /, {}],
    ['a wrong secret', 401, 'invalid_client', /^Basic /, basic('resource', 'wrong')],
    [
      'an unknown bearer',
      401,
      'invalid_token',
      /^Bearer .*error="invalid_token"/,
      { authorization: 'Bearer x' },
    ],
    ['two blanks', 401, 'invalid_token', /^Bearer /, { authorization: `Bearer  ${secret}` }],
    [
      'a bearer without the scope',
      403,
      'insufficient_scope',
      /^Bearer .*scope="tollgate:introspect"/,
      { authorization: `Bearer ${secret}` },
    ],
  ];
  for (const [what, status, error, challenge, headers] of table) {
    const reply = await server.post(path, { token: secret }, headers);
    t.match(reply, { status, body: { error } }, what);
    t.match(reply.headers.get('www-authenticate'), challenge);
  }
  t.match(await server.post(path, {}, resourceServer), { status: 400, body: { error: 'invalid_request' } });
});

t.test('an outage is 503, never "inactive"', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  await server.store.close();
  const reply = await server.post(path, { token: secret }, resourceServer);
  t.match(reply, { status: 503, body: { error: 'temporarily_unavailable' } });
  t.equal(reply.headers.get('retry-after'), '1');
});

t.test('an address that tries many client secrets is held back, the right one among them', async (t) => {
  const server = await startSurfaces(t, { limits: { unknownTokensPerMinute: 5 } as never });
  const { secret } = await server.token();
  const ask = (clientSecret: string) =>
    server.post('/oauth2/introspect', { token: secret }, basic('resource', clientSecret));
  for (let index = 0; index < 5; index++) t.equal((await ask(`wrong-${index}`)).status, 401);
  const reply = await ask('s3cret+value:%');
  t.match(reply, { status: 429, body: { error: 'temporarily_unavailable' } });
  t.ok(Number(reply.headers.get('retry-after')) > 0);
  t.match(server.outcomes.at(-1), { result: 'denial', reason: 'rate_limited' });
  const exchanged = await server.post('/oauth2/token', {
    grant_type: 'refresh_token',
    refresh_token: secret,
  });
  t.equal(exchanged.status, 200, 'whoever sends no client secret is not concerned');
});
