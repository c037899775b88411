// The names of all keys. Everything of a user carries its shard's hash tag, so that one script sees it all:
// `tollgate:{7}:user:<org>/<user>`.

import type { AuditLog } from '../audit-logs.ts';
import type { TokenOrder, TokenPart } from '../token-listing.ts';
import type { UsageSubject } from '../usage-store.ts';
import { shardCount, shardOfAccount, shardOfDigest, shardOfTokenId } from '../../tokens/shard.ts';

export const allShards: readonly number[] = Array.from({ length: shardCount }, (_, shard) => shard);

const indexNames: Readonly<Record<TokenOrder, string>> = {
  createdAtMs: 'created',
  name: 'name',
  expiresAtMs: 'expires',
};

/** Makes `<org>/<user>` unambiguous: only the org may not contain the separator. */
const escapeOrg = (orgId: string): string =>
  /[%/]/.test(orgId) ? orgId.replaceAll('%', '%25').replaceAll('/', '%2F') : orgId;

/** An id Redis can keep: a lone surrogate would be stored as U+FFFD and collide with another id. */
export const isStorableId = (id: string): boolean => id.isWellFormed();

export const isStorableAccount = (orgId: string, userId: string | undefined): boolean =>
  isStorableId(orgId) && (userId === undefined || isStorableId(userId));

/** The record of an org or a user, and the stream of its shard. */
export const accountKeys = (
  keys: KeySpace,
  orgId: string,
  userId: string | undefined,
): [record: string, changes: string] => [
  keys.record(orgId, userId),
  keys.changes(shardOfAccount(orgId, userId)),
];

/** Whether a text can be the id of a token: it names a shard. */
export const isStorableTokenId = (tokenId: string): boolean =>
  !Number.isNaN(shardOfTokenId(tokenId)) && isStorableId(tokenId);

export class KeySpace {
  readonly #bases: readonly string[];

  constructor(prefix: string) {
    if (/[{}]/.test(prefix)) throw new Error(`the Redis key prefix must not contain { or }: ${prefix}`);
    this.#bases = allShards.map((shard) => `${prefix}:{${shard}}:`);
  }

