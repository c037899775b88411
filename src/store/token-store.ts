// The port every store adapter implements (redis/, sqlite/). Outcomes are values: an Outage is returned, never thrown.
// Each write and its line in the change feed are one atomic step, and every write is idempotent: repeating it after
// an unknown outcome is safe and gives the same answer. An answer that says that something is done, now or before, is given
// only once it is as durable as the settings ask (`store.replicasMin`); never out of memory.

import type { Outage } from '../decision/outcome.ts';
import type {
  AccountState,
  ApiTokenRecord,
  AuditEntry,
  Change,
  OrgRecord,
  SigningKeyRecord,
  TokenOwner,
  UserRecord,
} from './records.ts';
import type { ApiTokenStore } from './api-token-store.ts';
import type { CountStore } from './count-store.ts';
import type { ReminderStore } from './reminder-store.ts';
import type { TokenListings } from './token-listing.ts';
import type { UsageStore } from './usage-store.ts';

/** What one look-up of a secret's digest finds, read atomically. */
export interface ApiTokenFound {
  readonly token: ApiTokenRecord;
  readonly user: TokenOwner;
  /** Which of the token's secrets it was: the present one, or the one before it, whether that is still good or not. */
  readonly secretNumber: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; undefined on the last page. */
  readonly nextCursor: string | undefined;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | undefined;
}

export interface OrgChange {
  readonly name?: string;
  readonly state?: AccountState;
  /** Roles to define or redefine; `null` deletes. */
  readonly roles?: Readonly<Record<string, readonly string[] | null>>;
  readonly tokenLifetimeMsMax?: number | null;
  readonly reminderThresholdsMs?: readonly number[] | null;
}

export interface UserChange {
  readonly name?: string;
  readonly state?: AccountState;
  readonly roles?: readonly string[];
  /** `null` takes the password away. */
  readonly passwordHash?: string | null;
  readonly email?: string | null;
  /** Begins a generation though nothing else changes: every session of the user ends, the API tokens live on. */
  readonly endsSessions?: true;
}

/** `already_deleted`: there is none, but there was one not long ago. */
export type Deletion = 'deleted' | 'already_deleted' | 'unknown';

/** What a follower of the change feed hears. Calls arrive in order; none may throw. */
export interface ChangeListener {
  /** Lines of the feed, oldest first. Lines may be repeated after a reconnection. */
  changes(changes: readonly Change[]): void;
  /** The feed answered (with or without lines). Called at least once a second while connected. */
  heard(): void;
  /** Everything up to now has been delivered: at start-up after the whole retention window, and after each reset. */
  caughtUp(): void;
  /** Continuity was lost (trimmed, flushed, another server): drop every cache; lines follow from the horizon. */
  reset(reason: 'trimmed' | 'server_replaced'): void;
  /**
   * Another server answers now, with every line that was delivered here. It may lack lines that were written, but not
   * delivered yet: what is known should be written back.
   */
  handedOver?(): void;
  connected(isConnected: boolean): void;
}

/** What the servers of a store say of their clocks. */
export interface StoreProbe {
  /** One of each server. Empty where the machine's clock is the store's. */
  readonly readings: readonly ClockReading[];
}

/** A reading of a server's clock. */
export interface ClockReading {
  /** What it said when this process's monotonic clock (`performance.now()`) was at 0, in ms since the epoch. */
  readonly originMs: number;
  /** By how much that may be wrong: half the round trip. */
  readonly uncertaintyMs: number;
}

export interface Subscription {
  /** Why the feed is not connected; undefined while it is, and until something has failed. */
  fault(): Outage | undefined;
  close(): Promise<void>;
}

/** The look-ups of the request path. */
export interface LookUps {
  /** `digest`: SHA-256 of the secret, 64 lower-case hex digits. */
  findApiToken(digest: string): Promise<ApiTokenFound | undefined | Outage>;
  findOrg(orgId: string): Promise<OrgRecord | undefined | Outage>;
  findUser(orgId: string, userId: string): Promise<UserRecord | undefined | Outage>;
  /** Whether any imported token exists, so that secrets of a foreign shape are worth a look-up. */
  hasImports(): Promise<boolean | Outage>;
}

export interface AccountStore {
  /**
   * The very same record again, `createdAtMs` too, is an earlier attempt repeated: `created`. Of an id that was deleted, or
   * whose record was lost, the generations begin above those of before, whatever the record says.
   */
  createOrg(org: OrgRecord): Promise<'created' | 'exists' | Outage>;
  changeOrg(orgId: string, change: OrgChange, nowMs: number): Promise<OrgRecord | undefined | Outage>;
  listOrgs(page: PageRequest): Promise<Page<OrgRecord> | Outage>;
  createUser(user: UserRecord): Promise<'created' | 'exists' | 'org_unknown' | Outage>;
  changeUser(
    orgId: string,
    userId: string,
    change: UserChange,
    nowMs: number,
  ): Promise<UserRecord | undefined | Outage>;
  /**
   * Replaces the hash `known` by another hash of the same password. Ends no session and writes no line of the feed.
   * `changed`: the user has another hash by now, or is gone, and keeps it.
   */
  renewPasswordHash(
    orgId: string,
    userId: string,
    hashes: { readonly known: string; readonly next: string },
  ): Promise<'renewed' | 'changed' | Outage>;
  listUsers(orgId: string, page: PageRequest): Promise<Page<UserRecord> | Outage>;
  /** Revokes every API token and session of a user (or of the whole org when `userId` is undefined): one write. */
  revokeAll(
    orgId: string,
    userId: string | undefined,
    nowMs: number,
  ): Promise<'revoked' | 'unknown' | Outage>;
}

