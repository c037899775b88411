// The TokenStore on Redis: standalone, Sentinel or Cluster. Here the connections are made and the parts put together;
// what the parts do is in their own files. Nothing of a request is decided here.

import type { Redis } from 'ioredis';
import type { RedisSettings } from '../../settings/settings.ts';
import type { TokenStore } from '../token-store.ts';
import { accounts } from './accounts.ts';
import { apiTokens } from './api-tokens.ts';
import { followChanges } from './change-feed.ts';
import { type StoreContext, type StoreObserver, attemptWith } from './context.ts';
import { warnOfEviction } from './eviction.ts';
import { KeySpace } from './key-space.ts';
import { RedisLink, type StoreLog } from './link.ts';
import { lookups } from './lookups.ts';
import { reapply } from './reapply.ts';
import { ReplicatedWrites } from './replicated-writes.ts';
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
  const reads = new RedisLink(settings, 'read', { log, secrets });
  const met = (server: Redis): void => void warnOfEviction(server, log).catch(() => undefined);
  const writes = new RedisLink(settings, 'write', { log, secrets, met });
  // A connection of their own, because WAIT holds up everything behind it.
  const waiting = settings.replicasMin > 0 ? new RedisLink(settings, 'write', { log, secrets }) : undefined;
  const links = waiting === undefined ? [reads, writes] : [reads, writes, waiting];
  const replicated =
    waiting && new ReplicatedWrites(waiting, settings.replicasMin, Math.ceil(settings.writeTimeoutMs * 0.6));
  const context: StoreContext = {
    keys: new KeySpace(settings.prefix),
    reads,
    writes,
    retentionMs: options.retentionMs,
    log,
    revoke: (script, keys, args) => (replicated ?? writes).run(script, keys, args),
    renew: (history) => {
      for (const link of links) link.renew(history);
    },
    attempt: attemptWith(options.observe, secrets),
    feedFailed: (code) => {
      options.observe?.error(code);
      for (const link of links) link.recheck();
    },
  };
  return {
    open: async () => {
      await Promise.all(links.map((link) => link.open()));
    },
    close: async () => {
      for (const link of links) link.close();
    },
    ...lookups(context),
    ...accounts(context),
    ...apiTokens(context),
    ...signingKeys(context),
    ...reapply(context, options.now ?? Date.now),
    follow: (listener) => followChanges(context, settings, listener, secrets),
  };
};
