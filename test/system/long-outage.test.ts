// Redis is gone for longer than feed.maxStaleness: every replica that refuses when stale is not ready, all at the same time;
// one with `feed.whenStale: serve` goes on with what it has cached, until that is too old.

import t from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import { call, encryptionKey, type GateProcess, startGate, until } from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

t.setTimeout(120_000);

const maxStalenessMs = 1_500;
const identityTtlMs = 3_000;

t.test('Redis gone for long: all replicas not ready; `whenStale: serve` ends with its cache', async (t) => {
  const directory = makeDirectory(t);
  const redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  const start = (name: string, whenStale: 'refuse' | 'serve'): Promise<GateProcess> =>
    startGate(t, {
      directory,
      name,
      settings: {
        upstream: api.url,
        store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '1s' },
        keys: { encryptionKey },
        cache: { identityTtl: `${identityTtlMs}ms` },
        feed: { maxStaleness: `${maxStalenessMs}ms`, whenStale },
        routes: [
          { name: 'public', path: '/public', public: true },
          { name: 'things', path: '/*', scopes: ['things:read'] },
        ],
      },
    });
  const [a, b, serving] = await Promise.all([
    start('a', 'refuse'),
    start('b', 'refuse'),
    start('serving', 'serve'),
  ]);
  const gates = [a, b, serving];
  const operator = await openOperator(t, a.settingsFile);
  await operator.furnish();
  const [known, unknown] = [await operator.token(), await operator.token()];
  await Promise.all(gates.map((gate) => gate.whenReady()));
  const statusOn = async (gate: GateProcess, { secret } = known): Promise<number> =>
    (await call(gate, '/things', secret)).status;
  for (const gate of gates) t.equal(await statusOn(gate), 200);

  await redis.kill();
  const killedAtMs = performance.now();
  let lastServedMs = 0;
  await until(async () => {
    const status = await statusOn(serving);
    if (status === 200) lastServedMs = performance.now() - killedAtMs;
    else if (status !== 503) t.fail(`${status}: an outage is 503`);
    return status === 503;
  }, 60_000);
  t.comment(`served for ${Math.round(lastServedMs)} ms without Redis`);
  t.ok(lastServedMs > maxStalenessMs, 'for longer than the feed may be silent');
  t.ok(lastServedMs < 3 * (identityTtlMs + maxStalenessMs), 'but not for ever');
  t.equal(await statusOn(serving, unknown), 503, 'who is not cached cannot be checked');
  t.ok((await serving.readiness()).ready, 'it stays ready');

  for (const gate of [a, b]) {
    await until(async () => !(await gate.readiness()).ready);
    t.match((await gate.readiness()).reasons, [
      /feed\.maxStaleness: connect E\w+.*start Redis|no such socket/i,
    ]);
    t.equal(await statusOn(gate), 503);
  }
  for (const gate of gates) {
    t.equal((await fetch(`${gate.opsUrl}/livez`)).status, 200, 'alive: nobody restarts it');
    t.equal((await call(gate, '/public')).status, 200, 'what is public is served to who still comes');
  }

  await redis.restart();
  for (const gate of gates) {
    await gate.whenReady();
    for (const token of [known, unknown]) await until(async () => (await statusOn(gate, token)) === 200);
  }
});
