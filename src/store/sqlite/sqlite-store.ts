// The embedded token store: one SQLite file, durable when it answers, shared by the processes of one host. Turns
// SQLite's errors into outages; never keeps a secret and never blocks on another process's lock.

import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { isOutage, type Outage } from '../../decision/outcome.ts';
import type { SqliteSettings } from '../../settings/settings.ts';
import type {
  ApiTokenRecord,
  AuditEntry,
  Change,
  OrgRecord,
  SigningKeyRecord,
  UserRecord,
} from '../records.ts';
import type {
  ChangeListener,
  NextSecret,
  OrgChange,
  PageRequest,
  Subscription,
  TokenStore,
  TokenUse,
  UserChange,
} from '../token-store.ts';
import type { TokenCount, TokenScan, TokenScanStep } from '../token-places.ts';
import * as accounts from './accounts.ts';
import * as audit from './audit.ts';
import { askRetention, pruneLines, readRetention } from './change-log.ts';
import { Connection } from './connection.ts';
import { isBusy, openError, outageOf } from './fault.ts';
import { Follower } from './follower.ts';
import * as keys from './keys.ts';
import { reapplyChange } from './reapply.ts';
import * as tokenScan from './token-scan.ts';
import * as tokens from './tokens.ts';

export interface SqliteStoreOptions {
  /** How long a line of the feed must be kept: the longest access-token life and a margin. Another opener may need it for longer. */
  readonly retentionMs: number;
  /** How often another process's writes are looked for; 10 unless told. */
  readonly pollMs?: number;
  readonly now?: () => number;
  /** Whether opening reads the whole file and refuses a damaged one. */
  readonly checksPages?: boolean;
  readonly observe?: {
    /** The feed could not be read; it is tried again. */
    readonly feedFault?: (error: unknown) => void;
  };
}

const openPatienceMs = 5_000;
const commandPatienceMs = 2_000;
const tryAgainMs = 5;
const pruneEveryMs = 60_000;
const checkFileEveryMs = 1_000;
const reapplyBatch = 500;
const notedAtOnce = 100;

/** Opens nothing yet: `open` does, and throws with the file and what to do when it cannot be used. */
export const createSqliteStore = (settings: SqliteSettings, options: SqliteStoreOptions): TokenStore =>
  new SqliteStore(settings, options);

class SqliteStore implements TokenStore {
  readonly #file: string;
  readonly #options: SqliteStoreOptions;
  readonly #now: () => number;
  readonly #followers = new Set<Follower>();
  #connection: Connection | undefined;
  #fileCheckedMs = -Infinity;
  #prunedMs = -Infinity;

