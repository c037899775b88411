// Errors in astra's shape, for every reason.

import t from 'tap';
import { ofAnn, order, startAstra } from './astra-server.ts';

const keys = ['type', 'title', 'detail', 'status', 'correlationID'];

t.test('no bearer: problems/3, with status a string', async (t) => {
  const server = await startAstra(t);
  for (const [line, headers] of [
    [`GET ${ofAnn}`, []],
    [`GET ${ofAnn}`, ['Authorization: Basic YTpi']],
    [`POST ${ofAnn}`, []],
    [`GET ${ofAnn}/x`, []],
    [`DELETE ${ofAnn}/x`, []],
    ['GET /core/v1/groups/g/users/u/tokens', []],
    ['GET /accounts/other/core/v1/users/eve/tokens?limit=0', []],
  ] as const) {
    const reply = await server.send(line, headers);
    t.equal(reply.status, 401, line);
    t.same(Object.keys(reply.json), keys);
    if (headers.length === 0)
      t.match(reply.json, {
        type: 'https://astra.netapp.io/problems/3',
        title: 'Missing bearer token',
        detail: 'The request is missing the required bearer token.',
        status: '401',
        correlationID: 'request-1',
      });
    t.match(reply.header('content-type'), /^application\/problem\+json/);
    t.match(reply.header('www-authenticate'), /^Bearer /);
  }
});

t.test(
  'a bearer that is no good is 401, whichever way: unknown, malformed, expired, revoked, two',
  async (t) => {
    const server = await startAstra(t);
    const { secret, record } = await server.token();
    await server.apiTokens.revokeApiToken(record.id);
    const ended = await server.signIn();
    for (const headers of [
      ['Authorization: Bearer x'],
      ['Authorization: bearer a.b.c'],
      [`Authorization: Bearer ${secret}`],
      [server.session, `csp-auth-token: ${ended}`],
    ])
      t.match(await server.send(`GET ${ofAnn}`, headers), {
        status: 401,
        json: { type: 'about:blank', title: 'Unauthorized', status: '401' },
      });
    server.clock.nowMs += 31 * 60_000;
    t.match(await server.list(''), { status: 401, json: { status: '401' } });
    t.match(server.outcomes.at(-1), { reason: 'token_expired' });
  },
);

t.test('without the right to one’s own tokens it is 403', async (t) => {
  const server = await startAstra(t, {}, ['reader']);
  for (const reply of [await server.make('ci'), await server.list('')])
    t.match(reply, { status: 403, json: { type: 'about:blank', title: 'Forbidden', status: '403' } });
  t.match(server.outcomes.at(-1), { reason: 'scope_missing', evidence: 'tollgate:tokens:own' });
});

t.test('a disabled user is 401; too many tokens 409', async (t) => {
  const server = await startAstra(t, {
    tokens: {
      algorithm: 'ES256',
      accessTokenLifetimeMs: 1_800_000,
      apiTokenLifetimeMs: undefined,
      perUserMax: 1,
      clockLeewayMs: 60_000,
    },
  });
  t.equal((await server.make('one')).status, 201);
  t.match(await server.make('two'), { status: 409, json: { title: 'Conflict', status: '409' } });
  await server.accounts.setUserState('acme', 'ann', 'disabled');
  let reply = await server.list('');
  // The change feed takes a moment.
  while (reply.status !== 401) reply = await server.list('');
  t.match(reply, { json: { status: '401' } });
});

t.test('another method is 405, an oversized body 413, in the same shape', async (t) => {
  const server = await startAstra(t);
  const put = await server.send(`PUT ${ofAnn}`, [server.session]);
  t.match(put, { status: 405, json: { status: '405' } });
  t.equal(put.header('allow'), 'GET, HEAD, POST');
  t.match(await server.send(`PATCH ${ofAnn}/x`, [server.session]), { status: 405, json: { status: '405' } });
  const large = JSON.stringify({ ...order, name: 'x'.repeat(70_000) });
  t.match(await server.send(`POST ${ofAnn}`, [server.session], large), {
    status: 413,
    json: { status: '413' },
  });
});

t.test('an outage is 503 with Retry-After', async (t) => {
  const server = await startAstra(t);
  await server.store.close();
  for (const reply of [
    await server.make('ci'),
    await server.list(''),
    await server.send(`DELETE ${ofAnn}/00000000-0000-4000-8000-000000000000`, [server.session]),
  ]) {
    t.match(reply, { status: 503, json: { title: 'Service Unavailable', status: '503' } });
    t.ok(reply.header('retry-after'));
  }
});

t.test('a flood of unknown tokens is 429 with Retry-After', async (t) => {
  const server = await startAstra(t, { limits: { unknownTokensPerMinute: 5 } as never });
  let reply = await server.list('');
  for (let index = 0; index < 10; index++)
    reply = await server.send(`GET ${ofAnn}`, [`Authorization: Bearer garbage-${index}-garbage-garbage`]);
  t.match(reply, { status: 429, json: { title: 'Too Many Requests', status: '429' } });
  t.ok(Number(reply.header('retry-after')) > 0);
});

t.test('a surface that is shutting down answers 503 in the same shape', async (t) => {
  const server = await startAstra(t);
  server.surfaces.close();
  const reply = await server.list('');
  t.match(reply, { status: 503, json: { status: '503' } });
  t.ok(reply.header('retry-after'));
});
