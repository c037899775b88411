// How many unknown tokens one address may try in a minute. Bounds guessing and the look-ups it costs, and locks nobody
// out who shares the address: past the limit one look-up a second is still made, and callers whose identity is cached
// are never held back. Memory is bounded: the addresses seen longest ago are forgotten.

import { LRUCache } from 'lru-cache';
import { addressBlockOf } from './address-block.ts';

export interface UnknownTokenLimit {
  /** Synchronous; one map look-up. */
  isBlocked(address: string): boolean;
  /** Whether a blocked address may make a look-up all the same: one a second. The call takes it. */
  takeTurn(address: string): boolean;
  /** Counts one unknown token against an address. */
  penalize(address: string): void;
}

const addressesMax = 10_000;
const windowMs = 60_000;
const turnEveryMs = 1_000;

/** `perMinute`: unknown tokens an address may try in a minute before it is blocked for the rest of it; 0: no limit. */
export const createUnknownTokenLimit = (
  perMinute: number,
  monotonicMs: () => number = () => performance.now(),
): UnknownTokenLimit => {
  if (perMinute === 0) return { isBlocked: () => false, takeTurn: () => true, penalize: () => undefined };
  const counts = new LRUCache<string, { used: number; lastTurnMs: number }>({
    max: addressesMax,
    ttl: windowMs,
    ttlResolution: 0,
    perf: { now: monotonicMs },
  });
  return {
    isBlocked: (address) => (counts.get(addressBlockOf(address))?.used ?? 0) >= perMinute,
    takeTurn: (address) => {
      const count = counts.get(addressBlockOf(address));
      const nowMs = monotonicMs();
      if (count === undefined || count.used < perMinute) return true;
      if (nowMs - count.lastTurnMs < turnEveryMs) return false;
      count.lastTurnMs = nowMs;
      return true;
    },
    penalize: (address) => {
      const key = addressBlockOf(address);
      const count = counts.get(key);
      // Counting on does not lengthen the minute: it runs from the first unknown token.
      if (count === undefined) counts.set(key, { used: 1, lastTurnMs: monotonicMs() });
      else if (++count.used === perMinute) count.lastTurnMs = monotonicMs();
    },
  };
};
