import { decodeJwt } from 'jose';
import t from 'tap';
import { basic, resourceServer, startSurfaces } from '../surface-server.ts';
import { minuteMs } from '../../lifecycle/world.ts';

const grants = { refresh: 'refresh_token', exchange: 'urn:ietf:params:oauth:grant-type:token-exchange' };
const types = {
  access: 'urn:ietf:params:oauth:token-type:access_token',
  refresh: 'urn:ietf:params:oauth:token-type:refresh_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
};

t.test('RFC 6749 section 6: the API token is the refresh token', async (t) => {
  const server = await startSurfaces(t);
  const { secret, record } = await server.token();
  const reply = await server.post('/oauth2/token', { grant_type: grants.refresh, refresh_token: secret });
  t.equal(reply.status, 200);
  t.match(reply.body, {
    token_type: 'Bearer',
    expires_in: 1800,
    scope: 'reports:read things:read things:write tollgate:introspect',
  });
  t.match(decodeJwt(String(reply.body['access_token'])), { sub: 'ann', tid: record.id });
  t.notOk('refresh_token' in reply.body, 'and stays the same: it is not rotated');
  t.equal(reply.headers.get('cache-control'), 'no-store', 'RFC 6749 section 5.1');
  t.equal(reply.headers.get('pragma'), 'no-cache');
  t.match(reply.headers.get('content-type'), /^application\/json/);
  t.match(server.outcomes, [
    {
      route: 'oauth:token',
      method: 'POST',
      path: '/oauth2/token',
      status: 200,
      result: 'permit',
      credentialKind: 'api_token',
      identity: { user: { id: 'ann' } },
      clientAddress: '192.0.2.7',
      requestId: 'request-1',
    },
  ]);
});

t.test('RFC 6749 section 3.3: fewer scopes on request, never more', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token(['things:read', 'reports:read']);
  const ask = (scope: string) =>
    server.post('/oauth2/token', { grant_type: grants.refresh, refresh_token: secret, scope });
  t.match((await ask('things:read')).body, { scope: 'things:read' });
  t.match(
    (await ask('')).body,
    { scope: 'reports:read things:read' },
    'an empty parameter is an omitted one',
  );
  for (const scope of ['things:write', 'things:read org:owner', 'a  b', '"', '\\', 'é'])
    t.match(await ask(scope), { status: 400, body: { error: 'invalid_scope' } }, scope);
});

t.test('RFC 8693: a token is exchanged for a narrower one', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  const wide = await server.accessToken(secret);
  const reply = await server.post('/oauth2/token', {
    grant_type: grants.exchange,
    subject_token: wide,
    subject_token_type: types.access,
    scope: 'things:read',
    audience: 'https://api.example',
  });
  t.match(reply, {
    status: 200,
    body: { issued_token_type: types.access, token_type: 'Bearer', scope: 'things:read' },
  });
  const [before, after] = [decodeJwt(wide), decodeJwt(String(reply.body['access_token']))];
  t.equal(after['sid'], before['sid']);
  t.equal(after.exp, before.exp);
  const jwt = await server.post('/oauth2/token', {
    grant_type: grants.exchange,
    subject_token: wide,
    subject_token_type: types.jwt,
    requested_token_type: types.jwt,
  });
  t.match(jwt, { status: 200, body: { issued_token_type: types.jwt } });
  for (const type of [types.access, types.refresh])
    t.match(
      await server.post('/oauth2/token', {
        grant_type: grants.exchange,
        subject_token: secret,
        subject_token_type: type,
      }),
      { status: 200, body: { issued_token_type: types.access } },
      `an API token is taken as ${type}`,
    );
});

t.test(
  'RFC 8707 and RFC 8693: a target that is not ours is invalid_target, and targets may be repeated',
  async (t) => {
    const server = await startSurfaces(t);
    const { secret } = await server.token();
    const ask = (...more: [string, string][]) =>
      server.post('/oauth2/token', [['grant_type', grants.refresh], ['refresh_token', secret], ...more]);
    t.match(await ask(['resource', 'https://api.example'], ['audience', 'https://api.example']), {
      status: 200,
    });
    t.match(await ask(['audience', 'https://api.example'], ['audience', 'https://api.example']), {
      status: 200,
    });
    t.match(await ask(['resource', 'https://other.example']), {
      status: 400,
      body: { error: 'invalid_target' },
    });
    t.match(await ask(['audience', 'https://api.example'], ['audience', 'x']), {
      status: 400,
      body: { error: 'invalid_target' },
    });
  },
);

