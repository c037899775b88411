// The embedded token store: one SQLite file, durable when it answers, shared by the processes of one host. Each command
// is one step on the file (file-access.ts); never keeps a secret.

import { setImmediate } from 'node:timers/promises';
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
import { FileAccess } from './file-access.ts';
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

const reapplyBatch = 500;

/** Opens nothing yet: `open` does, and throws with the file and what to do when it cannot be used. */
export const createSqliteStore = (settings: SqliteSettings, options: SqliteStoreOptions): TokenStore =>
  new SqliteStore(settings, options);

class SqliteStore implements TokenStore {
  readonly #file: string;
  readonly #options: SqliteStoreOptions;
  readonly #now: () => number;
  readonly #followers = new Set<Follower>();
  readonly #access: FileAccess;

  constructor(settings: SqliteSettings, options: SqliteStoreOptions) {
    this.#file = settings.file;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#access = new FileAccess(settings.file, {
      retentionMs: options.retentionMs,
      now: this.#now,
      checksPages: options.checksPages ?? false,
      // Followers in this process know before the caller does.
      onWritten: () => {
        for (const follower of this.#followers) follower.poll();
      },
    });
  }

  open(): Promise<void> {
    return this.#access.open();
  }

  async close(): Promise<void> {
    for (const follower of this.#followers) await follower.close();
    this.#followers.clear();
    this.#access.close();
  }

  findApiToken(digest: string) {
    return this.#access.read((connection) => tokens.findApiToken(connection, digest));
  }

  findOrg(orgId: string) {
    return this.#access.read((connection) => accounts.findOrg(connection, orgId));
  }

  findUser(orgId: string, userId: string) {
    return this.#access.read((connection) => accounts.findUser(connection, orgId, userId));
  }

  hasImports() {
    return this.#access.read(tokens.hasImports);
  }

  async probe() {
    const found = await this.#access.read((connection) => tokens.findApiToken(connection, ''));
    // The machine's clock is the store's.
    return isOutage(found) ? found : { timeOriginsMs: [] };
  }

  createOrg(org: OrgRecord) {
    return this.#access.write((connection) => accounts.createOrg(connection, org));
  }

  changeOrg(orgId: string, change: OrgChange, nowMs: number) {
    return this.#access.write((connection) => accounts.changeOrg(connection, orgId, change, nowMs));
  }

  listOrgs(page: PageRequest) {
    return this.#access.read((connection) => accounts.listOrgs(connection, page));
  }

  createUser(user: UserRecord) {
    return this.#access.write((connection) => accounts.createUser(connection, user));
  }

  changeUser(orgId: string, userId: string, change: UserChange, nowMs: number) {
    return this.#access.write((connection) => accounts.changeUser(connection, orgId, userId, change, nowMs));
  }

  renewPasswordHash(...renewal: Parameters<TokenStore['renewPasswordHash']>) {
    return this.#access.write((connection) => accounts.renewPasswordHash(connection, ...renewal));
  }

  listUsers(orgId: string, page: PageRequest) {
    return this.#access.read((connection) => accounts.listUsers(connection, orgId, page));
  }

  createToken(token: ApiTokenRecord, digest: string, perUserMax?: number) {
    return this.#access.write((connection) => tokens.createToken(connection, token, digest, perUserMax));
  }

  findToken(tokenId: string) {
    return this.#access.read((connection) => tokens.findToken(connection, tokenId));
  }

  listTokens(orgId: string, userId: string, page: PageRequest) {
    return this.#access.read((connection) => tokens.listTokens(connection, orgId, userId, page));
  }

  /** Requests are served between two steps of a listing. */
  async scanTokens(scan: TokenScan): Promise<TokenScanStep | Outage> {
    const step = await this.#access.read((connection) => tokenScan.scanTokens(connection, scan));
    await setImmediate();
    return step;
  }

  countTokens(count: TokenCount) {
    return tokenScan.countTokens((step) => this.#access.read(step), count);
  }

  buryTokens(tokenIds: readonly string[], nowMs: number) {
    return this.#access.note(tokenIds, (connection, ids) => tokenScan.buryTokens(connection, ids, nowMs));
  }

  regenerateToken(tokenId: string, secret: NextSecret, nowMs: number) {
    return this.#access.write((connection) => tokens.regenerateToken(connection, tokenId, secret, nowMs));
  }

  recordUses(uses: readonly TokenUse[]) {
    return this.#access.note(uses, tokens.recordUses);
  }

  revokeToken(tokenId: string, nowMs: number, digest?: string) {
    return this.#access.write((connection) => tokens.revokeToken(connection, tokenId, nowMs, digest));
  }

  revokeAll(orgId: string, userId: string | undefined, nowMs: number) {
    return this.#access.write((connection) => accounts.revokeAll(connection, orgId, userId, nowMs));
  }

  endSession(sessionId: string, nowMs: number) {
    return this.#access.write((connection) => tokens.endSession(connection, sessionId, nowMs));
  }

  listKeys(): Promise<readonly SigningKeyRecord[] | Outage> {
    return this.#access.read(keys.listKeys);
  }

  addKey(key: SigningKeyRecord, options: { readonly ifNone: boolean; readonly retireOthersAtMs: number }) {
    return this.#access.write((connection) => keys.addKey(connection, key, options));
  }

  revokeKey(kid: string, nowMs: number) {
    return this.#access.write((connection) => keys.revokeKey(connection, kid, nowMs));
  }

  appendAudit(entries: readonly AuditEntry[]) {
    return this.#access.note(entries, audit.appendAudit);
  }

  readAudit(orgId: string | undefined, page: PageRequest) {
    return this.#access.read((connection) => audit.readAudit(connection, orgId, page));
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
      const result = await this.#access.write((connection) => {
        for (const change of changes.slice(start, start + reapplyBatch))
          reapplyChange(connection, change, horizonMs);
        return 'done' as const;
      });
      if (result !== 'done') return result;
    }
    return 'done';
  }
}
