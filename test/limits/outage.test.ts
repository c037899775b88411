// 15: while the store is out, limits are neither open nor shut: each replica lets its own share through, and says afterwards what
// passed.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import type { Outage } from '../../src/decision/outcome.ts';
import { Limiter } from '../../src/limits/limiter.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { until } from '../support/gate-process.ts';
import { anIdentity } from '../support/identity.ts';
import {
  judged,
  limiterSettings,
  passedOf,
  passedUntil,
  startLimiters,
  theOnly,
} from '../support/limiters.ts';

const hourly = {
  name: 'all',
  per: 'token',
  routes: undefined,
  requests: 90,
  windowMs: 3_600_000,
  burst: 90,
} as const;
const daily = { name: 'daily', per: 'token', routes: undefined, requests: 90, period: 'day' } as const;

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);

for (const [kind, settings] of Object.entries({
  rate: limiterSettings({ rateLimits: [hourly] }),
  quota: limiterSettings({ quotas: [daily] }),
}))
  t.test(`a ${kind} goes on by shares while Redis is down, and what passed counts afterwards`, async (t) => {
    const { server, limiters, outages } = await startLimiters(t, settings);
    // So each of the three has heard of what is left.
    t.same(await Promise.all(limiters.map((limiter) => passedOf(limiter, 10))), [10, 10, 10]);
    await server.kill();
    const passed = await Promise.all(limiters.map((limiter) => passedOf(limiter, 100)));
    // 60 are left; each has a third of what it last knew to be left, and the few in its hand.
    t.ok(
      passed.every((each) => each >= 15),
      `not shut: ${passed.join(', ')}`,
    );
    t.ok(sumOf(passed) <= 90, `not open: ${passed.join(', ')}`);
    t.ok(limiters.every((limiter) => limiter.reading().isAlone));
    t.equal(outages.filter((outage) => outage !== undefined).length, 3, 'each said so once');
    const alone = limiters.map((limiter) => theOnly(limiter.reading().limits).alone);
    t.ok(
      alone.every((each) => each > 0),
      'the metric counts what was decided alone',
    );
    // Nothing of it is saved: the server comes back empty.
    await server.restart();
    await until(async () => {
      await Promise.all(
        limiters.map((limiter) => passedOf(limiter, 1, { identity: anIdentity({ tokenId: 'x' }) })),
      );
      return limiters.every((limiter) => !limiter.reading().isAlone);
    });
    t.equal(outages.filter((outage) => outage === undefined).length, 3, 'and when it was over');
    await until(async () => (await passedOf(theOnly(limiters), 1)) === 0 || sumOf(passed) < 90);
    const after = sumOf(await Promise.all(limiters.map((limiter) => passedOf(limiter, 100))));
    t.ok(after <= 95 - sumOf(passed), `${sumOf(passed)} passed meanwhile, and ${after} of 90 afterwards`);
  });

t.test('requests do not wait for a Redis that hangs, but for a moment once', async (t) => {
  const { server, limiters } = await startLimiters(t, limiterSettings({ rateLimits: [hourly] }), 1);
  const limiter = theOnly(limiters);
  server.freeze();
  t.teardown(() => server.thaw());
  t.equal((await judged(limiter)).refusal, undefined);
  t.ok(limiter.reading().isAlone);
  for (let at = 0; at < 100; at++)
    await judged(limiter, { identity: anIdentity({ tokenId: `token ${at}` }) });
  t.pass('a hundred others, none of whom waited for a time-out');
  server.thaw();
  await until(async () => {
    await judged(limiter);
    return !limiter.reading().isAlone;
  });
});

t.test('a share alone fills again as time passes', async (t) => {
  const quick = { ...hourly, requests: 100, windowMs: 1_000, burst: 50 };
  const { server, limiters } = await startLimiters(t, limiterSettings({ rateLimits: [quick] }), 2);
  await server.kill();
  const startMs = performance.now();
  let isOver = false;
  const passing = limiters.map((limiter) => passedUntil(limiter, () => isOver));
  await until(() => performance.now() > startMs + 2_000);
  isOver = true;
  const passed = await Promise.all(passing);
  const seconds = (performance.now() - startMs) / 1_000;
  t.ok(sumOf(passed) <= 50 + 100 * seconds + 4, `${passed.join(' + ')} in ${seconds} s`);
  t.ok(
    passed.every((each) => each >= 50),
    'neither is shut',
  );
});

t.test('a locked SQLite file keeps nobody waiting, and is told of what passed', async (t) => {
  const file = join(t.testdir(), 'tollgate.db');
  const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
  await store.open();
  t.teardown(() => store.close());
  const outages: (Outage | undefined)[] = [];
  const limiter = new Limiter(limiterSettings({ quotas: [daily] }), {
    store,
    now: Date.now,
    onOutage: (outage) => void outages.push(outage),
  });
  t.teardown(() => limiter.close());
  limiter.begin();
  t.equal(await passedOf(limiter, 10), 10);
  const other = new DatabaseSync(file);
  other.exec('BEGIN EXCLUSIVE');
  const passed = await passedOf(limiter, 200);
  t.ok(passed > 0 && passed <= 80, `${passed} of the 80 that are left`);
  t.match(outages, [{ kind: 'outage', reason: 'store_unavailable' }]);
  other.exec('COMMIT');
  other.close();
  await until(async () => {
    await judged(limiter, { identity: anIdentity({ tokenId: 'x' }) });
    return !limiter.reading().isAlone;
  });
  const after = await passedOf(limiter, 200);
  t.equal(10 + passed + after, 90, `${passed} while it was locked, and ${after} afterwards`);
});
