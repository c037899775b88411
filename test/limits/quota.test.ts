// 15: quotas per day or month of the calendar in UTC, shared by all replicas.

import t from 'tap';
import { calendarPeriod } from '../../src/limits/limit.ts';
import { judged, limiterSettings, passedOf, startLimiters, theOnly } from '../support/limiters.ts';

const quota = (over = {}) => ({
  name: 'monthly',
  per: 'org' as const,
  routes: undefined,
  requests: 100,
  period: 'month' as const,
  ...over,
});

t.test('periods are days and months of the calendar in UTC', async (t) => {
  const at = (text: string): number => Date.parse(text);
  const cases = [
    ['day', '2026-11-27T23:59:59.999Z', '2026-11-27T00:00:00Z', '2026-11-28T00:00:00Z'],
    ['day', '2026-11-28T00:00:00Z', '2026-11-28T00:00:00Z', '2026-11-29T00:00:00Z'],
    ['month', '2026-12-31T12:00:00Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['month', '2028-02-29T00:00:00Z', '2028-02-01T00:00:00Z', '2028-03-01T00:00:00Z'],
  ] as const;
  for (const [period, now, start, end] of cases)
    t.same(calendarPeriod(period, at(now)), { startMs: at(start), endMs: at(end) }, `${period} of ${now}`);
});

t.test('three replicas let through exactly the quota, until the last one', async (t) => {
  const { limiters } = await startLimiters(t, limiterSettings({ quotas: [quota({ requests: 1_000 })] }));
  let passed = 0;
  for (let round = 0; round < 60; round++)
    for (const each of await Promise.all(limiters.map((limiter) => passedOf(limiter, 10)))) passed += each;
  // What the others hold comes back within the time of a lease.
  const deadlineMs = performance.now() + 15_000;
  while (passed < 1_000 && performance.now() < deadlineMs)
    for (const limiter of limiters) passed += await passedOf(limiter, 1);
  t.equal(passed, 1_000);
});

t.test('what is used up stays so until the next period, and Retry-After says when that is', async (t) => {
  let nowMs = Date.parse('2026-11-27T22:59:50Z');
  const small = limiterSettings({ quotas: [quota({ requests: 3, period: 'day', name: 'daily' })] });
  const { limiters } = await startLimiters(t, small, 1, () => nowMs);
  const limiter = theOnly(limiters);
  t.equal(await passedOf(limiter, 5, { nowMs }), 3);
  const { refusal, pairs } = await judged(limiter, { nowMs });
  t.match(refusal, { reason: 'quota_exceeded', evidence: 'daily' });
  // draft-ietf-httpapi-ratelimit-headers-10: w is the window in seconds, here the day.
  const left = String(3_600 + 10);
  t.same(pairs, [
    'RateLimit-Policy',
    '"daily";q=3;w=86400',
    'RateLimit',
    `"daily";r=0;t=${left}`,
    'Retry-After',
    left,
  ]);
  nowMs = Date.parse('2026-11-28T00:00:00Z');
  const next = await judged(limiter, { nowMs });
  t.equal(next.refusal, undefined);
  t.same(next.pairs[3], '"daily";r=2;t=86400');
});

t.test('no fields are shown where the settings say so, but Retry-After is', async (t) => {
  const settings = limiterSettings({ quotas: [quota({ requests: 1 })], rateLimitHeaders: false });
  const { limiters } = await startLimiters(t, settings, 1);
  const limiter = theOnly(limiters);
  t.same((await judged(limiter)).pairs, []);
  t.match((await judged(limiter)).pairs, ['Retry-After', /^\d+$/]);
});
