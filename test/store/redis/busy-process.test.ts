// A time limit for the store measures the store: a process that was busy for longer finds the reply it was sent.

import t from 'tap';
import { openStore } from '../../../src/store/open-store.ts';
import { until } from '../../support/gate-process.ts';
import { startRedis } from '../../support/redis.ts';
import { redisSettings } from '../../support/redis-settings.ts';

const limitMs = 500;

t.test('a look-up answered while this process was busy is no time-out', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const settings = redisSettings({ socketPath: redis.socketPath, readTimeoutMs: limitMs });
  const store = await openStore(settings, { retentionMs: 3_600_000 });
  t.teardown(() => store.close());
  await until(async () => (await store.findOrg('acme')) === undefined);

  const found = store.findOrg('acme');
  // Until the command has left, and before its reply can be read.
  for (let count = 0; count < 20; count += 1) await Promise.resolve();
  const busyUntilMs = performance.now() + 2 * limitMs;
  while (performance.now() < busyUntilMs);
  t.equal(await found, undefined, 'there is no such org, and that is known');

  redis.freeze();
  t.match(await store.findOrg('acme'), { kind: 'outage' }, 'a server that does not answer still is one');
  redis.thaw();
});