/** Accounts that are taken away. */
export interface AccountDeletions {
  /**
   * Takes a user away for good, in one step with its line: every session and API token ends. One made later with the same id
   * begins in a generation above all of this one, so that nothing of it comes back.
   */
  deleteUser(orgId: string, userId: string, nowMs: number): Promise<Deletion | Outage>;
  /**
   * Takes an org away, and all its users. The first step ends every session and API token; users are then deleted one by
   * one. After an outage the org may be left disabled, with some of its users: a repetition goes on. Its audit stays.
   */
  deleteOrg(orgId: string, nowMs: number): Promise<Deletion | Outage>;
}

export interface SigningKeyStore {
  listKeys(): Promise<readonly SigningKeyRecord[] | Outage>;
  /** Adds a key and retires the others of its algorithm at `retireOthersAtMs`; `ifNone` adds only the first of an algorithm. */
  addKey(
    key: SigningKeyRecord,
    options: { readonly ifNone: boolean; readonly retireOthersAtMs: number },
  ): Promise<'added' | 'exists' | Outage>;
  /** Retires a key from the beginning of time: nothing it has signed or will sign is believed, whatever a clock says. */
  revokeKey(kid: string, nowMs: number): Promise<'revoked' | 'unknown' | Outage>;
}

export interface AuditStore {
  /**
   * Adds entries to the logs of `audit-logs.ts`; of each log the oldest beyond its bound are dropped. After an unknown
   * outcome an entry may be there twice.
   */
  appendAudit(entries: readonly AuditEntry[]): Promise<'done' | Outage>;
  /** Newest first; costs what it returns. `orgId`: the audit of that org; undefined: the operator's, of all orgs. */
  readAudit(orgId: string | undefined, page: PageRequest): Promise<Page<AuditEntry> | Outage>;
}

interface WriteBack {
  /** Writes back what this replica knew after a server lost it. Never lowers a generation, never revives. */
  reapply(changes: readonly Change[]): Promise<'done' | Outage>;
}

type Commands = LookUps &
  AccountStore &
  AccountDeletions &
  ApiTokenStore &
  TokenListings &
  SigningKeyStore &
  AuditStore &
  ReminderStore &
  UsageStore &
  CountStore &
  WriteBack;

export interface TokenStore extends Commands {
  /** Opens connections or files. Does not wait for a server that is down: look-ups then return an Outage. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** One look-up of nothing on each connection that look-ups use: an Outage unless all of them answer. */
  probe(): Promise<StoreProbe | Outage>;
  /**
   * Follows the change feed, from its beginning. `retentionMs`: how long its lines must be kept from here on, where that is
   * longer than the store was opened with.
   */
  follow(listener: ChangeListener, retentionMs?: number): Subscription;
}

/** A command of the port. `probe` is none: it serves nobody's request and is not counted. */
export type StoreCommand = keyof Commands;
/** What a command takes. */
export type CommandInput<Command extends StoreCommand> = Parameters<TokenStore[Command]>;
/** What a command answers when the store works. */
export type CommandAnswer<Command extends StoreCommand> = Exclude<
  Awaited<ReturnType<TokenStore[Command]>>,
  Outage
>;

const commands: Readonly<Record<StoreCommand, true>> = {
  findApiToken: true,
  findOrg: true,
  findUser: true,
  hasImports: true,
  createOrg: true,
  changeOrg: true,
  listOrgs: true,
  createUser: true,
  changeUser: true,
  renewPasswordHash: true,
  listUsers: true,
  deleteUser: true,
  deleteOrg: true,
  revokeAll: true,
  createToken: true,
  findToken: true,
  regenerateToken: true,
  recordUses: true,
  revokeToken: true,
  endSession: true,
  scanTokens: true,
  countTokens: true,
  buryTokens: true,
  listKeys: true,
  addKey: true,
  revokeKey: true,
  appendAudit: true,
  readAudit: true,
  listReminderLooks: true,
  planReminderLooks: true,
  leaseReminders: true,
  findReminders: true,
  claimReminder: true,
  settleReminder: true,
  addUsage: true,
  readUsage: true,
  takeAllowance: true,
  addTallies: true,
  noteReplica: true,
  reapply: true,
};

/** The names of all commands, for the metrics: one that is missing does not compile. */
export const storeCommands: readonly string[] = Object.keys(commands);
