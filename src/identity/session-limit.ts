// How many sessions one API token may begin, and how many it may end, in a minute. Each one begun costs a signature and
// room in caches, each one ended a write that every replica remembers: whoever holds one valid token must not fill them.
// Memory is bounded: the tokens used longest ago are forgotten.

import { LRUCache } from 'lru-cache';
import type { Identity } from '../decision/identity.ts';

type Holder = Pick<Identity, 'org' | 'user' | 'tokenId' | 'sessionId'>;

export interface SessionLimit {
  /** Counts one access token made; false when there were too many. Synchronous; one map look-up. */
  mayBegin(holder: Holder): boolean;
  /** Counts one session ended by its holder. */
  mayEnd(holder: Holder): boolean;
}

const holdersMax = 10_000;
const windowMs = 60_000;

/** `perMinute`: of each kind, for each API token; without one for each session, or else user; 0: no limit. */
export const createSessionLimit = (
  perMinute: number,
  monotonicMs: () => number = () => performance.now(),
): SessionLimit => {
  if (perMinute === 0) return { mayBegin: () => true, mayEnd: () => true };
  const counter = (): ((holder: Holder) => boolean) => {
    const counts = new LRUCache<string, { used: number }>({
      max: holdersMax,
      ttl: windowMs,
      ttlResolution: 0,
      perf: { now: monotonicMs },
    });
    return (holder) => {
      const key = keyOf(holder);
      const count = counts.get(key);
      // Counting on does not lengthen the minute: it runs from the first.
      if (count === undefined) counts.set(key, { used: 1 });
      else count.used += 1;
      return (count?.used ?? 1) <= perMinute;
    };
  };
  return { mayBegin: counter(), mayEnd: counter() };
};

/** The id of a token is a UUID: the words keep the others apart from it. */
const keyOf = ({ org, user, tokenId, sessionId }: Holder): string =>
  tokenId ?? (sessionId === undefined ? `account ${org.id}/${user.id}` : `session ${sessionId}`);
