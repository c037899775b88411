// Remembers when API tokens were last used: at most once a minute each, in batches, a moment after the request. Noting a
// use is a map look-up; nobody waits for the store, and what it does not take is tried again or forgotten.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Log } from '../observe/log.ts';
import type { TokenUse } from '../store/api-token-store.ts';
import type { TokenStore } from '../store/token-store.ts';
import { createFlusher } from './flusher.ts';

export type LastUsed = ReturnType<typeof createLastUsed>;

const noteEveryMs = 60_000;
const flushEveryMs = 2_000;
/** Tokens remembered; what comes while so many are known is noted when others have been forgotten. */
const tokensMax = 200_000;

export const createLastUsed = (store: Pick<TokenStore, 'recordUses'>, log?: Pick<Log, 'info' | 'warn'>) => {
  /** Token -> when its use was noted last. */
  const noted = new Map<string, number>();
  let waiting: TokenUse[] = [];

  const flush = async (): Promise<'done' | Outage> => {
    const uses = waiting;
    waiting = [];
    const answer = uses.length === 0 ? 'done' : await store.recordUses(uses);
    if (isOutage(answer)) waiting = uses.concat(waiting).slice(-tokensMax);
    return answer;
  };
  const flusher = createFlusher({
    everyMs: () => flushEveryMs,
    flush,
    isWaiting: () => waiting.length > 0,
    what: 'times of last use',
    log,
  });
  /** The oldest come first: a token noted again moves to the end. */
  const forget = (nowMs: number): void => {
    for (const [tokenId, atMs] of noted) {
      if (nowMs - atMs < noteEveryMs) return;
      noted.delete(tokenId);
    }
  };

  return {
    note: (tokenId: string, nowMs: number): void => {
      const lastMs = noted.get(tokenId);
      if (lastMs !== undefined && nowMs - lastMs < noteEveryMs) return;
      forget(nowMs);
      if (noted.size >= tokensMax) return;
      noted.delete(tokenId);
      noted.set(tokenId, nowMs);
      waiting.push({ tokenId, atMs: nowMs });
      flusher.plan();
    },
    close: flusher.close,
  };
};