  constructor(settings: SqliteSettings, options: SqliteStoreOptions) {
    this.#file = settings.file;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async open(): Promise<void> {
    const deadlineMs = performance.now() + openPatienceMs;
    for (;;)
      try {
        this.#connection ??= Connection.openWriter(this.#file, this.#options);
        this.#askRetention(this.#connection);
        return;
      } catch (error) {
        // A file that opens and then fails is an outage for whoever asks, and the process lives.
        if (!isBusy(error) && this.#connection !== undefined) return;
        if (!isBusy(error) || performance.now() >= deadlineMs) throw openError(this.#file, error);
        await delay(tryAgainMs);
      }
  }

  async close(): Promise<void> {
    for (const follower of this.#followers) await follower.close();
    this.#followers.clear();
    this.#connection?.close();
  }

  findApiToken(digest: string) {
    return this.#read((connection) => tokens.findApiToken(connection, digest));
  }

  findOrg(orgId: string) {
    return this.#read((connection) => accounts.findOrg(connection, orgId));
  }

  findUser(orgId: string, userId: string) {
    return this.#read((connection) => accounts.findUser(connection, orgId, userId));
  }

  hasImports() {
    return this.#read(tokens.hasImports);
  }

  async probe() {
    const found = await this.#read((connection) => tokens.findApiToken(connection, ''));
    // The machine's clock is the store's.
    return isOutage(found) ? found : { timeOriginsMs: [] };
  }

  createOrg(org: OrgRecord) {
    return this.#write((connection) => accounts.createOrg(connection, org));
  }

  changeOrg(orgId: string, change: OrgChange, nowMs: number) {
    return this.#write((connection) => accounts.changeOrg(connection, orgId, change, nowMs));
  }

  listOrgs(page: PageRequest) {
    return this.#read((connection) => accounts.listOrgs(connection, page));
  }

  createUser(user: UserRecord) {
    return this.#write((connection) => accounts.createUser(connection, user));
  }

  changeUser(orgId: string, userId: string, change: UserChange, nowMs: number) {
    return this.#write((connection) => accounts.changeUser(connection, orgId, userId, change, nowMs));
  }

  renewPasswordHash(...renewal: Parameters<TokenStore['renewPasswordHash']>) {
    return this.#write((connection) => accounts.renewPasswordHash(connection, ...renewal));
  }

  listUsers(orgId: string, page: PageRequest) {
    return this.#read((connection) => accounts.listUsers(connection, orgId, page));
  }

  createToken(token: ApiTokenRecord, digest: string, perUserMax?: number) {
    return this.#write((connection) => tokens.createToken(connection, token, digest, perUserMax));
  }

  findToken(tokenId: string) {
    return this.#read((connection) => tokens.findToken(connection, tokenId));
  }

  listTokens(orgId: string, userId: string, page: PageRequest) {
    return this.#read((connection) => tokens.listTokens(connection, orgId, userId, page));
  }

  /** Requests are served between two steps of a listing. */
  async scanTokens(scan: TokenScan): Promise<TokenScanStep | Outage> {
    const step = await this.#read((connection) => tokenScan.scanTokens(connection, scan));
    await setImmediate();
    return step;
  }

  countTokens(count: TokenCount) {
    return tokenScan.countTokens((step) => this.#read(step), count);
  }

  buryTokens(tokenIds: readonly string[], nowMs: number) {
    return this.#note(tokenIds, (connection, ids) => tokenScan.buryTokens(connection, ids, nowMs));
  }

  regenerateToken(tokenId: string, secret: NextSecret, nowMs: number) {
    return this.#write((connection) => tokens.regenerateToken(connection, tokenId, secret, nowMs));
  }

  recordUses(uses: readonly TokenUse[]) {
    return this.#note(uses, tokens.recordUses);
  }

  revokeToken(tokenId: string, nowMs: number, digest?: string) {
    return this.#write((connection) => tokens.revokeToken(connection, tokenId, nowMs, digest));
  }

  revokeAll(orgId: string, userId: string | undefined, nowMs: number) {
    return this.#write((connection) => accounts.revokeAll(connection, orgId, userId, nowMs));
  }

  endSession(sessionId: string, nowMs: number) {
    return this.#write((connection) => tokens.endSession(connection, sessionId, nowMs));
  }

  listKeys(): Promise<readonly SigningKeyRecord[] | Outage> {
    return this.#read(keys.listKeys);
  }

  addKey(key: SigningKeyRecord, options: { readonly ifNone: boolean; readonly retireOthersAtMs: number }) {
    return this.#write((connection) => keys.addKey(connection, key, options));
  }

  revokeKey(kid: string, nowMs: number) {
    return this.#write((connection) => keys.revokeKey(connection, kid, nowMs));
  }

  appendAudit(entries: readonly AuditEntry[]) {
    return this.#note(entries, audit.appendAudit);
  }

  readAudit(orgId: string | undefined, page: PageRequest) {
    return this.#read((connection) => audit.readAudit(connection, orgId, page));
  }

  follow(listener: ChangeListener): Subscription {
    const follower = new Follower(this.#file, listener, {
      pollMs: this.#options.pollMs ?? 10,
      fault: (error) => this.#options.observe?.feedFault?.(error),
    });
    this.#followers.add(follower);
    return {
      fault: () => follower.fault(),
      close: async () => {
        this.#followers.delete(follower);
        await follower.close();
      },
    };
  }

  async reapply(changes: readonly Change[]): Promise<'done' | Outage> {
    const horizonMs = this.#now() - this.#options.retentionMs;
    for (let start = 0; start < changes.length; start += reapplyBatch) {
      const result = await this.#write((connection) => {
        for (const change of changes.slice(start, start + reapplyBatch))
          reapplyChange(connection, change, horizonMs);
        return 'done' as const;
      });
      if (result !== 'done') return result;
    }
    return 'done';
  }

  #read<T>(step: (connection: Connection) => T): Promise<T | Outage> {
    return this.#attempt(() => step(this.#current(checkFileEveryMs)));
  }

  /** The answer comes after the commit is on the disk; followers in this process know before the caller does. */
  async #write<T>(step: (connection: Connection) => T): Promise<T | Outage> {
    return this.#attempt(() => {
      const connection = this.#current(0);
      const result = connection.transaction(() => {
        const answer = step(connection);
        this.#pruneSometimes(connection);
        return answer;
      });
      for (const follower of this.#followers) follower.poll();
      return result;
    });
  }

  /** What nothing rests on: written a few at a time, waiting for no disk, so that requests are served in between. */
  async #note<T>(
    items: readonly T[],
    step: (connection: Connection, items: readonly T[]) => void,
  ): Promise<'done' | Outage> {
    for (let start = 0; start < items.length; start += notedAtOnce) {
      const result = await this.#attempt(() => {
        const connection = this.#current(0);
        connection.transaction(() => step(connection, items.slice(start, start + notedAtOnce)), false);
        return 'done' as const;
      });
      if (result !== 'done') return result;
      await setImmediate();
    }
    return 'done';
  }

  /** Waits out another process's lock by trying again, so that requests are served meanwhile. */
  async #attempt<T>(step: () => T): Promise<T | Outage> {
    const deadlineMs = performance.now() + commandPatienceMs;
    for (;;)
      try {
        return step();
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadlineMs) return outageOf(this.#file, error);
        await delay(tryAgainMs);
      }
  }

  /** The open connection, when the file still has its name; checked again after `checkedMs`. */
  #current(checkedMs: number): Connection {
    const connection = this.#connection;
    if (connection === undefined) throw new Error('the token store is used before it is open');
    const nowMs = performance.now();
    if (nowMs - this.#fileCheckedMs >= checkedMs) {
      connection.assertCurrentFile();
      this.#fileCheckedMs = nowMs;
    }
    return connection;
  }

  #pruneSometimes(connection: Connection): void {
    const nowMs = performance.now();
    if (nowMs - this.#prunedMs < pruneEveryMs) return;
    this.#prunedMs = nowMs;
    // Again, should the file have been restored from before this process asked.
    askRetention(connection, this.#options.retentionMs);
    pruneLines(connection, this.#now() - readRetention(connection));
    tokens.pruneTokens(connection, this.#now());
  }

  /** Before anything is pruned by anybody: tokens of this process may need the lines for longer than they do. */
  #askRetention(connection: Connection): void {
    const { retentionMs } = this.#options;
    if (readRetention(connection) >= retentionMs) return;
    connection.transaction(() => askRetention(connection, retentionMs));
  }
}