t.test('a shorter life can be asked for in seconds', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token('all', 5 * minuteMs);
  const ask = (seconds: string) =>
    server.post('/oauth2/token', { grant_type: grants.refresh, refresh_token: secret, expires_in: seconds });
  t.match(await ask('60'), { status: 200, body: { expires_in: 60 } });
  const capped = await ask('86400');
  t.ok(Number(capped.body['expires_in']) <= 300, 'never longer than the API token');
  for (const bad of ['0', '-1', '1.5', '1e3', 'soon', '9999999999'])
    t.match(await ask(bad), { status: 400, body: { error: 'invalid_request' } }, bad);
});

t.test('RFC 6749 section 5.2: each fault of the caller has its error code', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  const access = await server.accessToken(secret);
  const expired = await server.token('all', minuteMs);
  const revoked = await server.token();
  await server.apiTokens.revokeApiToken(revoked.record.id);
  server.clock.nowMs += minuteMs;
  const refresh = { grant_type: grants.refresh };
  const exchange = { grant_type: grants.exchange, subject_token: access, subject_token_type: types.access };
  const table: [string, string, Record<string, string>][] = [
    ['no grant type', 'invalid_request', {}],
    ['another grant type', 'unsupported_grant_type', { grant_type: 'password' }],
    ['client credentials', 'unsupported_grant_type', { grant_type: 'client_credentials' }],
    ['no refresh token', 'invalid_request', refresh],
    ['an empty refresh token', 'invalid_request', { ...refresh, refresh_token: '' }],
    ['an unknown token', 'invalid_grant', { ...refresh, refresh_token: `${secret.slice(0, -1)}_` }],
    ['a malformed token', 'invalid_grant', { ...refresh, refresh_token: 'no token' }],
    ['a token of 600 bytes', 'invalid_grant', { ...refresh, refresh_token: 'a'.repeat(600) }],
    ['an expired token', 'invalid_grant', { ...refresh, refresh_token: expired.secret }],
    ['a revoked token', 'invalid_grant', { ...refresh, refresh_token: revoked.secret }],
    ['an access token as refresh token', 'invalid_grant', { ...refresh, refresh_token: access }],
    [
      'no subject token',
      'invalid_request',
      { grant_type: grants.exchange, subject_token_type: types.access },
    ],
    ['no subject token type', 'invalid_request', { ...exchange, subject_token_type: '' }],
    ['another subject token type', 'invalid_request', { ...exchange, subject_token_type: 'urn:x' }],
    [
      'an API token as a JWT',
      'invalid_request',
      { ...exchange, subject_token: secret, subject_token_type: types.jwt },
    ],
    [
      'an access token as a refresh token',
      'invalid_request',
      { ...exchange, subject_token_type: types.refresh },
    ],
    ['a subject token that is no good', 'invalid_request', { ...exchange, subject_token: 'a.b.c' }],
    [
      'an actor token',
      'invalid_request',
      { ...exchange, actor_token: access, actor_token_type: types.access },
    ],
    ['another requested type', 'invalid_request', { ...exchange, requested_token_type: types.refresh }],
  ];
  for (const [what, error, form] of table) {
    const reply = await server.post('/oauth2/token', form);
    t.match(reply, { status: 400, body: { error, error_description: /./ } }, what);
    t.equal(reply.headers.get('cache-control'), 'no-store');
    t.match(reply.body['error_description'], /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/, 'RFC 6749 appendix A.8');
    for (const value of Object.values(form))
      if (value.length > 60) t.notOk(reply.text.includes(value), 'no token is repeated');
  }
  const reasons = new Set(server.outcomes.map((outcome) => outcome.reason));
  for (const reason of ['token_unknown', 'token_expired', 'token_revoked', 'token_invalid'] as const)
    t.ok(reasons.has(reason), `the log tells ${reason} apart; the caller is not told`);
});

