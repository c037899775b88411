// The contract of counts: allowances of which replicas take leases, tallies that they add to, and how many replicas there are.

import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import type { AllowanceTerms } from '../../src/store/count-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { type MakePlace, openStores, sure } from './places.ts';

const hourMs = 3_600_000;
const newKey = (): string => `limit:${randomBytes(16).toString('hex')}`;

/** Ten at once, and one an hour: nothing comes back while a test runs. */
const slow: AllowanceTerms = { kind: 'rate', intervalMs: hourMs, capacity: 10 };

const take = async (store: TokenStore, key: string, terms: AllowanceTerms, wanted: number, spent = 0) =>
  sure(await store.takeAllowance({ key, terms, spent, wanted }, Date.now()));

export const counts = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('a rate grants what is left of its bucket, to all stores together', async (t) => {
    const [store, another] = await openStores(t, makePlace);
    const [other, key] = [await another(), newKey()];
    t.match(await take(store, key, slow, 0), { granted: 0, left: 10, retryAfterMs: 0, fullAfterMs: 0 });
    t.match(await take(store, key, slow, 4), { granted: 4, left: 6, retryAfterMs: 0 });
    t.match(await take(other, key, slow, 9), { granted: 6, left: 0 });
    const none = await take(store, key, slow, 5);
    t.match(none, { granted: 0, left: 0 });
    // RFC 9110 section 10.2.3: the caller is told when the next one comes, here within the hour of the first.
    t.ok(
      none.retryAfterMs > 0.9 * hourMs && none.retryAfterMs <= hourMs,
      `${none.retryAfterMs} ms until the next`,
    );
    t.ok(
      none.fullAfterMs > 9.9 * hourMs && none.fullAfterMs <= 10 * hourMs,
      'ten intervals until it is full',
    );
    t.match(
      await take(other, newKey(), slow, 1),
      { granted: 1, left: 9 },
      'each key has a bucket of its own',
    );
  });

  t.test('what is given back can be granted again, and no more than the bucket holds', async (t) => {
    const [store] = await openStores(t, makePlace);
    const key = newKey();
    await take(store, key, slow, 10);
    t.match(await take(store, key, slow, 2, -3), { granted: 2, left: 1 });
    t.match(await take(store, key, slow, 0, -50), { granted: 0, left: 10 });
  });

  t.test('what passed without a grant is owed, up to a whole bucket', async (t) => {
    const [store] = await openStores(t, makePlace);
    const key = newKey();
    t.match(await take(store, key, slow, 1, 7), { granted: 1, left: 2 });
    const owing = await take(store, key, slow, 1, 1_000_000);
    t.match(owing, { granted: 0, left: 0 });
    t.ok(owing.fullAfterMs <= 20 * hourMs, 'a bucket that is full of debt');
  });

  t.test('a rate fills again as time passes', async (t) => {
    const [store] = await openStores(t, makePlace);
    const [key, quick] = [newKey(), { kind: 'rate', intervalMs: 5, capacity: 2 } as const];
    await take(store, key, quick, 2);
    const startMs = performance.now();
    let granted = 0;
    while (granted < 10) granted += (await take(store, key, quick, 1)).granted;
    t.ok(performance.now() - startMs > 8 * 5 - 5, 'ten more take eight intervals at least');
  });

  t.test('a quota grants so many in its period, to all stores together', async (t) => {
    const [store, another] = await openStores(t, makePlace);
    const [other, key] = [await another(), newKey()];
    const quota = { kind: 'quota', requests: 5, untilMs: Date.now() + hourMs } as const;
    t.match(await take(store, key, quota, 3), { granted: 3, left: 2, retryAfterMs: 0 });
    t.match(await take(other, key, quota, 3, -1), { granted: 3, left: 0 });
    const none = await take(store, key, quota, 1);
    t.match(none, { granted: 0, left: 0 });
    t.ok(none.retryAfterMs > 0.9 * hourMs && none.retryAfterMs <= hourMs, 'until the period ends');
    t.match(await take(store, key, quota, 1, 4), { granted: 0, left: 0 }, 'what is spent beyond it counts');
    t.match(await take(store, key, quota, 0, -5), { left: 1 });
  });

  t.test('a tally adds up what all stores count, until its window ends', async (t) => {
    const [store, another] = await openStores(t, makePlace);
    const other = await another();
    const [one, two] = [newKey(), newKey()];
    const add = async (by: TokenStore, ...parts: readonly (readonly [string, number])[]) => {
      const asked = parts.map(([key, delta]) => ({ key, delta, windowMs: hourMs }));
      return sure(await by.addTallies(asked, Date.now()));
    };
    t.match(await add(store, [one, 3], [two, 1]), [{ total: 3 }, { total: 1 }]);
    const [heard] = await add(other, [one, 4]);
    t.equal(heard?.total, 7);
    t.ok((heard?.endsAfterMs ?? 0) > 0.9 * hourMs, 'the window of the first goes on');
    t.match(await add(store, [one, -9], [two, 0]), [{ total: 0 }, { total: 1 }], 'never below nothing');
    const short = sure(await store.addTallies([{ key: one, delta: 2, windowMs: 1 }], Date.now()));
    t.equal(short[0]?.total, 2);
    for (let total = 3; total > 1;) [{ total } = { total: 0 }] = await add(store, [one, 1]);
    t.pass('after its window it begins anew');
    t.same(await store.addTallies([], Date.now()), []);
    const many = Array.from({ length: 500 }, () => [newKey(), 1] as const);
    t.ok(
      (await add(store, ...many)).every(({ total }) => total === 1),
      'many at once, each by itself',
    );
  });

  t.test('replicas are counted while they say that they live', async (t) => {
    const [store, another] = await openStores(t, makePlace);
    const other = await another();
    t.equal(await store.noteReplica('one', Date.now(), hourMs), 1);
    t.equal(await other.noteReplica('two', Date.now(), hourMs), 2);
    t.equal(await store.noteReplica('one', Date.now(), hourMs), 2, 'each once');
    await other.noteReplica('three', Date.now(), hourMs);
    await other.noteReplica('two', Date.now(), 1);
    let living = 3;
    while (living > 2) living = sure(await store.noteReplica('one', Date.now(), hourMs));
    t.pass('who says nothing any more is none');
  });
};
