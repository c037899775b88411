// How many unknown tokens one address may try in a minute. Bounds guessing and the look-ups it costs, and locks nobody
// out who shares the address: past the limit one look-up a second is still made, and callers whose identity is cached
// are never held back.

import { addressBlockOf } from './address-block.ts';
import { FixedWindow, minuteMs } from './fixed-window.ts';
import { type Tallies, windowFor } from './shared-window.ts';

export type UnknownTokenLimit = ReturnType<typeof createUnknownTokenLimit>;

const turnEveryMs = 1_000;

/**
 * `perMinute`: unknown tokens an address may try in a minute before it is blocked for the rest of it; 0: no limit. With `tallies`
 * the tries at all replicas count, under this name.
 */
export const createUnknownTokenLimit = (
  perMinute: number,
  monotonicMs?: () => number,
  tallies?: Tallies,
  name = 'unknown-tokens',
) => {
  const unknown = windowFor(tallies, name, { windowMs: minuteMs, monotonicMs }, perMinute);
  const turns = new FixedWindow({ windowMs: turnEveryMs, monotonicMs });
  return {
    /** Synchronous; one map look-up. */
    isBlocked: (address: string): boolean =>
      perMinute > 0 && unknown.used(addressBlockOf(address)) >= perMinute,
    /** Whether a blocked address may make a look-up all the same: one a second. The call takes it. */
    takeTurn: (address: string): boolean => {
      const block = addressBlockOf(address);
      return perMinute === 0 || unknown.used(block) < perMinute || turns.add(block) === 1;
    },
    /** Counts one unknown token against an address. */
    penalize: (address: string): void => {
      if (perMinute === 0) return;
      const block = addressBlockOf(address);
      // The first turn comes a second after the last free try.
      if (unknown.add(block) >= perMinute) turns.add(block);
    },
  };
};
