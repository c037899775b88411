// Settings -> the token store they name: Redis, or a SQLite file. The one place that knows both adapters.

import type { StoreSettings } from '../settings/settings.ts';
import { createRedisStore } from './redis/redis-store.ts';
import { createSqliteStore } from './sqlite/sqlite-store.ts';
import type { StoreOptions } from './store-options.ts';
import type { TokenStore } from './token-store.ts';

/** The store cannot be opened at all; the message says what to do. */
export class StoreUnusable extends Error {
  override readonly name = 'StoreUnusable';
}

/** Makes the store; its `open()` connects or opens the file. */
export const createStore = (settings: StoreSettings, options: StoreOptions): TokenStore =>
  settings.kind === 'sqlite' ? createSqliteStore(settings, options) : createRedisStore(settings, options);

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
