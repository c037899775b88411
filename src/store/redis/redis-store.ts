// The TokenStore on Redis: standalone, Sentinel or Cluster. Here the connections are made and the parts put together;
// what the parts do is in their own files. Nothing of a request is decided here.

import type { RedisSettings } from '../../settings/settings.ts';
import type { TokenStore } from '../token-store.ts';
import { accounts } from './accounts.ts';
import { apiTokens } from './api-tokens.ts';
import { followChanges } from './change-feed.ts';
import { type StoreContext, type StoreObserver, attemptWith } from './context.ts';
import { KeySpace } from './key-space.ts';
import { RedisLink, type StoreLog } from './link.ts';
import { lookups } from './lookups.ts';
import { reapply } from './reapply.ts';
import { signingKeys } from './signing-keys.ts';

export interface RedisStoreOptions {
  readonly log?: StoreLog;
  /** How long the change streams are kept, in ms: the longest access-token life and a margin. */
  readonly retentionMs: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly observe?: StoreObserver;
}

const silent: StoreLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Makes the store; `open()` connects. Look-ups and writes have connections of their own, so neither waits for the other. */
export const createRedisStore = (settings: RedisSettings, options: RedisStoreOptions): TokenStore => {
  const log = options.log ?? silent;
  const secrets = settings.password === undefined ? [] : [settings.password];
  const reads = new RedisLink(settings, 'read', log, secrets);
  const writes = new RedisLink(settings, 'write', log, secrets);
  const context: StoreContext = {
    keys: new KeySpace(settings.prefix),
    reads,
    writes,
    retentionMs: options.retentionMs,
    log,
    revoke: (script, keys, args) => writes.run(script, keys, args),
    attempt: attemptWith(options.observe, secrets),
    failed: (code) => options.observe?.error(code),
  };
  return {
    open: async () => {
      await Promise.all([reads.open(), writes.open()]);
    },
    close: async () => {
      reads.close();
      writes.close();
    },
    ...lookups(context),
    ...accounts(context),
    ...apiTokens(context),
    ...signingKeys(context),
    ...reapply(context, options.now ?? Date.now),
    follow: (listener) => followChanges(context, settings, listener, secrets),
  };
};
