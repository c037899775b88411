// The embedded token store: one SQLite file, durable when it answers, shared by the processes of one host. Each command
// is one step on the file (file-access.ts); never keeps a secret.

import { isOutage } from '../../decision/outcome.ts';
import type { SqliteSettings } from '../../settings/settings.ts';
import type { TokenStore } from '../token-store.ts';
import { accounts } from './accounts.ts';
import { audit } from './audit.ts';
import { FileAccess } from './file-access.ts';
import { FileFollower } from './follower.ts';
import { signingKeys } from './keys.ts';
import { reapplyChanges } from './reapply.ts';
import { tokenListings } from './token-scan.ts';
import { apiTokens, findApiToken, lookUps, pruneTokens } from './tokens.ts';

export interface SqliteStoreOptions {
  /** How long a line of the feed must be kept: the longest access-token life and a margin. Another opener may need it for longer. */
  readonly retentionMs: number;
  /** How often another process's writes are looked for; 10 by default. */
  readonly pollMs?: number;
  readonly now?: () => number;
  /** Whether opening reads the whole file and refuses a damaged one. */
  readonly checksPages?: boolean;
  readonly observe?: {
    /** The feed could not be read; it is tried again. */
    readonly feedFault?: (error: unknown) => void;
  };
}

/** Opens nothing yet: `open` does, and throws with the file and what to do when it cannot be used. */
export const createSqliteStore = ({ file }: SqliteSettings, options: SqliteStoreOptions): TokenStore => {
  let { retentionMs } = options;
  const { pollMs = 10, now = Date.now, checksPages = false } = options;
  const followers = new Set<FileFollower>();
  // Followers in this process know before the caller does.
  const onWritten = (): void => {
    for (const follower of followers) follower.poll();
  };
  const access = new FileAccess(file, {
    get retentionMs() {
      return retentionMs;
    },
    now,
    checksPages,
    pruneTokens,
    onWritten,
  });
  return {
    open: () => access.open(),
    close: async () => {
      for (const follower of followers) await follower.close();
      followers.clear();
      access.close();
    },
    probe: async () => {
      const found = await access.read((connection) => findApiToken(connection, ''));
      // The machine's clock is the store's.
      return isOutage(found) ? found : { readings: [] };
    },
    ...lookUps(access),
    ...accounts(access),
    ...apiTokens(access),
    ...tokenListings(access),
    ...signingKeys(access),
    ...audit(access),
    reapply: (changes) => reapplyChanges(access, changes, now() - retentionMs),
    follow: (listener, longerMs = 0) => {
      retentionMs = Math.max(retentionMs, longerMs);
      if (longerMs > 0) void access.keepLines();
      const follower = new FileFollower(file, listener, {
        pollMs,
        fault: (error) => options.observe?.feedFault?.(error),
      });
      followers.add(follower);
      return {
        fault: () => follower.fault(),
        close: () => {
          followers.delete(follower);
          return follower.close();
        },
      };
    },
  };
};
