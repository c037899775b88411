// How many passwords may be tried in vain: of one account by one address, of one account by all, by one address on
// whichever accounts. Every try counts when it begins, so that a thousand at once are a thousand.

import type { Settings } from '../settings/settings.ts';
import { addressBlockOf } from './address-block.ts';
import { type Tallies, windowFor } from './shared-window.ts';

const windowMs = 15 * 60_000;
const keysMax = 50_000;
/** Everybody together may fail so many times more often than one address: one alone must not lock a user out. */
const everybody = 10;

export type SignInLimit = ReturnType<typeof createSignInLimit>;

/** 0 is no limit. With `tallies` failures at all replicas count. */
export const createSignInLimit = (
  {
    signInFailuresPerAccount: perAccount,
    signInFailuresPerAddress: perAddress,
  }: Pick<Settings['limits'], 'signInFailuresPerAccount' | 'signInFailuresPerAddress'>,
  tallies?: Tallies,
) => {
  const failuresUpTo = (most: number, of: string) => ({
    most,
    window: windowFor(tallies, `sign-ins-${of}`, { windowMs, keysMax }, most),
  });
  const pairs = failuresUpTo(perAccount, 'of-account-by-address');
  const accounts = failuresUpTo(perAccount * everybody, 'of-account');
  const addresses = failuresUpTo(perAddress, 'by-address');
  const countsOf = (address: string, account: string) =>
    [
      { ...addresses, key: addressBlockOf(address) },
      { ...accounts, key: account },
      { ...pairs, key: `${addressBlockOf(address)} ${account}` },
    ].filter(({ most }) => most > 0);
  const takeBack = (address: string, account: string): void => {
    for (const { window, key } of countsOf(address, account)) window.takeBack(key);
  };
  return {
    /** Counts a try; false: too many have failed, and this one must not be made. `account`: `<org>/<user>`. */
    begin: (address: string, account: string): boolean => {
      const counts = countsOf(address, account);
      if (counts.some(({ window, key, most }) => window.used(key) >= most)) return false;
      for (const { window, key } of counts) window.add(key);
      return true;
    },
    /** The try that began was good: it does not count, and the address is trusted with this account again. */
    succeed: (address: string, account: string): void => {
      takeBack(address, account);
      pairs.window.forget(`${addressBlockOf(address)} ${account}`);
    },
    /** The try came to nothing through no fault of its own: it does not count. */
    cancel: takeBack,
  };
};
