// A time limit for the store measures the store: a process that was busy or paused for longer finds the reply it was sent,
// and keeps its connections.

import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { serverOptions } from '../../../src/store/redis/connection-options.ts';
import { until } from '../../support/gate-process.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { redisSettings } from '../../support/redis-settings.ts';
import { codeOf, followed, openStore } from './furnish.ts';

/** The default of store.readTimeout. */
const readTimeoutMs = 250;

const blockEventLoop = (durationMs: number): void => {
  const busyUntilMs = performance.now() + durationMs;
  while (performance.now() < busyUntilMs);
};

/** Until a command just given has left this process, at the end of the turn, and before its reply can be read. */
const whenSent = (): Promise<void> => setImmediate();

const connectionsTo = async (t: Test, { socketPath }: RedisServer): Promise<() => Promise<string[]>> => {
  const client = new Redis({ path: socketPath });
  t.teardown(() => client.disconnect());
  await client.ping();
  return async () => {
    const list = String(await client.client('LIST'));
    return [...list.matchAll(/^id=(\d+) .* name=(tollgate-\S+)/gm)]
      .map(([, id, name]) => `${name} ${id}`)
      .sort();
  };
};

for (const busyMs of [400, 3_500])
  t.test(`a look-up whose reply waited ${busyMs} ms for a busy process is answered`, async (t) => {
    const redis = await startRedis();
    t.teardown(() => redis.close());
    const store = await openStore(t, { socketPath: redis.socketPath, readTimeoutMs });
    const told = await followed(t, store);
    await until(async () => (await store.findOrg('acme')) === undefined);
    const connections = await connectionsTo(t, redis);
    const before = await connections();
    t.equal(before.length, 3, 'one each for look-ups, writes and the feed');

    const found = store.findOrg('acme');
    await whenSent();
    blockEventLoop(busyMs);
    t.equal(await found, undefined, 'there is no such org, and that is known');
    // Whoever would drop a connection has had its turn once the feed was heard again.
    const heardBefore = told.heardCount();
    await told.until(() => told.heardCount() > heardBefore + 1);
    t.notOk(told.events.includes('disconnected'), 'the feed never was');
    t.same(await connections(), before, 'no connection was taken for dead');

    redis.freeze();
    t.equal(
      codeOf(await store.findOrg('acme')),
      'TIMEOUT',
      'a server that does not answer still is an outage',
    );
    redis.thaw();
  });

t.test('a frozen server is noticed after about a second, however long a look-up may take', async (t) => {
  const limits = [
    [20, 80],
    [readTimeoutMs, 1_000],
    [600, 1_000],
    [2_000, 3_000],
  ] as const;
  for (const [readTimeoutMs, silenceMs] of limits)
    t.match(serverOptions(redisSettings({ socketPath: '/r.sock', readTimeoutMs }), 'read'), {
      commandTimeout: readTimeoutMs,
      socketTimeout: silenceMs,
    });
});
