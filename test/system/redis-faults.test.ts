// A gate whose Redis is down, killed, frozen or emptied: real processes on both sides. An outage is a 503, never a 401
// and never a permit, and it ends by itself.

import { mkdtempSync, rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import {
  type Answer,
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  revoke,
  startGate,
  until,
} from '../support/gate-process.ts';
import { done, openOperator, type Operator } from '../support/operator.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

let redis: RedisServer;
let api: EchoApi;
let operator: Operator;
let [a, b] = [] as unknown as [GateProcess, GateProcess];

const stalenessMs = 2_000;
const identityTtlMs = 1_000;
const settings = () => ({
  upstream: api.url,
  store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '1s' },
  keys: { encryptionKey },
  routes: [
    { name: 'public', path: '/public', public: true },
    { name: 'write', path: '/write', scopes: ['things:write'] },
    { name: 'things', path: '/*', scopes: ['things:read'] },
  ],
  cache: { identityTtl: `${identityTtlMs}ms` },
  feed: { maxStaleness: `${stalenessMs}ms` },
  log: { access: 'all' },
});

const isRefusedAsOutage = (t: Test, answer: Answer, message: string): void => {
  t.equal(answer.status, 503, message);
  t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/, 'and says when to come back');
  t.notOk(answer.headers.get('www-authenticate'), 'and nothing against the credential');
};

/** A look-up the gate has not cached: a new token's first request. */
const freshToken = async (): Promise<string> => (await operator.token()).secret;

t.before(async () => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
  t.teardown(() => redis.close());
  api = await startEchoApi(t);
  const start = (name: string): Promise<GateProcess> =>
    startGate(t, { directory, name, settings: settings() });
  [a, b] = await Promise.all([start('a'), start('b')]);
  operator = await openOperator(t, a.settingsFile);
  await operator.furnish();
  await Promise.all([a.whenReady(), b.whenReady(), operator.whenStoreAnswers()]);
});

t.test('Redis down at boot: alive, not ready and says why, 503 at once, and ready by itself', async (t) => {
  const token = await freshToken();
  await redis.kill();
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const gate = await startGate(t, { directory, settings: settings() });
  t.equal((await fetch(`${gate.opsUrl}/livez`)).status, 200);
  const readiness = await gate.readiness();
  t.match(readiness, { status: 503, ready: false });
  t.match(readiness.reasons.join('\n'), /has not answered a look-up.*start Redis, or check host and port/);
  t.match(readiness.reasons.join('\n'), /signing keys/);
  for (const path of ['/things', '/write'])
    isRefusedAsOutage(t, await call(gate, path, token), 'an unchecked token is neither good nor bad');
  t.equal((await call(gate, '/things')).status, 401, 'no credential is no credential');
  t.equal((await call(gate, '/public')).status, 200, 'what is public needs no store');
  t.equal(api.received.at(-1)?.url, '/public');
  const revocation = await revoke(gate, token);
  t.equal(revocation.status, 503, 'a revocation that cannot be kept is not "done"');
  t.equal((await gate.metric('tollgate_ready')) + (await gate.metric('tollgate_feed_connected')), 0);

  await redis.restart();
  await gate.whenReady();
  t.equal((await call(gate, '/things', token)).status, 200, 'nobody had to do anything');
  t.match(await gate.logged(({ msg }) => msg === 'ready'), { level: 'info' });
  await Promise.all([a.whenReady(), b.whenReady(), operator.whenStoreAnswers()]);
});