  #key(shard: number, name: string): string {
    const base = this.#bases[shard];
    if (base === undefined) throw new TypeError(`no such shard: ${shard}`);
    return base + name;
  }

  /** The part of keys that names an account: `<org>/<user>`, or `<org>`, which names no user. */
  readonly account = (orgId: string, userId: string | undefined): string =>
    userId === undefined ? escapeOrg(orgId) : `${escapeOrg(orgId)}/${userId}`;
  /** The record of an org or a user. */
  readonly record = (orgId: string, userId: string | undefined): string =>
    userId === undefined ? this.org(orgId) : this.user(orgId, userId);

  // Records: hashes without expiry. All signing keys lie in one, so that adding one and retiring the others is one step.
  readonly org = (orgId: string): string => this.#key(shardOfAccount(orgId), `org:${orgId}`);
  readonly user = (orgId: string, userId: string): string =>
    this.#key(shardOfAccount(orgId, userId), `user:${this.account(orgId, userId)}`);
  readonly signingKeys = (): string => this.#key(0, 'keys');

  // The hash of an API token, and the text that leads from a digest to its id: until 30 days past expiry or revocation.
  readonly token = (tokenId: string): string => this.#key(shardOfTokenId(tokenId), `token:${tokenId}`);
  readonly digest = (digest: string): string => this.#key(shardOfDigest(digest), `digest:${digest}`);

  // Sorted sets without expiry: ids; how tokens are listed (token-sets.ts), `of` an account or the part of an org in this
  // shard; and records that will expire, by when. What has vanished is swept.
  readonly orgs = (shard: number): string => this.#key(shard, 'orgs');
  readonly usersOf = (orgId: string): string => this.#key(shardOfAccount(orgId), `users:${orgId}`);
  readonly tokensOf = (orgId: string, userId: string): string =>
    this.#key(shardOfAccount(orgId, userId), `tokens:${this.account(orgId, userId)}`);
  readonly tokenIndex = (shard: number, part: TokenPart, by: TokenOrder, of: string): string =>
    this.#key(shard, `${part}:${indexNames[by]}:${of}`);
  readonly vanishing = (shard: number): string => this.#key(shard, 'vanishing');

  // Marks without expiry: something was imported; an earlier version's tokens are in those sets; its audit is copied so far.
  readonly imports = (shard: number): string => this.#key(shard, 'imports');
  /** Tokens by when they are looked at next for a reminder. */
  readonly looks = (shard: number): string => this.#key(shard, 'reminder-looks');
  readonly looksPlanned = (): string => this.#key(0, 'reminder-looks-planned');
  readonly tokensIndexed = (): string => this.#key(0, 'tokens-indexed');
  readonly auditCopied = (): string => this.#key(0, 'audit-copied');

  // The change feed: a stream, and for how long its lines are kept, in ms: the longest any replica asked for (`retentionOf`
  // computes that name from the stream's). For as long: ended sessions, deleted accounts, revocations whose record was
  // lost, and which line of something was written back last.
  readonly changes = (shard: number): string => this.#key(shard, 'changes');
  readonly retention = (shard: number): string => this.#key(shard, 'retention');
  readonly ended = (shard: number, what: string): string => this.#key(shard, `ended:${what}`);
  /** Of an org or a user that was deleted, or whose record was lost: its generation. */
  readonly endedAccount = (orgId: string, userId: string | undefined): string =>
    this.ended(
      shardOfAccount(orgId, userId),
      userId === undefined ? `org:${orgId}` : `user:${this.account(orgId, userId)}`,
    );
  readonly lineWrittenBack = (shard: number, subject: string): string => this.#key(shard, `line:${subject}`);

  // Reminders: what was sent goes with its token; the lease ends by itself.
  readonly reminders = (tokenId: string): string =>
    this.#key(shardOfTokenId(tokenId), `reminders:${tokenId}`);
  readonly reminderLease = (): string => this.#key(0, 'reminder-lease');

  // Usage: hashes with a field for each day, which expire; all of a token, its user and this shard's part of its org lie together.
  // And which batch of a process was added last.
  readonly usage = (shard: number, subject: UsageSubject): string => {
    if ('tokenId' in subject) return this.#key(shard, `usage:token:${subject.tokenId}`);
    const { orgId, userId } = subject;
    return this.#key(shard, `usage:${userId === undefined ? 'org' : 'user'}:${this.account(orgId, userId)}`);
  };
  readonly usageWriter = (shard: number, writer: string): string =>
    this.#key(shard, `usage-writer:${writer}`);

  // What limits count: ends by itself. A living replica of those that count is a member of one sorted set.
  readonly count = (key: string): string => this.#key(shardOfTokenId(key), `count:${key}`);
  readonly replicas = (): string => this.#key(0, 'replicas');

  // The audit: streams that keep their newest entries. The logs of all orgs lie in one shard, those of an org with its record;
  // `auditBefore` is what the log of all orgs held of an org before orgs had their own.
  readonly audit = (log: AuditLog): string => {
    const name = log.kind === 'done' ? 'audit' : `audit-${log.kind}`;
    return log.kind === 'operator' || log.org === undefined
      ? this.#key(0, name)
      : this.#key(shardOfAccount(log.org), `${name}:${log.org}`);
  };
  readonly auditBefore = (orgId: string): string => this.#key(shardOfAccount(orgId), `audit-before:${orgId}`);
}

/** The mark in the shard of another key: what is written before a WAIT for replicas. */
export const replicationMarkBeside = (key: string): string =>
  `${key.slice(0, key.indexOf('}:') + 2)}replicated`;

/** A session has no user to lie with; its own hash spreads it. */
export const shardOfSession = (sessionId: string): number => shardOfAccount(sessionId);
