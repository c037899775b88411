// How many unknown tokens one address may try in a minute. Bounds guessing and the look-ups it costs; callers whose
// identity is cached are never held back. Memory is bounded: the addresses seen longest ago are forgotten.

import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory } from 'rate-limiter-flexible';

export interface UnknownTokenLimit {
  /** Synchronous; one map look-up. */
  isBlocked(address: string): boolean;
  /** Counts one unknown token against an address. */
  penalize(address: string): void;
}

const addressesMax = 10_000;

/** `perMinute`: unknown tokens an address may try in a minute before it is blocked for the rest of it; 0: no limit. */
export const createUnknownTokenLimit = (perMinute: number): UnknownTokenLimit => {
  if (perMinute === 0) return { isBlocked: () => false, penalize: () => undefined };
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
  const counted = new LRUCache<string, { blockedUntilMs: number }>({
    max: addressesMax,
    dispose: (_value, key) => void limiter.delete(key),
  });
  return {
    isBlocked: (address) => {
      const count = counted.get(networkOf(address));
      return count !== undefined && performance.now() < count.blockedUntilMs;
    },
    penalize: (address) => {
      const key = networkOf(address);
      const known = counted.get(key);
      const count = known ?? { blockedUntilMs: 0 };
      if (known === undefined) counted.set(key, count);
      limiter.consume(key).then(
        ({ remainingPoints, msBeforeNext }) => {
          if (remainingPoints === 0) count.blockedUntilMs = performance.now() + msBeforeNext;
        },
        () => undefined,
      );
    },
  };
};

/** One IPv6 customer holds a whole /64, so that is what is counted. IPv4 in IPv6 counts as the IPv4 address. */
const networkOf = (address: string): string => {
  if (!isIPv6(address)) return address;
  if (address.startsWith('::ffff:')) return address.slice('::ffff:'.length);
  const [head = ''] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  return [...groups, '0', '0', '0', '0'].slice(0, 4).join(':');
};
