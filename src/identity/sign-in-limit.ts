// How many passwords may be tried in vain: of one account by one address, of one account by all, by one address on
// whichever accounts. Every try counts when it begins, so that a thousand at once are a thousand. Memory is bounded: what
// was tried longest ago is forgotten.

import { LRUCache } from 'lru-cache';
import { addressBlockOf } from './address-block.ts';

export interface SignInLimit {
  /** Counts a try; false: too many have failed, and this one must not be made. `account`: `<org>/<user>`. */
  begin(address: string, account: string): boolean;
  /** The try that began was good: it does not count, and the address is trusted with this account again. */
  succeed(address: string, account: string): void;
  /** The try came to nothing through no fault of its own: it does not count. */
  cancel(address: string, account: string): void;
}

export interface SignInLimitSettings {
  /** 0: no limit. */
  readonly signInFailuresPerAccount: number;
  /** 0: no limit. */
  readonly signInFailuresPerAddress: number;
}

const windowMs = 15 * 60_000;
const keysMax = 50_000;
/** Everybody together may fail so many times more often than one address: one alone must not lock a user out. */
const everybody = 10;

export const createSignInLimit = (settings: SignInLimitSettings): SignInLimit => {
  const { signInFailuresPerAccount: perAccount, signInFailuresPerAddress: perAddress } = settings;
  const pairs = countersOf(perAccount);
  const accounts = countersOf(perAccount * everybody);
  const addresses = countersOf(perAddress);
  const keysOf = (address: string, account: string) =>
    [
      [addresses, addressBlockOf(address)],
      [accounts, account],
      [pairs, `${addressBlockOf(address)} ${account}`],
    ] as const;
  return {
    begin: (address, account) => {
      const keys = keysOf(address, account);
      if (keys.some(([counters, key]) => counters.isSpent(key))) return false;
      for (const [counters, key] of keys) counters.add(key, 1);
      return true;
    },
    succeed: (address, account) => {
      for (const [counters, key] of keysOf(address, account)) counters.add(key, -1);
      pairs.forget(`${addressBlockOf(address)} ${account}`);
    },
    cancel: (address, account) => {
      for (const [counters, key] of keysOf(address, account)) counters.add(key, -1);
    },
  };
};

interface Counters {
  isSpent(key: string): boolean;
  add(key: string, step: 1 | -1): void;
  forget(key: string): void;
}

/** Each key's window runs from its first try. */
const countersOf = (most: number): Counters => {
  if (most === 0) return { isSpent: () => false, add: () => undefined, forget: () => undefined };
  const counts = new LRUCache<string, { used: number }>({ max: keysMax, ttl: windowMs });
  return {
    isSpent: (key) => (counts.get(key)?.used ?? 0) >= most,
    add: (key, step) => {
      const count = counts.get(key);
      if (count === undefined) {
        if (step > 0) counts.set(key, { used: step });
        return;
      }
      count.used += step;
      // What counts nothing must not push out what does.
      if (count.used <= 0) counts.delete(key);
    },
    forget: (key) => void counts.delete(key),
  };
};
