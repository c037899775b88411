// A Redis user who has exactly the rights that the product's advice names is enough for the whole life of a token, on one
// server, behind Sentinel and on a Cluster; and a right that is missing is named by /readyz.

import { mkdtempSync, rmSync } from 'node:fs';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { aclCommand } from '../../src/store/redis/acl.ts';
import { run, runJson } from '../cli/run.ts';
import { startEchoApi } from '../support/echo-api.ts';
import {
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  post,
  revoke,
  startGate,
  until,
} from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { allowStoreUser, refusedByAcl, storeUser } from '../support/redis-acl.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { startRedisPair } from '../support/redis-pair.ts';
import { startSentinel } from '../support/redis-sentinel.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(240_000);

const startUserGate = async (t: Test, store: Readonly<Record<string, unknown>>): Promise<GateProcess> => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const api = await startEchoApi(t);
  return startGate(t, {
    directory,
    settings: {
      upstream: api.url,
      store: { readTimeout: '5s', writeTimeout: '10s', ...storeUser, ...store },
      keys: { encryptionKey },
      feed: { maxStaleness: '2s' },
      routes: [{ name: 'things', path: '/*', scopes: ['things:read'] }],
    },
  });
};

const clientOf = (t: Test, to: { readonly path: string } | { readonly port: number }): Redis => {
  const client = new Redis({ ...to, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  t.teardown(() => client.disconnect());
  return client;
};

/** Everything an operator and a caller do, through the command line and the gate. */
const liveALife = async (t: Test, gate: GateProcess): Promise<void> => {
  await gate.whenReady();
  const config = ['--config', gate.settingsFile];
  const command = (...args: readonly string[]): Promise<unknown> => runJson([...args, ...config]);
  const made = async (...args: readonly string[]): Promise<{ id: string; secret: string }> =>
    (await command('token', ...args)) as { id: string; secret: string };

  await command('org', 'create', 'acme', '--role', 'reader=things:read');
  await command('user', 'create', 'acme/ann', '--role', 'reader');
  t.match(await run(['user', 'set-password', 'acme/ann', ...config], { stdin: 'a long pass phrase\n' }), {
    code: 0,
  });
  const first = await made('create', 'acme/ann', '--name', 'first');
  const second = await made('create', 'acme/ann', '--name', 'second');
  t.equal((await call(gate, '/things', first.secret)).status, 200, 'an API token');
  const session = await exchange(gate, first.secret);
  t.equal((await call(gate, '/things', session)).status, 200, 'an access token made from it');
  const introspected = await post(gate, '/oauth2/introspect', { token: session });
  t.not(introspected.status, 503);

  const renewed = await made('regenerate', first.id, '--overlap', '1h');
  t.equal((await call(gate, '/things', renewed.secret)).status, 200, 'its new secret');
  t.equal((await call(gate, '/things', first.secret)).status, 200, 'and the old one, for an hour');
  t.match(await command('token', 'list', 'acme/ann'), { length: 2 });
  t.match(await command('user', 'list', 'acme'), [{ id: 'ann' }]);
  t.equal((await revoke(gate, second.secret)).status, 200, 'revoked by its secret');
  await until(async () => (await call(gate, '/things', second.secret)).status === 401);
  await command('token', 'revoke', first.id);
  for (const credential of [renewed.secret, session])
    await until(async () => (await call(gate, '/things', credential)).status === 401);

  await command('key', 'rotate');
  t.match(await command('key', 'list'), { length: 2 });
  await command('user', 'disable', 'acme/ann');
  await command('user', 'enable', 'acme/ann');
  await until(async () => JSON.stringify(await command('audit', '--org', 'acme')).includes(first.id));
  t.equal(await gate.metric('tollgate_feed_connected'), 1);
};

const passwordOf = (rules: string): string => rules.replace('>PASSWORD', `>${storeUser.password}`);

t.test('the ACL line of the advice is enough for the whole life of a token', async (t) => {
  const [, , name = '', ...rules] = passwordOf(aclCommand).split(' ');
  const redis = await startRedis(['--user', name, ...rules]);
  t.teardown(() => redis.close());
  const gate = await startUserGate(t, { url: `redis+unix:${redis.socketPath}` });
  await liveALife(t, gate);
  t.same(await refusedByAcl(clientOf(t, { path: redis.socketPath })), [], 'nothing was refused');
});

t.test('it is enough behind Sentinel, where writes wait for a replica', async (t) => {
  const { master, replica, operator } = await startRedisPair(t);
  for (const { port } of [master, replica]) await allowStoreUser(clientOf(t, { port }));
  const sentinel = await startSentinel(master);
  t.teardown(() => sentinel.close());
  await sentinel.knowsReplicas(1);
  const url = `redis-sentinel://127.0.0.1:${sentinel.port}/${sentinel.name}`;
  await liveALife(t, await startUserGate(t, { url, replicasMin: 1 }));
  t.same(await refusedByAcl(operator), []);
});

t.test('it is enough on a Cluster', async (t) => {
  const cluster = await startCluster(2);
  t.teardown(() => cluster.close());
  for (const client of cluster.clients) await allowStoreUser(client);
  const url = `redis-cluster://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  await liveALife(t, await startUserGate(t, { url }));
  for (const client of cluster.clients) t.same(await refusedByAcl(client), []);
});

for (const missing of ['info', 'xread', 'evalsha'])
  t.test(`a user who may not ${missing}: /readyz names the command and the ACL line`, async (t) => {
    const redis = await startRedis();
    t.teardown(() => redis.close());
    const server = clientOf(t, { path: redis.socketPath });
    await allowStoreUser(server);
    const gate = await startUserGate(t, { url: `redis+unix:${redis.socketPath}` });
    const operator = await openOperator(t, gate.settingsFile);
    await operator.furnish();
    const { secret } = await operator.token();
    await operator.store.close();
    await gate.whenReady();
    t.equal((await call(gate, '/things', secret)).status, 200);

    await allowStoreUser(server, 'tollgate', `-${missing}`);
    await server.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(async () => !(await gate.readiness()).ready);
    const { status, reasons } = await gate.readiness();
    t.equal(status, 503);
    const [reason] = reasons;
    t.match(reason, new RegExp(`NOPERM.*${missing}.*ACL LOG.*ACL SETUSER tollgate on >PASSWORD`));
    t.notMatch(reasons.join(), storeUser.password);
    t.equal((await call(gate, '/things', secret)).status, 503, 'an outage, never 401');

    await allowStoreUser(server);
    await gate.whenReady();
    t.equal((await call(gate, '/things', secret)).status, 200, 'it needs no restart');
  });
