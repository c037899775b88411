// The embedded token store: one SQLite file, durable when it answers, shared by the processes of one host. Each command
// is one step on the file (file-access.ts); never keeps a secret.

import { isOutage } from '../../decision/outcome.ts';
import type { SqliteSettings } from '../../settings/settings.ts';
import { silentLog, type StoreOptions } from '../store-options.ts';
import type { TokenStore } from '../token-store.ts';
import { dayOf } from '../usage-store.ts';
import { accounts } from './accounts.ts';
import { audit } from './audit.ts';
import type { FileConnection } from './connection.ts';
import { counts, pruneCounts } from './counts.ts';
import { deletions, pruneDeleted } from './deletion.ts';
import { FileAccess } from './file-access.ts';
import { FileFollower } from './follower.ts';
import { signingKeys } from './keys.ts';
import { reapplyChanges } from './reapply.ts';
import { pruneReminders, reminders } from './reminders.ts';
import { tokenListings } from './token-scan.ts';
import { apiTokens, findApiToken, lookUps, pruneTokens } from './tokens.ts';
import { pruneUsage, usage } from './usage.ts';

/** Another process's writes are found this much later. */
const pollDefaultMs = 10;

const pruneRecords = (connection: FileConnection, nowMs: number): void => {
  pruneTokens(connection, nowMs);
  pruneDeleted(connection, nowMs);
  pruneReminders(connection, nowMs);
  pruneUsage(connection, dayOf(nowMs));
  pruneCounts(connection, nowMs);
};

/** Opens nothing yet: `open` does, and throws with the file and what to do when it cannot be used. */
export const createSqliteStore = ({ file }: SqliteSettings, options: StoreOptions): TokenStore => {
  const {
    retentionMs,
    pollMs = pollDefaultMs,
    now = Date.now,
    log = silentLog,
    checksPages = false,
  } = options;
  const followers = new Set<FileFollower>();
  // Followers in this process know before the caller does.
  const onWritten = (): void => {
    for (const follower of followers) follower.poll();
  };
  const access = new FileAccess(file, { retentionMs, now, checksPages, pruneRecords, onWritten });
  return {
    open: () => access.open(),
    close: async () => {
      for (const follower of followers) await follower.close();
      followers.clear();
      access.close();
    },
    probe: async () => {
      const found = await access.reading(findApiToken)('');
      // The machine's clock is the store's.
      return isOutage(found) ? found : { readings: [] };
    },
    ...lookUps(access),
    ...accounts(access),
    ...deletions(access),
    ...apiTokens(access),
    ...tokenListings(access),
    ...signingKeys(access),
    ...audit(access),
    ...reminders(access),
    ...usage(access),
    ...counts(access),
    reapply: (changes) => reapplyChanges(access, changes, now() - access.retentionMs),
    follow: (listener, longerMs = 0) => {
      if (longerMs > 0) void access.keepLines(longerMs);
      const follower = new FileFollower(file, listener, {
        pollMs,
        fault: (err) => log.warn('the change feed cannot be read; trying again', { err }),
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
