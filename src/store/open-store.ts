// Settings -> the token store they name: Redis, or a SQLite file. The one place that knows both adapters.

import type { StoreSettings } from '../settings/settings.ts';
import { createRedisStore } from './redis/redis-store.ts';
import { createSqliteStore } from './sqlite/sqlite-store.ts';
import { silentLog, type StoreLog } from './store-log.ts';
import type { TokenStore } from './token-store.ts';

export interface StoreOptions {
  /**
   * How long a line of the change feed must be kept, in ms: the longest access-token life and a margin. The longest that
   * any process has ever asked for counts, so that none prunes what another's tokens still need.
   */
  readonly retentionMs: number;
  readonly log?: StoreLog | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
  /** Whether opening a SQLite file reads all of it and refuses a damaged one. */
  readonly checksPages?: boolean | undefined;
}

/** The store cannot be opened at all; the message says what to do. */
export class StoreUnusable extends Error {
  override readonly name = 'StoreUnusable';
}

/** Makes the store; its `open()` connects or opens the file. */
export const createStore = (settings: StoreSettings, options: StoreOptions): TokenStore => {
  const { retentionMs, log = silentLog, now = Date.now, checksPages = false } = options;
  if (settings.kind === 'sqlite')
    return createSqliteStore(settings, {
      retentionMs,
      now,
      checksPages,
      observe: { feedFault: (err) => log.warn('the change feed cannot be read; trying again', { err }) },
    });
  return createRedisStore(settings, { retentionMs, now, log });
};

/**
 * Makes the store and opens it. A Redis that is down is not waited for: calls then answer an Outage.
 * Throws StoreUnusable when a SQLite file cannot be used, with what to do about it.
 */
export const openStore = async (settings: StoreSettings, options: StoreOptions): Promise<TokenStore> => {
  const store = createStore(settings, options);
  try {
    await store.open();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError) throw error;
    throw new StoreUnusable(error.message, { cause: error });
  }
  return store;
};
