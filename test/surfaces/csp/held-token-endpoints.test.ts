// POST /auth/introspect, POST /auth/revoke and POST /auth/logout.

import t from 'tap';
import { minuteMs } from '../../lifecycle/world.ts';
import { basicLine, csp, jsonType, startVendors, type VendorServer } from '../vendor-server.ts';

const introspect = `${csp}/auth/introspect`;
const revoke = `${csp}/auth/revoke`;
const logout = `${csp}/auth/logout`;
const reports = basicLine('reports', 's3cret');

const exchange = async (server: VendorServer, secret: string): Promise<string> => {
  const { json } = await server.postForm(`${csp}/auth/api-tokens/authorize`, `api_token=${secret}`);
  return String(json['access_token']);
};

/** Waits until the change feed has ended a credential. */
const untilDead = async (server: VendorServer, form: 'opaque' | 'jwt', value: string) => {
  while (!('reason' in (await server.identifier.identify({ form, value }, server.now()))))
    await new Promise((resolve) => setImmediate(resolve));
};

t.test('introspect tells of a refresh token with exactly the documented keys', async (t) => {
  const server = await startVendors(t);
  const { secret, record } = await server.token();
  for (const client of [reports, basicLine('any-app', '')]) {
    const reply = await server.postForm(introspect, `token=${secret}`, [client]);
    t.equal(reply.status, 200);
    t.same(Object.keys(reply.json), ['active', 'exp', 'iat', 'orgId', 'sub', 'token_type']);
    t.match(reply.json, {
      active: true,
      exp: Math.floor((record.expiresAtMs ?? 0) / 1000),
      iat: Math.floor(record.createdAtMs / 1000),
      orgId: /^[0-9a-f-]{36}$/,
      sub: /^corp\.example:[0-9a-f-]{36}$/,
      token_type: 'refresh_token',
    });
  }
});

t.test('introspect: what is no good, and any access token, is inactive', async (t) => {
  const server = await startVendors(t);
  const good = await server.token();
  const access = await exchange(server, good.secret);
  const expired = await server.token('all', minuteMs);
  const revoked = await server.token();
  await server.apiTokens.revokeApiToken(revoked.record.id);
  server.clock.nowMs += minuteMs;
  for (const token of ['unknown', expired.secret, revoked.secret, access, 'two words'])
    t.match(await server.postForm(introspect, `token=${encodeURIComponent(token)}`, [reports]), {
      status: 200,
      body: '{"active":false}',
    });
  await server.accounts.setOrgState('acme', 'disabled');
  t.match(await server.postForm(introspect, `token=${good.secret}`, [reports]), { body: '{"active":false}' });
});

t.test(
  'introspect and revoke ask for a client: 401 without, 400 without a token, 503 in an outage',
  async (t) => {
    const server = await startVendors(t);
    const { secret } = await server.token();
    for (const path of [introspect, revoke]) {
      t.match(await server.postForm(path, `token=${secret}`), { status: 401, json: { statusCode: 401 } });
      t.match(await server.postForm(path, `token=${secret}`, [basicLine('reports', 'x')]), { status: 401 });
      t.match(await server.postForm(path, '', [reports]), { status: 400, json: { statusCode: 400 } });
    }
    t.match(await server.postForm(`${csp}/auth/api-tokens/authorize`, `api_token=${secret}`), {
      status: 200,
    });
    await server.store.close();
    for (const path of [introspect, revoke]) {
      const reply = await server.postForm(path, `token=${secret}`, [reports]);
      t.match(reply, { status: 503, json: { statusCode: 503 } });
      t.ok(reply.header('retry-after'));
    }
  },
);

t.test('revoke ends an API token and its sessions: 200, empty', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  const access = await exchange(server, secret);
  const form = `token=${secret}&token_type_hint=refresh_token`;
  const reply = await server.postForm(revoke, form, [reports]);
  t.match(reply, { status: 200, body: '' });
  await untilDead(server, 'opaque', secret);
  await untilDead(server, 'jwt', access);
  t.match(await server.postForm(revoke, form, [reports]), { status: 200, body: '' }, 'again: the same');
  t.match(await server.postForm(revoke, 'token=unknown', [reports]), { status: 200, body: '' });
});

t.test('logout ends the session and not the API token', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  const table: [string, (access: string) => readonly string[], (access: string) => string][] = [
    ['csp-auth-token', (access) => [jsonType, `csp-auth-token: ${access}`], () => ''],
    ['bearer', (access) => [`Authorization: Bearer ${access}`], () => ''],
    ['idToken in JSON', () => [jsonType], (access) => JSON.stringify({ idToken: access })],
    ['{ idToken=X }', () => [jsonType], (access) => `{ idToken=${access} }`],
    [
      'the API token as csp-auth-token, the access token as idToken',
      () => [jsonType, `csp-auth-token: ${secret}`],
      (access) => `{ idToken=${access} }`,
    ],
  ];
  for (const [what, headers, body] of table) {
    const access = await exchange(server, secret);
    const reply = await server.send(`POST ${logout}`, headers(access), body(access));
    t.equal(reply.status, 200, what);
    await untilDead(server, 'jwt', access);
  }
  t.ok(await exchange(server, secret), 'the API token lives on');
  t.equal((await server.send(`POST ${logout}`, ['csp-auth-token: a.b.c'])).status, 200, 'over already');
  t.match(await server.send(`POST ${logout}`), { status: 400, json: { statusCode: 400 } });
});
