// 15: guesses, sign-ins and exchanges are counted over all replicas, without a request that waits for the store.

import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createSessionLimit } from '../../src/identity/session-limit.ts';
import { Tallies } from '../../src/identity/shared-window.ts';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import { createUnknownTokenLimit } from '../../src/identity/unknown-token-limit.ts';
import { isOutage } from '../../src/decision/outcome.ts';
import type { CountStore } from '../../src/store/count-store.ts';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import { until } from '../support/gate-process.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { startRedis } from '../support/redis.ts';

/** Two replicas on one Redis, and every batch that they wrote. */
const startTallies = async (t: Test) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const [batches, answered]: [number[], number[]] = [[], []];
  const open = async (): Promise<Tallies> => {
    const store = createRedisStore(
      redisSettings({ socketPath: server.socketPath, readTimeoutMs: 1_000, writeTimeoutMs: 1_000 }),
      { retentionMs: 3_600_000 },
    );
    await store.open();
    t.teardown(() => store.close());
    const addTallies: CountStore['addTallies'] = async (parts, nowMs) => {
      batches.push(parts.length);
      const totals = await store.addTallies(parts, nowMs);
      if (!isOutage(totals)) answered.push(parts.length);
      return totals;
    };
    const tallies = new Tallies({ store: { addTallies }, now: Date.now });
    t.teardown(() => tallies.close());
    return tallies;
  };
  return { server, batches, answered, one: await open(), two: await open() };
};

const attacker = '192.0.2.7';

t.test('guesses at one replica count at the others', async (t) => {
  const { one, two } = await startTallies(t);
  const [here, there] = [one, two].map((tallies) => createUnknownTokenLimit(10, undefined, tallies));
  for (let guess = 0; guess < 6; guess++) {
    here?.penalize(attacker);
    there?.penalize(attacker);
  }
  t.notOk(here?.isBlocked(attacker), 'by itself no replica has seen ten');
  // Each hears of the other with its own next report.
  await until(() => here?.isBlocked(attacker) === true || there?.isBlocked(attacker) === true);
  const [blocked, free] = here?.isBlocked(attacker) === true ? [here, there] : [there, here];
  free?.penalize(attacker);
  await until(() => free?.isBlocked(attacker) === true);
  t.ok(blocked?.isBlocked(attacker));
  t.notOk(here?.isBlocked('192.0.2.8'), 'nobody else');
});

t.test('a guess writes nothing itself: many are one batch', async (t) => {
  const { one, batches } = await startTallies(t);
  const limit = createUnknownTokenLimit(640, undefined, one);
  for (let guess = 0; guess < 9; guess++) limit.penalize(attacker);
  for (let at = 0; at < 1_000; at++) limit.penalize(`198.51.100.${at % 250}`);
  await setImmediate();
  t.same(batches, [], 'who guesses seldom is not reported, and nobody at once');
  for (let guess = 0; guess < 1_000; guess++) limit.penalize(attacker);
  t.same(batches, []);
  await until(() => batches.length > 0);
  t.same(batches, [1]);
});

t.test('while the store is out the limit is neither lifted nor shut', async (t) => {
  const { server, answered, one, two } = await startTallies(t);
  const [here, there] = [one, two].map((tallies) => createUnknownTokenLimit(10, undefined, tallies));
  for (let guess = 0; guess < 10; guess++) here?.penalize(attacker);
  await until(() => answered.length === 1);
  there?.penalize(attacker);
  await until(() => there?.isBlocked(attacker) === true);
  await server.kill();
  t.ok(there?.isBlocked(attacker), 'what was heard counts on');
  const other = '192.0.2.9';
  for (let guess = 0; guess < 9; guess++) there?.penalize(other);
  t.notOk(there?.isBlocked(other), 'others may try on');
  there?.penalize(other);
  t.ok(there?.isBlocked(other), 'as often as one replica lets them');
  const before = answered.length;
  await server.restart();
  await until(() => answered.length > before);
  here?.penalize(other);
  await until(() => here?.isBlocked(other) === true);
  t.pass('and what was counted meanwhile is reported');
});

t.test('failed sign-ins count at all replicas, and a good one is taken back at all', async (t) => {
  const { one, two } = await startTallies(t);
  const settings = { signInFailuresPerAccount: 4, signInFailuresPerAddress: 1_000 };
  const [here, there] = [one, two].map((tallies) => createSignInLimit(settings, tallies));
  for (let attempt = 0; attempt < 3; attempt++) t.ok(here?.begin(attacker, 'acme/ada'));
  t.ok(there?.begin(attacker, 'acme/ada'), 'the fourth is made, and reported');
  await until(() => {
    const mayTry = there?.begin(attacker, 'acme/ada') ?? false;
    if (mayTry) there?.cancel(attacker, 'acme/ada');
    return !mayTry;
  });
  t.ok(there?.begin(attacker, 'acme/bob'), 'another account');
  there?.succeed(attacker, 'acme/ada');
  t.ok(there?.begin(attacker, 'acme/ada'), 'the address is trusted again');
});

t.test('exchanges are reported once somebody makes many', async (t) => {
  const { one, two, batches } = await startTallies(t);
  const [here, there] = [one, two].map((tallies) => createSessionLimit(64, undefined, tallies));
  const holder = { org: { id: 'acme' }, user: { id: 'ada' }, tokenId: 'a token' };
  for (let at = 0; at < 40; at++) t.ok(here?.mayBegin(holder));
  await until(() => batches.length > 0);
  let begun = 40;
  await until(() => {
    if (there?.mayBegin(holder) !== true) return true;
    begun += 1;
    return false;
  });
  t.ok(begun <= 64 + 3, `${begun} of 64`);
});
