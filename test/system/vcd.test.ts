// The ready settings of Cloud Director on real processes: the whole of a client's day, on SQLite and on two replicas that
// share a Redis.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { createPasswords } from '../../src/lifecycle/passwords.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { encryptionKey, type GateProcess, startGate, until } from '../support/gate-process.ts';
import { done, openOperator } from '../support/operator.ts';
import { root } from '../support/process.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(120_000);

const password = 'correct horse battery staple';
const form = 'Content-Type: application/x-www-form-urlencoded';
const sessions = '/cloudapi/1.0.0/sessions';
const unlimited = createSignInLimit({ signInFailuresPerAccount: 0, signInFailuresPerAddress: 0 });

const send = (gate: GateProcess, line: string, headers: readonly string[] = [], body = '') => {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return exchangeRaw(
    gate.port,
    [`${line} HTTP/1.1`, 'Host: vcd', ...headers, ...length, '', body].join('\r\n'),
  );
};

const bearer = (token: string): string => `Authorization: Bearer ${token}`;

const json = ({ body }: { readonly body: string }): Record<string, unknown> =>
  JSON.parse(body) as Record<string, unknown>;

/** Two gates with the vendor's settings on one store: `acme` with ann, who may make API tokens, and another org. */
const startReplicas = async (t: Test, store: Record<string, unknown>) => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const api = await startEchoApi(t);
  const text = readFileSync(join(root, 'config/vendors/vcd.yaml'), 'utf8');
  const { listen: _listen, store: _store, ...ready } = parse(text) as Record<string, unknown>;
  const settings = { ...ready, ...store, upstream: api.url };
  const start = (name: string): Promise<GateProcess> => startGate(t, { directory, name, settings });
  const [a, b] = await Promise.all([start('a'), start('b')]);
  const operator = await openOperator(t, a.settingsFile);
  const { accounts } = operator;
  // As strong as any the product makes: what signs in below is checked in earnest.
  const passwords = createPasswords({
    store: operator.store,
    passwords: createPasswordHashes(),
    limit: unlimited,
    now: Date.now,
  });
  const roles = { author: ['tollgate:tokens:own'] };
  for (const [id, user] of [
    ['acme', 'ann'],
    ['umbrella', 'eve'],
  ] as const) {
    done(await accounts.createOrg({ id, name: id, roles, tokenLifetimeMsMax: undefined }));
    done(await accounts.createUser({ orgId: id, id: user, name: undefined, roles: ['author'] }));
    done(await passwords.setPassword(id, user, password));
  }
  await Promise.all([a.whenReady(), b.whenReady()]);
  return { api, a, b };
};

const signIn = (gate: GateProcess, user: string, text = password) =>
  send(gate, `POST ${sessions}`, [
    `Authorization: Basic ${Buffer.from(`${user}:${text}`).toString('base64')}`,
  ]);

type Replicas = Awaited<ReturnType<typeof startReplicas>>;

const day = async (t: Test, { api, a, b }: Replicas): Promise<void> => {
  const begun = await signIn(a, 'ann@acme');
  t.equal(begun.status, 200);
  const session = begun.header('x-vmware-vcloud-access-token') ?? '';
  t.equal((await signIn(b, 'ann@acme', 'wrong')).status, 401);

  const registered = await send(
    a,
    'POST /oauth/tenant/acme/register',
    [bearer(session), 'Content-Type: application/json', 'Accept: application/json;version='],
    '{"client_name":"ci"}',
  );
  t.equal(registered.status, 201);
  const clientId = String(json(registered)['client_id']);
  const urn = `urn:vcloud:token:${clientId}`;
  const grant = `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&client_id=${clientId}&assertion=${session}`;
  const given = await Promise.all(
    [a, b, a, b].map((gate) => send(gate, 'POST /oauth/tenant/acme/token', [form], grant)),
  );
  t.same(
    given.map(({ status }) => status).toSorted((one, other) => one - other),
    [200, 400, 400, 400],
    'a registered client is given its API token once, on two replicas',
  );
  const winner = given.find(({ status }) => status === 200);
  const secret = String(json(winner ?? { body: '{}' })['refresh_token']);
  t.equal(secret.length, 32);

  const refresh = (gate: GateProcess, path = '/oauth/tenant/acme/token') =>
    send(
      gate,
      `POST ${path}`,
      [form, bearer('stale.stale.stale')],
      `grant_type=refresh_token&refresh_token=${secret}`,
    );
  t.equal((await refresh(b, '/oauth/provider/token')).status, 400, 'clients probe the provider first');
  t.equal((await refresh(b, '/oauth/tenant/umbrella/token')).status, 400);
  const exchanged = await refresh(b);
  t.match(json(exchanged), { token_type: 'Bearer', refresh_token: null });
  t.ok(Number(json(exchanged)['expires_in']) > 3590, 'an hour, as the settings say');
  const made = String(json(exchanged)['access_token']);

  const line = 'GET /api/query?type=vm&&filter=(name==x;status==ON)&page=1';
  const twice = [
    `X-Vmware-Vcloud-Access-Token: ${made}`,
    'X-Vmware-Vcloud-Token-Type: Bearer',
    `Authorization: bearer ${made}`,
  ];
  t.equal((await send(a, line, twice)).status, 200);
  t.equal((await send(a, line, [`x-vcloud-authorization: ${made}`])).status, 200);
  const [seen] = api.received;
  t.match(seen, {
    url: '/api/query?type=vm&&filter=(name==x;status==ON)&page=1',
    headers: { 'x-identity-user': 'ann', 'x-identity-org': 'acme' },
  });
  for (const name of ['authorization', 'x-vmware-vcloud-access-token', 'x-vcloud-authorization'])
    for (const { headers } of api.received) t.equal(headers[name], undefined, `${name} stays here`);

  t.equal((await send(a, `DELETE /cloudapi/1.0.0/tokens/${urn}`, [bearer(made)])).status, 403);
  t.equal(
    (await send(a, `DELETE /cloudapi/1.0.0/tokens/${encodeURIComponent(urn)}`, [bearer(session)])).status,
    204,
  );
  await until(async () => (await send(b, line, [bearer(made)])).status === 401);
  t.equal((await refresh(b)).status, 400);
  t.equal((await send(b, line, [bearer(session)])).status, 200, 'who revoked it is still signed in');
  t.equal((await send(a, 'DELETE /api/session', [bearer(session)])).status, 204);
  await until(async () => (await send(b, line, [bearer(session)])).status === 401);
};