t.test('killed under load: who is known is served, up to the bound; then 503, never 401', async (t) => {
  const token = await freshToken();
  const unknown = await freshToken();
  t.equal((await call(a, '/things', token)).status, 200);
  const seen: { readonly status: number; readonly atMs: number }[] = [];
  const load = { isOver: false };
  const caller = async (): Promise<void> => {
    while (!load.isOver) {
      const { status } = await call(a, '/things', token);
      seen.push({ status, atMs: performance.now() });
    }
  };
  const callers = Array.from({ length: 4 }, caller);
  await until(() => seen.length > 20);
  await a.whenReady();
  await redis.kill();
  const killedAtMs = performance.now();
  isRefusedAsOutage(t, await call(a, '/things', unknown), 'whom it does not know it cannot check');
  // On a busy machine the bound may already be past, or have been past for a moment before; nothing else may have flipped it.
  t.strictSame(
    (await a.readiness()).reasons.filter(
      (reason) =>
        !/silent for longer than feed.maxStaleness|no look-up since the change feed was lost/.test(reason),
    ),
    [],
    'readiness does not flip on what the cache rides out',
  );
  await until(() => seen.at(-1)?.status === 503);
  load.isOver = true;
  await Promise.all(callers);
  t.strictSame(new Set(seen.map(({ status }) => status)), new Set([200, 503]));
  const servedMs =
    Math.max(...seen.filter(({ status }) => status === 200).map(({ atMs }) => atMs)) - killedAtMs;
  t.ok(servedMs > identityTtlMs / 2, `the cache rode it out for ${Math.round(servedMs)} ms`);
  t.ok(servedMs < 3 * (identityTtlMs + stalenessMs), 'and no longer than its bound');
  const readiness = await a.readiness();
  t.match(readiness.reasons.join('\n'), /silent for longer than feed.maxStaleness/);
  t.equal((await fetch(`${a.opsUrl}/livez`)).status, 200);

  await redis.restart();
  await until(async () => (await call(a, '/things', token)).status === 200);
  await until(async () => (await call(a, '/things', unknown)).status === 200);
  await Promise.all([a.whenReady(), b.whenReady(), operator.whenStoreAnswers()]);
  t.equal(await a.metric('tollgate_process_faults_total'), 0, 'no bug was met');
});

t.test('frozen: every answer comes in bounded time, and after the bound it is 503', async (t) => {
  const token = await freshToken();
  const unknowns = await Promise.all(Array.from({ length: 10 }, freshToken));
  t.equal((await call(a, '/things', token)).status, 200);
  redis.freeze();
  t.teardown(() => redis.thaw());
  t.equal((await call(a, '/things', token)).status, 200, 'who is known is served');
  const answers = await Promise.all(unknowns.map((unknown) => call(a, '/things', unknown)));
  t.strictSame(
    [...new Set(answers.map(({ status }) => status))],
    [503],
    'the others get an answer all the same',
  );
  await until(async () => (await call(a, '/things', token)).status !== 200);
  isRefusedAsOutage(t, await call(a, '/things', token), 'past the bound nobody is let through unchecked');
  const revocation = await revoke(a, unknowns[0] ?? '');
  t.equal(revocation.status, 503);
  redis.thaw();
  await until(async () => (await call(a, '/things', token)).status === 200);
  for (const unknown of unknowns) await until(async () => (await call(a, '/things', unknown)).status === 200);
  await Promise.all([a.whenReady(), b.whenReady(), operator.whenStoreAnswers()]);
});

t.test('FLUSHALL: what a replica saw revoked stays revoked, and the loss is counted', async (t) => {
  for (const roles of [['reader'], ['reader', 'writer']])
    done(await operator.accounts.setRoles('acme', 'ada', roles));
  const [live, revoked, session] = [await freshToken(), await freshToken(), await freshToken()];
  const accessToken = await exchange(a, session);
  for (const gate of [a, b])
    for (const credential of [live, revoked, accessToken])
      t.equal((await call(gate, '/things', credential)).status, 200);
  t.equal((await revoke(a, revoked)).status, 200);
  t.equal((await revoke(a, accessToken)).status, 200);
  for (const credential of [revoked, accessToken])
    await until(async () => (await call(b, '/things', credential)).status === 401);

  const resets = await Promise.all([a, b].map((gate) => gate.metric('tollgate_feed_resets_total')));
  await operator.store.close();
  const { Redis } = await import('ioredis');
  const client = new Redis({ path: redis.socketPath });
  await client.flushall();
  for (const [index, gate] of [a, b].entries()) {
    t.equal((await call(gate, '/things', revoked)).status, 401, 'revoked before, revoked after');
    await until(async () => (await gate.metric('tollgate_feed_resets_total')) > (resets[index] ?? 0));
    await gate.whenReady();
    t.equal((await call(gate, '/things', revoked)).status, 401);
    t.equal((await call(gate, '/things', accessToken)).status, 401, 'the ended session, too');
    t.equal((await call(gate, '/things', live)).status, 401, 'whoever was lost is unknown now');
    t.match(
      await gate.logged(({ msg }) => msg === 'what this replica knew was written back to the store'),
      { level: 'warn', result: 'done' },
      'and what it knew was written back',
    );
  }
  await until(async () => (await client.keys('tollgate:*:changes')).length > 0);
  await client.quit();

  const again = await openOperator(t, a.settingsFile);
  await again.furnish();
  const { secret } = await again.token();
  for (const gate of [a, b])
    t.equal(
      (await call(gate, '/things', secret)).status,
      200,
      'and life goes on: accounts of the same names count on',
    );
  await until(async () => (await call(a, '/things', await exchange(a, secret))).status === 200);
});
