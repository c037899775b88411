// What a replica holds of a limit, without a store: counts alone.

import t from 'tap';
import { Lease } from '../../src/limits/lease.ts';
import { type Limit, limitsOf } from '../../src/limits/limit.ts';

const nowMs = Date.parse('2026-11-27T12:00:00Z');

const limitWith = ({ requests = 1_000, windowMs = 1_000 } = {}): Limit => {
  const rate = {
    name: 'all',
    per: 'token',
    routes: undefined,
    requests,
    windowMs,
    burst: requests,
  } as const;
  const [limit] = limitsOf({ rateLimits: [rate], quotas: [] });
  if (limit === undefined) throw new Error('no limit');
  return limit;
};

const monthly = (requests: number): Limit => {
  const quota = { name: 'all', per: 'token', routes: undefined, requests, period: 'month' } as const;
  const [limit] = limitsOf({ rateLimits: [], quotas: [quota] });
  if (limit === undefined) throw new Error('no quota');
  return limit;
};

const granting = (lease: Lease, granted: number, wanted: number, atMs: number, left = 500): void =>
  lease.heard(
    { granted, left, retryAfterMs: left > 0 ? 0 : 10, fullAfterMs: 100 },
    wanted,
    lease.period,
    atMs,
  );

/** Passes what may pass; how many. */
const passAll = (lease: Lease, atMs: number): number => {
  let passed = 0;
  for (; lease.state(atMs) === 'held'; passed++) lease.pass(atMs);
  return passed;
};

t.test('a lease asks for what waits, and for what will soon be needed', async (t) => {
  const lease = new Lease(limitWith(), 'ada', nowMs);
  t.equal(lease.state(nowMs), 'unknown');
  lease.waiting = 3;
  // 1,000 / 20 of all replicas: with two, 25 are kept in hand by each.
  t.same(lease.nextAsk(nowMs, 2), { spent: 0, wanted: 3 + 25 });
  granting(lease, 28, 28, nowMs);
  t.equal(passAll(lease, nowMs + 10), 28);
  // 28 in 10 ms are 140 in the 50 ms of a lease, but no more than an eighth.
  lease.waiting = 1;
  t.same(lease.nextAsk(nowMs + 10, 2), { spent: 0, wanted: 1 + 125 });
});

t.test('what is granted in part is all there is, until the next comes', async (t) => {
  const lease = new Lease(limitWith(), 'ada', nowMs);
  granting(lease, 2, 5, nowMs, 0);
  t.equal(passAll(lease, nowMs), 2);
  t.equal(lease.state(nowMs + 9), 'empty');
  t.equal(lease.retryAfterMs(nowMs + 4, false, 1), 6);
  t.equal(lease.state(nowMs + 10), 'unknown', 'then the store is asked again');
});

t.test('what is used up for long is asked about again every second', async (t) => {
  const lease = new Lease(monthly(10), 'ada', nowMs);
  lease.heard({ granted: 0, left: 0, retryAfterMs: 86_400_000, fullAfterMs: 1 }, 1, lease.period, nowMs);
  t.equal(lease.state(nowMs + 999), 'empty');
  t.equal(lease.state(nowMs + 1_000), 'unknown', 'another replica may have given something back');
});

t.test('what nobody uses is owed back: most after a lease, all once nobody comes', async (t) => {
  const lease = new Lease(limitWith({ requests: 100 }), 'ada', nowMs);
  granting(lease, 10, 10, nowMs);
  lease.pass(nowMs);
  t.equal(lease.settle(lease.dueMs, 1), true);
  t.match(lease.nextAsk(lease.dueMs, 1), { spent: -4 }, 'five of nine are kept');
  t.equal(lease.settle(nowMs + 20_000, 1), true);
  t.match(lease.nextAsk(nowMs + 20_000, 1), { spent: -5, wanted: 0 });
  t.ok(lease.isOver(nowMs + 20_000));
});

t.test('what passed alone is owed, and paid by an answer that comes late', async (t) => {
  const lease = new Lease(limitWith({ requests: 100, windowMs: 3_600_000 }), 'ada', nowMs);
  let passed = 0;
  for (; lease.stateAlone(nowMs, 4) === 'held'; passed++) lease.passAlone(nowMs, 4);
  t.equal(passed, 25, 'a quarter, of four replicas');
  granting(lease, 10, 10, nowMs);
  t.equal(lease.state(nowMs), 'unknown', 'nothing of it may pass once more');
  t.match(lease.nextAsk(nowMs, 4), { spent: 15 });
  lease.unheard(15, lease.period, nowMs);
  t.match(lease.nextAsk(nowMs, 4), { spent: 15 }, 'a question that was not answered is asked again');
});

t.test(
  'what was given back is never given back twice, though nobody knows whether the store heard it',
  async (t) => {
    const lease = new Lease(limitWith({ requests: 100 }), 'ada', nowMs);
    granting(lease, 10, 10, nowMs);
    t.equal(lease.settle(nowMs + 20_000, 1), true);
    t.match(lease.nextAsk(nowMs + 20_000, 1), { spent: -10 });
    lease.unheard(-10, lease.period, nowMs + 20_000);
    t.match(lease.nextAsk(nowMs + 20_000, 1), { spent: 0 });
  },
);

t.test('a quota begins anew with its period, and what is left over of the old one is gone', async (t) => {
  const lease = new Lease(monthly(40), 'ada', nowMs);
  const before = lease.period;
  granting(lease, 20, 20, nowMs, 0);
  lease.pass(nowMs);
  const nextMs = Date.parse('2026-12-01T00:00:00Z');
  t.equal(lease.state(nextMs - 1), 'held');
  t.equal(lease.state(nextMs), 'unknown');
  t.same(lease.nextAsk(nextMs, 1).spent, 0);
  t.not(lease.period, before);
  lease.heard({ granted: 9, left: 1, retryAfterMs: 0, fullAfterMs: 1 }, 9, before, nextMs);
  t.equal(lease.state(nextMs), 'unknown', 'an answer about the old period grants nothing');
});

t.test('of a quota that it never asked about, a replica alone lets little through', async (t) => {
  const unheard = new Lease(monthly(3_000), 'ada', nowMs);
  let passed = 0;
  for (; unheard.stateAlone(nowMs, 3) === 'held'; passed++) unheard.passAlone(nowMs, 3);
  t.equal(passed, 100, 'a tenth of its third: others may have used the rest');
  const heard = new Lease(monthly(3_000), 'ada', nowMs);
  granting(heard, 0, 0, nowMs, 600);
  passed = 0;
  for (; heard.stateAlone(nowMs, 3) === 'held'; passed++) heard.passAlone(nowMs, 3);
  t.equal(passed, 200, 'a third of what was left');
  const small = new Lease(monthly(1), 'ada', nowMs);
  t.equal(small.stateAlone(nowMs, 3), 'held', 'never shut: one passes');
});
