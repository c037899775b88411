// The names of all keys. Everything of a user carries its shard's hash tag, so that one script sees it all.
//
//   tollgate:{7}:user:<org>/<user>    hash    the user record            no expiry
//   tollgate:{7}:tokens:<org>/<user>  zset    the user's token ids       no expiry; vanished ids are swept
//   tollgate:{7}:live:created:<org>/<user>, ...   zsets   how tokens are listed (token-sets.ts)   no expiry; swept
//   tollgate:{7}:vanishing            zset    records that will expire, by when   swept
//   tollgate:{0}:tokens-indexed       string  an earlier version's tokens are in those sets   no expiry
//   tollgate:{7}:token:<id>           hash    the API-token record       30 days past expiry or revocation
//   tollgate:{7}:digest:<sha256>      string  token id                   with the record it points to
//   tollgate:{7}:imports              string  set by the first import    no expiry
//   tollgate:{7}:org:<org>            hash    the org, in its own shard  no expiry
//   tollgate:{7}:orgs, users:<org>    zset    ids                        no expiry
//   tollgate:{7}:ended:<what>         string  ended sessions, deleted accounts, and revocations whose record was lost   retention
//   tollgate:{7}:line:<what>          string  which line of it was written back last   retention
//   tollgate:{7}:changes              stream  the change feed            retention
//   tollgate:{7}:retention            string  that time in ms: the longest any replica asked for   no expiry
//   tollgate:{7}:replicated  hash  written before each WAIT for replicas   no expiry
//   tollgate:{0}:keys                 hash    signing keys by kid        no expiry
//   tollgate:{0}:audit, audit-refused, audit-stranger, audit-operator
//                                                       streams   the audit of all orgs   their newest entries
//   tollgate:{7}:audit:<org>, audit-refused:<org>, audit-stranger:<org>
//                                                       streams   the audit of one org    their newest entries
//   tollgate:{7}:audit-before:<org>   stream  what `audit` held of the org before orgs had their own
//   tollgate:{0}:audit-copied         string  how far it has been copied there

import type { AuditLog } from '../audit-logs.ts';
import type { TokenOrder, TokenPart } from '../token-listing.ts';
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

  readonly user = (orgId: string, userId: string): string =>
    this.#key(shardOfAccount(orgId, userId), `user:${this.account(orgId, userId)}`);
  readonly tokensOf = (orgId: string, userId: string): string =>
    this.#key(shardOfAccount(orgId, userId), `tokens:${this.account(orgId, userId)}`);
  /** `of`: an account, or an org, whose part of this shard it is. */
  readonly tokenIndex = (shard: number, part: TokenPart, by: TokenOrder, of: string): string =>
    this.#key(shard, `${part}:${indexNames[by]}:${of}`);
  readonly vanishing = (shard: number): string => this.#key(shard, 'vanishing');
  readonly tokensIndexed = (): string => this.#key(0, 'tokens-indexed');
  readonly org = (orgId: string): string => this.#key(shardOfAccount(orgId), `org:${orgId}`);
  readonly usersOf = (orgId: string): string => this.#key(shardOfAccount(orgId), `users:${orgId}`);
  readonly orgs = (shard: number): string => this.#key(shard, 'orgs');
  readonly token = (tokenId: string): string => this.#key(shardOfTokenId(tokenId), `token:${tokenId}`);
  readonly digest = (digest: string): string => this.#key(shardOfDigest(digest), `digest:${digest}`);
  readonly imports = (shard: number): string => this.#key(shard, 'imports');
  /** Of an org or a user that was deleted, or whose record was lost: its generation. */
  readonly endedAccount = (orgId: string, userId: string | undefined): string =>
    this.ended(
      shardOfAccount(orgId, userId),
      userId === undefined ? `org:${orgId}` : `user:${this.account(orgId, userId)}`,
    );
  readonly ended = (shard: number, what: string): string => this.#key(shard, `ended:${what}`);
  readonly lineWrittenBack = (shard: number, subject: string): string => this.#key(shard, `line:${subject}`);
  readonly changes = (shard: number): string => this.#key(shard, 'changes');
  /** The Lua function `appendLine` computes this name from that of the stream. */
  readonly retention = (shard: number): string => this.#key(shard, 'retention');
  /** All signing keys lie in one shard, so that adding one and retiring the others is one step. */
  readonly signingKeys = (): string => this.#key(0, 'keys');
  readonly auditBefore = (orgId: string): string => this.#key(shardOfAccount(orgId), `audit-before:${orgId}`);
  readonly auditCopied = (): string => this.#key(0, 'audit-copied');
  /** The logs of all orgs lie in one shard, those of an org with its record. */
  readonly audit = (log: AuditLog): string => {
    const name = log.kind === 'done' ? 'audit' : `audit-${log.kind}`;
    return log.kind === 'operator' || log.org === undefined
      ? this.#key(0, name)
      : this.#key(shardOfAccount(log.org), `${name}:${log.org}`);
  };
}

/** The mark in the shard of another key: what is written before a WAIT for replicas. */
export const replicationMarkBeside = (key: string): string =>
  `${key.slice(0, key.indexOf('}:') + 2)}replicated`;

/** A session has no user to lie with; its own hash spreads it. */
export const shardOfSession = (sessionId: string): number => shardOfAccount(sessionId);
