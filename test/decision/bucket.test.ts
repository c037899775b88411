import t from 'tap';
import { takeFromBucket } from '../../src/decision/bucket.ts';

/** 100 a second, 20 at once. */
const bucket = { intervalMs: 10, capacity: 20 };
const nowMs = 1_800_000_000_000;

t.test('over any time, no more passes than the capacity and what the time brings', async (t) => {
  let [fullAtMs, passed] = [0, 0];
  for (let atMs = nowMs; atMs < nowMs + 1_000; atMs += 3) {
    const state = takeFromBucket(bucket, fullAtMs, atMs, 0, 7);
    ({ fullAtMs } = state);
    passed += state.granted;
  }
  // ITU-T I.371 annex A: burst + rate x time.
  t.equal(passed, 20 + Math.floor(999 / 10));
});

t.test('an empty bucket says when the next one comes, and that is true', async (t) => {
  const { fullAtMs, granted } = takeFromBucket(bucket, 0, nowMs, 0, 99);
  t.equal(granted, 20);
  const { retryAfterMs } = takeFromBucket(bucket, fullAtMs, nowMs + 4, 0, 1);
  t.equal(retryAfterMs, 6);
  t.equal(takeFromBucket(bucket, fullAtMs, nowMs + 4 + retryAfterMs - 1, 0, 1).granted, 0);
  t.equal(takeFromBucket(bucket, fullAtMs, nowMs + 4 + retryAfterMs, 0, 1).granted, 1);
});

t.test('an interval that is no whole number loses nothing', async (t) => {
  const third = { intervalMs: 1_000 / 3, capacity: 3 };
  t.equal(takeFromBucket(third, 0, nowMs, 0, 3).granted, 3);
  t.equal(
    takeFromBucket(third, takeFromBucket(third, 0, nowMs, 0, 3).fullAtMs, nowMs + 1_000, 0, 9).granted,
    3,
  );
});

t.test('a clock that was set back closes it for two buckets at most', async (t) => {
  const { fullAtMs } = takeFromBucket(bucket, nowMs + 86_400_000, nowMs, 0, 1);
  t.equal(fullAtMs, nowMs + 2 * 200);
});