const versions = async (t: Test, { api, a }: Replicas): Promise<void> => {
  const before = api.received.length;
  for (const headers of [[], [bearer('stale.stale.stale')], ['Authorization: Basic YW5uOng=']])
    t.equal((await send(a, 'GET /api/versions', headers)).status, 200);
  const received = api.received.slice(before);
  t.equal(received.length, 3);
  for (const { url, headers } of received) {
    t.equal(url, '/api/versions');
    t.notOk(headers['authorization']?.includes('stale'), 'a bearer that is no good is not passed on');
  }
  t.equal((await send(a, 'GET /api/org')).status, 401);
  t.equal((await send(a, 'POST /api/versions')).status, 401);
};

const restrictions = async (t: Test, { api, a }: Replicas): Promise<void> => {
  const before = api.received.length;
  const session = (await signIn(a, 'eve@umbrella')).header('x-vmware-vcloud-access-token') ?? '';
  const registered = await send(
    a,
    'POST /oauth/tenant/umbrella/register',
    [bearer(session), 'Content-Type: application/json'],
    '{"client_name":"ci"}',
  );
  const given = await send(
    a,
    'POST /oauth/tenant/umbrella/token',
    [form],
    `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&client_id=${String(json(registered)['client_id'])}&assertion=${session}`,
  );
  const made = String(json(given)['access_token']);
  const secret = String(json(given)['refresh_token']);
  const changes = [
    'POST /cloudapi/1.0.0/users',
    'PUT /cloudapi/1.0.0/users/urn:vcloud:user:1',
    'DELETE /cloudapi/2.0.0/users/urn%3Avcloud%3Auser%3A1',
    'POST /cloudapi/1.0.0/users/urn:vcloud:user:1/action/changePassword',
    'POST /cloudapi/1.0.0/roles',
    'PUT /cloudapi/1.0.0/roles/urn:vcloud:role:1/rights',
    'POST /cloudapi/1.0.0/globalRoles',
    'DELETE /cloudapi/1.0.0/globalRoles/1',
    'POST /cloudapi/1.0.0/rightsBundles',
    'PUT /cloudapi/1.0.0/rightsBundles/1/tenants/publish',
    'GET /cloudapi/2.0.0/tokens/1',
    'GET /cloudapi/2.0.0/tokens',
    'POST /api/admin/org/1/users',
    'POST /api/admin/org/1/roles',
    'PUT /api/admin/user/1',
    'POST /api/admin/user/1/action/unlock',
    'DELETE /api/admin/role/1',
  ];
  for (const line of changes)
    for (const token of [made, secret]) t.equal((await send(a, line, [bearer(token)])).status, 403, line);
  t.equal(api.received.length, before);
  for (const line of changes) t.equal((await send(a, line, [bearer(session)])).status, 200, line);
  for (const line of ['GET /cloudapi/1.0.0/users', 'GET /cloudapi/1.0.0/roles/1', 'POST /cloudapi/1.0.0/vms'])
    t.equal((await send(a, line, [bearer(made)])).status, 200, `${line} is open to both`);
};

t.test('two processes on one SQLite file', async (t) => {
  const replicas = await startReplicas(t, {});
  await t.test('a client’s day: sign in, register, exchange, call, revoke, sign out', (t) =>
    day(t, replicas),
  );
  await t.test('GET /api/versions is forwarded without authentication', (t) => versions(t, replicas));
  await t.test(
    'sessions made from an API token cannot touch passwords, users, roles, global roles and rights bundles',
    (t) => restrictions(t, replicas),
  );
});

t.test('a client’s day on two replicas that share a Redis', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const store = { url: `redis+unix:${redis.socketPath}`, readTimeout: '2s' };
  await day(t, await startReplicas(t, { store, keys: { encryptionKey } }));
});
