// Asks the store again and again whether it answers look-ups, over the connections that requests use, and what time it is.
// Readiness and the store's clock rest on the answers; no request waits for them.

import { setTimeout as delay } from 'node:timers/promises';
import { isOutage, outage, type Outage } from '../decision/outcome.ts';
import type { TokenStore } from '../store/token-store.ts';
import { readStoreClock, type StoreClock } from './store-clock.ts';

export interface StoreWatch {
  /** Resolves once every server of the store has answered a look-up, and its clock is known; never when closed before. */
  readonly whenAnswered: Promise<void>;
  state(): LookupState;
  close(): Promise<void>;
}

/** `unread`: none answered yet; `silent`: none for longer than the cache rides out; `unproven`: none since the feed was stale. */
export type LookupState =
  | { readonly is: 'answered' }
  | { readonly is: 'unread' | 'silent' | 'unproven'; readonly cause: Outage };

const askEveryMs = 1_000;
/** After an outage, so that a store that comes back is seen at once. */
const retryMs = 50;
/** How often the clock is read at most before it counts as known. */
const readingsOfStart = 3;
const causeUnknown: Outage = outage('store_unavailable');

/** Once the feed has been stale, a look-up must be answered anew: the feed often reconnects before look-ups can. */
export const watchStore = (deps: {
  readonly store: Pick<TokenStore, 'probe'>;
  readonly clock: Pick<StoreClock, 'correct'>;
  readonly silentMsMax: () => number;
  readonly isFeedStale: () => boolean;
}): StoreWatch => {
  const { store, clock, silentMsMax, isFeedStale } = deps;
  const answered = Promise.withResolvers<void>();
  const stop = new AbortController();
  const { signal } = stop;
  let cause = causeUnknown;
  /** When the last look-up that was answered was asked. */
  let answeredMs = -Infinity;
  /** When the feed was last seen stale. */
  let staleMs = -Infinity;
  /** When look-ups began to fail; undefined while they are answered. */
  let failingSinceMs: number | undefined;

  const ask = async (): Promise<boolean> => {
    const askedMs = performance.now();
    const tries = answeredMs === -Infinity ? readingsOfStart : 1;
    const reading = await readStoreClock(() => store.probe(), tries).catch((bug: unknown) =>
      outage('store_unavailable', bug),
    );
    if (isOutage(reading)) {
      cause = reading;
      failingSinceMs ??= askedMs;
      return false;
    }
    if (reading !== undefined) clock.correct(reading);
    failingSinceMs = undefined;
    cause = causeUnknown;
    answeredMs = askedMs;
    answered.resolve();
    return true;
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const pauseMs = (await ask()) && !isFeedStale() ? askEveryMs : retryMs;
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  };
  const running = run();

  return {
    whenAnswered: answered.promise,
    state: () => {
      if (answeredMs === -Infinity) return { is: 'unread', cause };
      const nowMs = performance.now();
      if (isFeedStale()) staleMs = nowMs;
      const isSilent = failingSinceMs !== undefined && nowMs - failingSinceMs > silentMsMax();
      if (isSilent) return { is: 'silent', cause };
      return answeredMs < staleMs ? { is: 'unproven', cause } : { is: 'answered' };
    },
    close: () => {
      stop.abort();
      return running;
    },
  };
};
