// How the server is reached and what it is like: passwords, databases, TLS, memory, damaged records (hardening.md, C).

import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { exampleToken } from '../../contract/examples.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { tokensOfUser } from '../../support/tokens-of-user.ts';
import { caCertificate, serverCertificate, serverKey } from '../../tokens/tls-certificates.ts';
import { answered, codeOf, eventually, followed, furnish, keptLog, openStore } from './furnish.ts';
import { startWire } from './proxy.ts';

const server = await startRedis(['--user', 'tollgate', 'on', '>s3cr3t-pass', '~tollgate:*', '+@all']);
t.teardown(() => server.close());
const { socketPath } = server;

const clientOf = (t: Test, { socketPath }: RedisServer = server): Redis => {
  const client = new Redis({ path: socketPath });
  t.teardown(() => client.disconnect());
  return client;
};

t.test('a user of the server with rights to our keys alone is enough', async (t) => {
  const store = await openStore(t, { socketPath, username: 'tollgate', password: 's3cr3t-pass' });
  const { made } = await furnish(t, store);
  const told = await followed(t, store);
  t.equal(await store.revokeToken(made.token.id, 1), 'revoked');
  await told.until(() => told.lines.length === 1);
});

t.test('a user who may not ask for the role of the server is served all the same', async (t) => {
  await clientOf(t).acl('SETUSER', 'plain', 'on', '>s3cr3t-pass', '~tollgate:*', '+@all', '-info');
  const store = await openStore(t, { socketPath, username: 'plain', password: 's3cr3t-pass' });
  await furnish(t, store);
});

t.test('a wrong password is an outage that does not tell it', async (t) => {
  const log = keptLog();
  const settings = { socketPath, username: 'tollgate', password: 'wr0ng-pass' };
  const store = await openStore(t, settings, { log });
  const answer = await store.findApiToken('0'.repeat(64));
  t.match(answer, { kind: 'outage' });
  t.match(log.lines, [{ fields: { code: 'WRONGPASS' }, message: 'Redis is unreachable' }]);
  const subscription = store.follow((await import('../../contract/recorded-feed.ts')).recordFeed());
  await eventually(() => log.lines.some(({ message }) => message.includes('change feed')));
  await subscription.close();
  t.notMatch(inspect([answer, log.lines], { depth: 10, showHidden: true }), /wr0ng/);
});

t.test('a database by number is a place of its own', async (t) => {
  const [one, other] = [
    await openStore(t, { socketPath, database: 3 }),
    await openStore(t, { socketPath, database: 4 }),
  ];
  const { org, made } = await furnish(t, one);
  t.equal(await other.findOrg(org.id), undefined);
  const told = await followed(t, other);
  const ours = await followed(t, one);
  await one.revokeToken(made.token.id, 1);
  await ours.until(() => ours.lines.length === 1);
  t.same(told.lines, []);
});

t.test('TLS verifies who answers', async (t) => {
  const wire = await startWire(t, socketPath, { cert: serverCertificate, key: serverKey });
  const nodes = [{ host: '127.0.0.1', port: wire.port }];
  const store = await openStore(t, { nodes, tls: true, ca: caCertificate, readTimeoutMs: 1000 });
  await furnish(t, store);
  await followed(t, store);
  const log = keptLog();
  const stranger = await openStore(t, { nodes, tls: true }, { log });
  t.equal(codeOf(await stranger.findApiToken('0'.repeat(64))), 'NOT_CONNECTED');
  t.match(log.lines[0], { fields: { code: /CERT|SIGNATURE|ISSUER/ } });
});

t.test('a server that may evict keys is complained about, by the name of the setting', async (t) => {
  const evicting = await startRedis(['--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru']);
  t.teardown(() => evicting.close());
  const log = keptLog();
  await openStore(t, { socketPath: evicting.socketPath }, { log });
  await eventually(() => log.lines.length > 0);
  t.match(log.lines, [
    { level: 'error', fields: { policy: 'allkeys-lru' }, message: /maxmemory-policy noeviction/ },
  ]);
  t.equal(log.lines.length, 1);
  const client = clientOf(t, evicting);
  for (const [name, value] of [
    ['maxmemory-policy', 'noeviction'],
    ['maxmemory', '0'],
  ] as const) {
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru', 'maxmemory', '64mb');
    await client.config('SET', name, value);
    const quiet = keptLog();
    const store = await openStore(t, { socketPath: evicting.socketPath }, { log: quiet });
    await furnish(t, store);
    t.same(quiet.lines, []);
  }
});