t.test('RFC 6749 section 2.3: a client that presents credentials must be right', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  const form = { grant_type: grants.refresh, refresh_token: secret };
  const ask = (more: Record<string, string>, headers?: Record<string, string>) =>
    server.post('/oauth2/token', { ...form, ...more }, headers);
  t.match(await ask({ client_id: 'any-public-client' }), { status: 200 }, 'a public client needs none');
  t.match(await ask({}, basic('any-public-client', '')), { status: 200 }, 'an empty secret is none');
  const confidential = await ask({}, resourceServer);
  t.equal(confidential.status, 200);
  t.match(decodeJwt(String(confidential.body['access_token'])), { client_id: 'resource' });
  t.match(await ask({ client_id: 'resource', client_secret: 's3cret+value:%' }), { status: 200 });
  const raw = Buffer.from('resource:s3cret+value:%').toString('base64');
  t.match(await ask({}, { authorization: `basic ${raw}` }), { status: 200 }, 'as curl sends it, unencoded');
  t.match(await ask({}, { ...resourceServer }), { status: 200 });

  const table: [string, boolean, Record<string, string>, Record<string, string>][] = [
    ['a wrong secret', true, {}, basic('resource', 'wrong')],
    ['an unknown client', true, {}, basic('nobody', 's3cret+value:%')],
    ['a configured client without its secret', true, {}, basic('resource', '')],
    ['Basic without a colon', true, {}, { authorization: `Basic ${Buffer.from('x').toString('base64')}` }],
    ['Basic that is not base64', true, {}, { authorization: 'Basic ???' }],
    ['a wrong secret in the form', false, { client_id: 'resource', client_secret: 'wrong' }, {}],
    ['a configured client id alone', false, { client_id: 'resource' }, {}],
    ['a secret without a client', false, { client_secret: 's3cret+value:%' }, {}],
  ];
  for (const [what, isBasic, more, headers] of table) {
    const reply = await ask(more, headers);
    t.match(reply, { status: 401, body: { error: 'invalid_client' } }, what);
    t.equal(
      reply.headers.get('www-authenticate'),
      isBasic ? 'Basic realm="tollgate", charset="UTF-8"' : null,
      'RFC 6749 section 5.2: the challenge is of the scheme that was used',
    );
    t.equal(server.outcomes.at(-1)?.reason, 'client_unknown');
  }
  t.match(
    await ask({ client_secret: 's3cret+value:%' }, resourceServer),
    { status: 400, body: { error: 'invalid_request' } },
    'one way at a time',
  );
  t.match(await ask({ client_id: 'other' }, resourceServer), {
    status: 400,
    body: { error: 'invalid_request' },
  });
});

t.test('an outage is 503 with Retry-After, never the fault of the caller', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  await server.store.close();
  const reply = await server.post('/oauth2/token', { grant_type: grants.refresh, refresh_token: secret });
  t.match(reply, { status: 503, body: { error: 'temporarily_unavailable' } });
  t.equal(reply.headers.get('retry-after'), '1');
  t.match(server.outcomes.at(-1), { result: 'outage', reason: 'store_unavailable' });
});

t.test('an address that tries many unknown tokens is held back with 429', async (t) => {
  const limits = { unknownTokensPerMinute: 5 };
  const server = await startSurfaces(t, { limits: limits as never });
  const { secret } = await server.token();
  const ask = (token: string) =>
    server.post('/oauth2/token', { grant_type: grants.refresh, refresh_token: token });
  t.equal((await ask(secret)).status, 200);
  const statuses: number[] = [];
  for (let index = 0; index < 10; index++) statuses.push((await ask(`garbage-${index}`)).status);
  t.equal(statuses[0], 400);
  t.equal(statuses.at(-1), 429);
  const reply = await ask('garbage-more');
  t.match(reply.body, { error: 'temporarily_unavailable' });
  t.ok(Number(reply.headers.get('retry-after')) > 0);
  t.equal((await ask(secret)).status, 200, 'a token that is known and good still works');
});

t.test('one API token is exchanged so many times in a minute, then 429 with Retry-After', async (t) => {
  const server = await startSurfaces(t, {
    limits: { exchangesPerMinute: 2, unknownTokensPerMinute: 0 } as never,
  });
  const { secret } = await server.token();
  const ask = () => server.post('/oauth2/token', { grant_type: grants.refresh, refresh_token: secret });
  t.same([(await ask()).status, (await ask()).status], [200, 200]);
  const reply = await ask();
  t.match(reply, { status: 429, body: { error: 'temporarily_unavailable' } });
  t.ok(Number(reply.headers.get('retry-after')) > 0);
  t.match(server.outcomes.at(-1), { result: 'denial', reason: 'rate_limited' });
});
