// 15: requests per second with burst, shared by all replicas through the store, exact to 5 % under load on three replicas.

import t from 'tap';
import { anIdentity } from '../support/identity.ts';
import {
  judged,
  limitedRule,
  limiterSettings,
  passedOf,
  passedUntil,
  startLimiters,
  theOnly,
} from '../support/limiters.ts';
import { aRule } from '../support/route-rule.ts';

const rate = (over = {}) => ({
  name: 'all',
  per: 'token' as const,
  routes: undefined,
  requests: 200,
  windowMs: 1_000,
  burst: 200,
  ...over,
});

t.test('three replicas under load let through what one bucket would, to 5 %', async (t) => {
  const { limiters, storeMs } = await startLimiters(t, limiterSettings({ rateLimits: [rate()] }));
  const startMs = await storeMs();
  let isOver = false;
  const passing = limiters.map((limiter) => passedUntil(limiter, () => isOver));
  let endMs = startMs;
  while (endMs < startMs + 4_000) endMs = await storeMs();
  isOver = true;
  const passed = (await Promise.all(passing)).reduce((sum, each) => sum + each, 0);
  const lastMs = await storeMs();
  // ITU-T I.371 annex A, as nginx's limit_req and AWS's gateways: burst + rate x time.
  const most = 200 + (200 * (lastMs - startMs)) / 1_000;
  const least = 200 + (200 * (endMs - startMs)) / 1_000;
  t.ok(passed <= 1.05 * most, `${passed} passed of at most ${most}`);
  t.ok(passed >= 0.95 * least, `${passed} passed of at least ${least}`);
});

t.test('a burst passes as a whole, wherever it comes to, and no more', async (t) => {
  const slow = rate({ requests: 100, windowMs: 3_600_000, burst: 100 });
  const { limiters } = await startLimiters(t, limiterSettings({ rateLimits: [slow] }));
  const passed = await Promise.all(limiters.map((limiter) => passedOf(limiter, 60)));
  const sum = passed.reduce((sum, each) => sum + each, 0);
  // All replicas together keep a twentieth in hand at most.
  t.ok(sum <= 100 && sum >= 95, passed.join(' + '));
});

t.test('after a pause no more than one burst passes, although each replica had some in hand', async (t) => {
  const { limiters, storeMs } = await startLimiters(t, limiterSettings({ rateLimits: [rate()] }));
  const beganMs = await storeMs();
  let nowMs = beganMs;
  let isOver = false;
  const passing = limiters.map((limiter) => passedUntil(limiter, () => isOver));
  while (nowMs < beganMs + 500) nowMs = await storeMs();
  isOver = true;
  await Promise.all(passing);
  // Long enough to fill the bucket.
  while (nowMs < beganMs + 2_500) nowMs = await storeMs();
  const passed = await Promise.all(limiters.map((limiter) => passedOf(limiter, 300)));
  const seconds = ((await storeMs()) - nowMs) / 1_000;
  const sum = passed.reduce((all, each) => all + each, 0);
  t.ok(sum <= 1.05 * (200 + 200 * seconds), `${passed.join(' + ')} in ${seconds} s`);
  t.ok(sum >= 190, 'and not less');
});

t.test('what leases cover is decided at once, without a promise', async (t) => {
  const { limiters } = await startLimiters(
    t,
    limiterSettings({ rateLimits: [rate({ requests: 100_000, burst: 100_000 })] }),
    1,
  );
  const limiter = theOnly(limiters);
  await passedOf(limiter, 10);
  let waited = 0;
  for (let at = 0; at < 1_000; at++) {
    if (limiter.judge(limitedRule, anIdentity({}), '192.0.2.1', Date.now()) instanceof Promise) waited += 1;
  }
  t.ok(waited < 10, `${waited} of 1,000 asked the store while they waited`);
});

