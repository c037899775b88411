// Settings -> the token store they name: Redis, or a SQLite file. The one place that knows both adapters.

import type { StoreSettings } from '../settings/settings.ts';
import type { StoreObserver } from './redis/context.ts';
import type { StoreLog } from './redis/link.ts';
import { createRedisStore } from './redis/redis-store.ts';
import { createSqliteStore } from './sqlite/sqlite-store.ts';
import type { TokenStore } from './token-store.ts';

export interface StoreOptions {
  /** How long a line of the change feed is kept, in ms: the longest access-token life and a margin. */
  readonly retentionMs: number;
  readonly log?: StoreLog | undefined;
  /** Commands of Redis, for the metrics. */
  readonly observe?: StoreObserver | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
}

/** Makes the store; its `open()` connects or opens the file. */
export const createStore = (settings: StoreSettings, options: StoreOptions): TokenStore => {
  const { retentionMs, log, observe, now = Date.now } = options;
  if (settings.kind === 'sqlite')
    return createSqliteStore(settings, {
      retentionMs,
      now,
      observe: { feedFault: (err) => log?.warn({ err }, 'the change feed cannot be read; trying again') },
    });
  return createRedisStore(settings, {
    retentionMs,
    now,
    ...(log !== undefined && { log }),
    ...(observe !== undefined && { observe }),
  });
};

/**
 * Makes the store and opens it. A Redis that is down is not waited for: calls then answer an Outage.
 * Throws when a SQLite file cannot be used, with what to do about it.
 */
export const openStore = async (settings: StoreSettings, options: StoreOptions): Promise<TokenStore> => {
  const store = createStore(settings, options);
  await store.open();
  return store;
};
