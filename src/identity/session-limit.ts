// How many sessions one API token may begin, and how many it may end, in a minute. Each one begun costs a signature and
// room in caches, each one ended a write that every replica remembers: whoever holds one valid token must not fill them.

import type { Identity } from '../decision/identity.ts';
import { minuteMs } from './fixed-window.ts';
import { type Tallies, windowFor } from './shared-window.ts';

/** An identity, or the owner of an API token. */
export interface Holder extends Pick<Identity, 'tokenId'> {
  readonly org: { readonly id: string };
  readonly user: { readonly id: string };
  readonly sessionId?: string | undefined;
}

export type SessionLimit = ReturnType<typeof createSessionLimit>;

/**
 * `perMinute`: of each kind, for each API token; without one for each session, or else user; 0: no limit. With `tallies` those of
 * all replicas count.
 */
export const createSessionLimit = (perMinute: number, monotonicMs?: () => number, tallies?: Tallies) => {
  const begun = windowFor(tallies, 'sessions-begun', { windowMs: minuteMs, monotonicMs }, perMinute);
  const ended = windowFor(tallies, 'sessions-ended', { windowMs: minuteMs, monotonicMs }, perMinute);
  return {
    /** Counts one access token made; false when there were too many. Synchronous; one map look-up. */
    mayBegin: (holder: Holder): boolean => perMinute === 0 || begun.add(keyOf(holder)) <= perMinute,
    /** Counts one session ended by its holder. */
    mayEnd: (holder: Holder): boolean => perMinute === 0 || ended.add(keyOf(holder)) <= perMinute,
  };
};

/** The id of a token is a UUID: the words keep the others apart from it. */
const keyOf = ({ org, user, tokenId, sessionId }: Holder): string =>
  tokenId ?? (sessionId === undefined ? `account ${org.id}/${user.id}` : `session ${sessionId}`);