t.test('a full server still takes revocations; it refuses what makes more, whole', async (t) => {
  const full = await startRedis(['--maxmemory-policy', 'noeviction']);
  t.teardown(() => full.close());
  const store = await openStore(t, { socketPath: full.socketPath });
  const { org, user, made } = await furnish(t, store);
  const other = exampleToken(user, { name: 'other' });
  const told = await followed(t, store);
  const client = clientOf(t, full);
  await client.config('SET', 'maxmemory', '1');
  const refused = await store.createToken(other.token, other.digest);
  t.equal(codeOf(refused), 'OOM');
  t.notMatch(
    inspect(refused, { depth: 5 }).split('\n    at ')[0],
    /user_script|script: /,
    'without our line numbers',
  );
  t.match(await store.findApiToken(made.digest), { token: { state: 'active' } }, 'reading goes on');
  t.equal(await store.revokeToken(made.token.id, 2), 'revoked');
  t.equal(await store.endSession('session', Date.now()), 'ended');
  t.equal(await store.revokeAll(org.id, user.id, 3), 'revoked');
  t.match(await store.changeUser(org.id, user.id, { state: 'disabled' }, 4), { state: 'disabled' });
  t.equal(await store.reapply([{ kind: 'token', tokenId: 'lost', atMs: 5 }]), 'done');
  await client.config('SET', 'maxmemory', '0');
  t.equal(await store.createToken(other.token, other.digest), 'created', 'nothing had been done by half');
  const kinds = ['token', 'session', 'user'];
  await told.until(() => kinds.every((kind) => told.lines.some((line) => line.kind === kind)));
});

t.test('a damaged record is an outage that names it, never a permit and never "unknown"', async (t) => {
  const store = await openStore(t, { socketPath });
  const { org, user, made } = await furnish(t, store);
  const client = clientOf(t);
  const [record] = await client.keys(`tollgate:*:token:${made.token.id}`);
  const whole = (await client.hget(record!, 'doc'))!;
  const damages = [
    '',
    '{',
    '[]',
    'null',
    '{"id":1}',
    whole.replace('"created"', '"stolen"'),
    whole.replace('["things:read"]', '[1]'),
  ];
  for (const damage of damages) {
    await client.hset(record!, 'doc', damage);
    const found = await store.findApiToken(made.digest);
    t.equal(codeOf(found), 'CORRUPT', damage);
    t.equal(codeOf(await store.findToken(made.token.id)), 'CORRUPT', damage);
  }
  t.match(await store.findToken(made.token.id), { cause: { message: new RegExp(made.token.id) } });
  await client.hset(record!, 'doc', whole);
  const [account] = await client.keys(`tollgate:*:user:${org.id}/${user.id}`);
  await client.hdel(account!, 'generation');
  t.equal(codeOf(await store.findApiToken(made.digest)), 'CORRUPT');
  t.equal(codeOf(await store.findUser(org.id, user.id)), 'CORRUPT');
});

t.test('an expired record is kept for a month, then found and listed no more', async (t) => {
  const store = await openStore(t, { socketPath });
  const { org, user } = await furnish(t, store);
  const monthMs = 30 * 24 * 3600 * 1000;
  const nowMs = Date.now();
  const recent = exampleToken(user, { expiresAtMs: nowMs - 1000, name: 'recent' });
  const old = exampleToken(user, { expiresAtMs: nowMs - monthMs - 1000, name: 'old' });
  for (const { token, digest } of [recent, old]) t.equal(await store.createToken(token, digest), 'created');
  t.match(await store.findApiToken(recent.digest), { token: recent.token });
  t.equal(await store.findApiToken(old.digest), undefined);
  const listed = await answered(() => tokensOfUser(store, org.id, user.id, 1));
  t.same(listed.map(({ name }) => name).sort(), ['ci', 'recent']);
  const client = clientOf(t);
  const { made } = await furnish(t, store);
  const [record] = await client.keys(`tollgate:*:token:${made.token.id}`);
  const [pointer] = await client.keys(`tollgate:*:digest:${made.digest}`);
  t.equal(await client.pttl(record!), -1, 'without an expiry it is kept for ever');
  await store.revokeToken(made.token.id, nowMs);
  for (const key of [record!, pointer!]) {
    const leftMs = await client.pttl(key);
    t.ok(leftMs > 0 && leftMs <= monthMs, 'until it is revoked');
  }
});