t.test('a refusal says how long to wait, and which limit it was', async (t) => {
  // One every ten seconds, three at once.
  const slow = rate({ requests: 6, windowMs: 60_000, burst: 3 });
  const { limiters } = await startLimiters(t, limiterSettings({ rateLimits: [slow] }), 1);
  const limiter = theOnly(limiters);
  const first = await judged(limiter);
  t.equal(first.refusal, undefined);
  // draft-ietf-httpapi-ratelimit-headers-10 sections 3 and 4: List of Strings with q and w, r and t.
  t.same(first.pairs.slice(0, 3), ['RateLimit-Policy', '"all";q=6;w=60', 'RateLimit']);
  t.match(first.pairs[3], /^"all";r=2;t=10$/);
  t.equal(await passedOf(limiter, 2), 2);
  const { refusal, pairs } = await judged(limiter);
  t.match(refusal, { kind: 'denial', reason: 'limit_exceeded', evidence: 'all' });
  const [, , , state = '', retryName, seconds] = pairs;
  t.equal(retryName, 'Retry-After');
  t.ok(Number(seconds) >= 9 && Number(seconds) <= 10, `until the next: ${seconds} s`);
  t.equal(state, `"all";r=0;t=${seconds}`, 'both fields name the same moment');
});

t.test('what a caller does not use is given back to the others', async (t) => {
  const slow = rate({ requests: 100, windowMs: 3_600_000, burst: 100 });
  const { limiters } = await startLimiters(t, limiterSettings({ rateLimits: [slow] }));
  const [one, two] = [theOnly(limiters), theOnly(limiters.slice(1))];
  t.equal(await passedOf(one, 10), 10);
  // It holds a share for the next; closing gives it back.
  await one.close();
  t.equal(await passedOf(two, 100), 90);
});

t.test('each token, user, org, route and address has a count of its own', async (t) => {
  const pers = ['token', 'user', 'org', 'route', 'address'] as const;
  const base = { rule: aRule({ name: 'things' }), identity: anIdentity({}), address: '192.0.2.1' };
  const other = {
    token: { ...base, identity: anIdentity({ tokenId: '3f0a6f0e-8f6b-4f43-9a55-000000000008' }) },
    user: { ...base, identity: anIdentity({ user: { id: 'bob', name: 'Bob', roles: [] } }) },
    org: { ...base, identity: anIdentity({ org: { id: 'globex', name: 'Globex' } }) },
    route: { ...base, rule: aRule({ name: 'others' }) },
    address: { ...base, address: '192.0.2.2' },
  };
  for (const per of pers) {
    const slow = rate({ per, requests: 2, windowMs: 3_600_000, burst: 2 });
    const { limiters } = await startLimiters(t, limiterSettings({ rateLimits: [slow] }), 2);
    const [one, two] = [theOnly(limiters), theOnly(limiters.slice(1))];
    t.equal(await passedOf(one, 1, base), 1, per);
    t.equal(await passedOf(two, 3, base), 1, `${per}: counted together`);
    t.equal(await passedOf(two, 3, other[per]), 2, `${per}: another has another count`);
    for (const like of pers.filter((each) => each !== per && !(per === 'user' && each === 'org')))
      t.equal(await passedOf(two, 1, other[like]), 0, `${per}: another ${like} is the same`);
  }
});

t.test('a request that one limit refuses counts in no other', async (t) => {
  const limits = [
    rate({ name: 'narrow', requests: 1, windowMs: 3_600_000, burst: 1 }),
    rate({ name: 'wide', per: 'org', requests: 3, windowMs: 3_600_000, burst: 3 }),
  ];
  const { limiters } = await startLimiters(t, limiterSettings({ rateLimits: limits }), 1);
  const limiter = theOnly(limiters);
  t.equal(await passedOf(limiter, 5), 1);
  for (const tokenId of ['8', '9'])
    t.equal(await passedOf(limiter, 2, { identity: anIdentity({ tokenId }) }), 1);
  const last = await judged(limiter, { identity: anIdentity({ tokenId: '10' }) });
  t.match(last.refusal, { evidence: 'wide' });
  t.match(last.pairs[1], '"narrow";q=1;w=3600, "wide";q=3;w=3600');
  t.match(limiter.reading().limits, [
    { limit: 'narrow', permitted: 3, alone: 0 },
    { limit: 'wide', permitted: 3, alone: 0 },
  ]);
});
