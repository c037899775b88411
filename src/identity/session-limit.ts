// How many sessions one API token may begin, and how many it may end, in a minute. Each one begun costs a signature and
// room in caches, each one ended a write that every replica remembers: whoever holds one valid token must not fill them.

import type { Identity } from '../decision/identity.ts';
import { FixedWindow, minuteMs } from './fixed-window.ts';

interface Holder extends Pick<Identity, 'tokenId' | 'sessionId'> {
  readonly org: { readonly id: string };
  readonly user: { readonly id: string };
}

export interface SessionLimit {
  /** Counts one access token made; false when there were too many. Synchronous; one map look-up. */
  mayBegin(holder: Holder): boolean;
  /** Counts one session ended by its holder. */
  mayEnd(holder: Holder): boolean;
}

/** `perMinute`: of each kind, for each API token; without one for each session, or else user; 0: no limit. */
export const createSessionLimit = (perMinute: number, monotonicMs?: () => number): SessionLimit => {
  const begun = new FixedWindow({ windowMs: minuteMs, monotonicMs });
  const ended = new FixedWindow({ windowMs: minuteMs, monotonicMs });
  return {
    mayBegin: (holder) => perMinute === 0 || begun.add(keyOf(holder)) <= perMinute,
    mayEnd: (holder) => perMinute === 0 || ended.add(keyOf(holder)) <= perMinute,
  };
};

/** The id of a token is a UUID: the words keep the others apart from it. */
const keyOf = ({ org, user, tokenId, sessionId }: Holder): string =>
  tokenId ?? (sessionId === undefined ? `account ${org.id}/${user.id}` : `session ${sessionId}`);
