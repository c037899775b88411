// Counts what each of many does in a minute. Memory is bounded: those that did something longest ago are forgotten.

import { LRUCache } from 'lru-cache';

const keysMax = 10_000;
const windowMs = 60_000;

/** Counts one more of `key`; false: there were too many in the minute that its first one began. Synchronous. */
export type MinuteCounter = (key: string) => boolean;

/** `perMinute`: 0 for any number. `monotonicMs`: a clock that never goes back. */
export const createMinuteCounter = (
  perMinute: number,
  monotonicMs: () => number = () => performance.now(),
): MinuteCounter => {
  if (perMinute === 0) return () => true;
  const counts = new LRUCache<string, { used: number }>({
    max: keysMax,
    ttl: windowMs,
    ttlResolution: 0,
    perf: { now: monotonicMs },
  });
  return (key) => {
    const count = counts.get(key);
    // Counting on does not lengthen the minute: it runs from the first.
    if (count === undefined) counts.set(key, { used: 1 });
    else count.used += 1;
    return (count?.used ?? 1) <= perMinute;
  };
};
