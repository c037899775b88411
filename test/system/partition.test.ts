// Invariant 4, the hard half: a replica that is cut off from Redis, and does not know it, serves a revoked token no
// longer than the stale bound. The cut is a real one: a relay that stops passing bytes and keeps its connections.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import { call, encryptionKey, type GateProcess, revoke, startGate, until } from '../support/gate-process.ts';
import { openOperator, type Operator } from '../support/operator.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type Relay, startRelay } from './history/relay.ts';

t.setTimeout(180_000);

const maxStalenessMs = 2_000;

let redis: RedisServer;
let relay: Relay;
let operator: Operator;
let [whole, cutOff, trusting] = [] as unknown as [GateProcess, GateProcess, GateProcess];

t.before(async () => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  redis = await startRedis();
  t.teardown(() => redis.close());
  relay = await startRelay(t, join(directory, 'relay.sock'), redis.socketPath);
  const api = await startEchoApi(t);
  const start = (name: string, socketPath: string, whenStale = 'refuse'): Promise<GateProcess> =>
    startGate(t, {
      directory,
      name,
      settings: {
        upstream: api.url,
        store: { url: `redis+unix:${socketPath}`, readTimeout: '1s' },
        keys: { encryptionKey },
        routes: [{ name: 'things', path: '/*', scopes: ['things:read'] }],
        feed: { maxStaleness: `${maxStalenessMs}ms`, whenStale },
      },
    });
  [whole, cutOff, trusting] = await Promise.all([
    start('whole', redis.socketPath),
    start('cut-off', relay.path),
    start('trusting', relay.path, 'serve'),
  ]);
  operator = await openOperator(t, whole.settingsFile);
  await operator.furnish();
  await Promise.all([whole, cutOff, trusting].map((gate) => gate.whenReady()));
});

const statusOn = async (gate: GateProcess, token: string): Promise<number> =>
  (await call(gate, '/things', token)).status;

t.test(
  'cut off, a replica serves a revoked token no longer than the bound, and refuses it for good once mended',
  async (t) => {
    const [doomed, live] = [await operator.token(), await operator.token()];
    for (const gate of [whole, cutOff, trusting])
      for (const { secret } of [doomed, live]) t.equal(await statusOn(gate, secret), 200);
    relay.part();
    const cutAtMs = performance.now();
    t.equal((await revoke(whole, doomed.secret)).status, 200);
    t.equal(await statusOn(whole, doomed.secret), 401);

    let lastServedMs = 0;
    await until(async () => {
      const status = await statusOn(cutOff, doomed.secret);
      if (status === 200) lastServedMs = performance.now() - cutAtMs;
      else if (status !== 503) t.fail(`${status}: it cannot know`);
      return status === 503;
    });
    t.comment(`served for ${Math.round(lastServedMs)} ms of at most ${maxStalenessMs}`);
    // The last sign of life may have come just before the cut; what is on its way to an answer may take a little more.
    t.ok(lastServedMs < maxStalenessMs + 1_000, `${Math.round(lastServedMs)} ms`);
    t.equal(await statusOn(cutOff, live.secret), 503, 'it cannot tell the good from the bad');
    t.match((await cutOff.readiness()).reasons.join('\n'), 'feed.maxStaleness');
    t.equal(await cutOff.metric('tollgate_feed_connected'), 0);
    t.equal(await statusOn(trusting, live.secret), 200, 'whenStale: serve goes on with what it knows');
    t.ok((await trusting.readiness()).ready);

    relay.mend();
    for (const gate of [cutOff, trusting]) {
      await until(async () => (await statusOn(gate, doomed.secret)) === 401);
      await until(async () => (await statusOn(gate, live.secret)) === 200);
      await gate.whenReady();
      t.equal(await statusOn(gate, doomed.secret), 401);
    }
  },
);
