// API tokens and ended sessions in the embedded store. Only digests reach it. What writes runs inside a transaction
// its caller holds.

import type { ApiTokenRecord } from '../records.ts';
import type { ApiTokenFound, NextSecret, Page, PageRequest, TokenUse } from '../token-store.ts';
import { shardOfTokenId } from '../../tokens/shard.ts';
import { secretEndMs } from '../api-token-state.ts';
import { findUser } from './accounts.ts';
import { appendLine, isKnownLine } from './change-log.ts';
import type { Connection } from './connection.ts';
import { pageOf } from './paging.ts';
import { integer, ownerColumns, parseOwner, parseToken, tokenColumns } from './rows.ts';

const prefixed = (columns: string, table: string, as = ''): string =>
  columns
    .split(', ')
    .map((column) => `${table}.${column} AS ${as}${column}`)
    .join(', ');

const lookUp = `SELECT ${prefixed(tokenColumns, 'tokens')}, ${prefixed(ownerColumns, 'users', 'user_')},
    tokens.secret_number - (tokens.digest <> ?1) AS found_number
  FROM tokens JOIN users ON users.org_id = tokens.org_id AND users.id = tokens.user_id
  WHERE tokens.digest = ?1 OR tokens.previous_digest = ?1`;

/** One statement, so token and user are of one moment. */
export const findApiToken = (connection: Connection, digest: string): ApiTokenFound | undefined => {
  const row = connection.get(lookUp, digest);
  return (
    row && {
      token: parseToken(row),
      user: parseOwner(row, 'user_'),
      secretNumber: integer(row, 'found_number'),
    }
  );
};

export const findToken = (connection: Connection, tokenId: string): ApiTokenRecord | undefined => {
  const row = connection.get(`SELECT ${tokenColumns} FROM tokens WHERE id = ?`, tokenId);
  return row && parseToken(row);
};

export const hasImports = (connection: Connection): boolean =>
  connection.get("SELECT 1 FROM tokens WHERE origin = 'imported' LIMIT 1") !== undefined;

export const listTokens = (
  connection: Connection,
  orgId: string,
  userId: string,
  page: PageRequest,
): Page<ApiTokenRecord> =>
  pageOf(page, (after, count) =>
    connection
      .all(
        `SELECT ${tokenColumns} FROM tokens WHERE org_id = ? AND user_id = ? AND id > ? ORDER BY id LIMIT ?`,
        orgId,
        userId,
        after,
        count,
      )
      .map((row) => parseToken(row)),
  );

/** The same id with the same digest is the same token: created before, or just now; never revived. */
export const createToken = (
  connection: Connection,
  token: ApiTokenRecord,
  digest: string,
  perUserMax = Infinity,
): 'created' | 'digest_taken' | 'user_unknown' | 'too_many' => {
  if (findUser(connection, token.orgId, token.userId) === undefined) return 'user_unknown';
  const taken = connection.all(
    'SELECT id, digest FROM tokens WHERE id = ?1 OR digest = ?2 OR previous_digest = ?2',
    token.id,
    digest,
  );
  if (taken.length > 0)
    return taken.every((row) => row['id'] === token.id && row['digest'] === digest)
      ? 'created'
      : 'digest_taken';
  if (perUserMax !== Infinity && !isRoom(connection, token, perUserMax)) return 'too_many';
  // Its id was revoked before it had a record.
  const isRevoked = isKnownLine(connection, { kind: 'token', tokenId: token.id, atMs: token.createdAtMs });
  const revokedAtMs = token.revokedAtMs ?? (isRevoked ? token.createdAtMs : undefined);
  connection.run(
    `INSERT INTO tokens (digest, ${tokenColumns}) VALUES (?${', ?'.repeat(tokenColumns.split(', ').length)})`,
    digest,
    token.id,
    token.orgId,
    token.userId,
    token.name,
    token.scopes === 'all' ? null : JSON.stringify(token.scopes),
    token.origin,
    revokedAtMs === undefined ? token.state : 'revoked',
    token.createdAtMs,
    token.expiresAtMs ?? null,
    revokedAtMs ?? null,
    token.generation.org,
    token.generation.user,
    token.secretNumber,
    token.previousSecretExpiresAtMs ?? null,
    token.lastUsedAtMs ?? null,
    token.openid ? 1 : 0,
    token.notifyBeforeExpiryMs ?? null,
    JSON.stringify(token.labels),
  );
  return 'created';
};

const isRoom = (connection: Connection, token: ApiTokenRecord, perUserMax: number): boolean =>
  connection.get(
    `SELECT 1 FROM tokens WHERE org_id = ? AND user_id = ? AND state = 'active' AND ends_at_ms > ?
      ORDER BY ends_at_ms LIMIT 1 OFFSET ?`,
    token.orgId,
    token.userId,
    token.createdAtMs,
    perUserMax - 1,
  ) === undefined;

/** The secret before stays known, good or not, until the next one. */
export const regenerateToken = (
  connection: Connection,
  tokenId: string,
  secret: NextSecret,
  nowMs: number,
): ApiTokenRecord | 'unknown' | 'revoked' | 'outdated' | 'digest_taken' => {
  const row = connection.get(`SELECT digest, ${tokenColumns} FROM tokens WHERE id = ?`, tokenId);
  if (row === undefined) return 'unknown';
  const token = parseToken(row);
  if (token.state === 'revoked') return 'revoked';
  if (token.secretNumber === secret.number && row['digest'] === secret.digest) return token;
  if (token.secretNumber + 1 !== secret.number) return 'outdated';
  const taken = connection.get(
    'SELECT 1 FROM tokens WHERE digest = ?1 OR previous_digest = ?1',
    secret.digest,
  );
  if (taken !== undefined) return 'digest_taken';
  connection.run(
    `UPDATE tokens SET previous_digest = digest, digest = ?, secret_number = ?, previous_secret_expires_at_ms = ?
      WHERE id = ?`,
    secret.digest,
    secret.number,
    secret.previousUntilMs ?? null,
    tokenId,
  );
  appendLine(connection, {
    kind: 'secret',
    tokenId,
    secretNumber: secret.number,
    digest: secret.digest,
    ...(secret.previousUntilMs === undefined ? {} : { previousUntilMs: secret.previousUntilMs }),
    atMs: nowMs,
  });
  return {
    ...token,
    secretNumber: secret.number,
    previousSecretExpiresAtMs: secret.previousUntilMs,
  };
};

export const recordUses = (connection: Connection, uses: readonly TokenUse[]): void => {
  for (const { tokenId, atMs } of uses)
    connection.run(
      'UPDATE tokens SET last_used_at_ms = ?1 WHERE id = ?2 AND ifnull(last_used_at_ms, 0) < ?1',
      atMs,
      tokenId,
    );
};

export const revokeToken = (
  connection: Connection,
  tokenId: string,
  nowMs: number,
  digest: string | undefined,
): 'revoked' | 'already_revoked' | 'replaced' | 'unknown' => {
  if (Number.isNaN(shardOfTokenId(tokenId))) return 'unknown';
  const token = findToken(connection, tokenId);
  if (token !== undefined && digest !== undefined) {
    const found = findApiToken(connection, digest);
    if (found?.token.id !== tokenId || nowMs >= secretEndMs(found)) return 'replaced';
  }
  const revoked = connection.run(
    "UPDATE tokens SET state = 'revoked', revoked_at_ms = ? WHERE id = ? AND state = 'active'",
    nowMs,
    tokenId,
  );
  const line = { kind: 'token', tokenId, atMs: nowMs } as const;
  if (!isKnownLine(connection, line)) appendLine(connection, line);
  if (token === undefined) return 'unknown';
  return revoked === 0 ? 'already_revoked' : 'revoked';
};

/** An ended session is a line of the feed and nothing else: it matters as long as its access tokens live. */
export const endSession = (connection: Connection, sessionId: string, nowMs: number): 'ended' => {
  const change = { kind: 'session', sessionId, atMs: nowMs } as const;
  if (!isKnownLine(connection, change)) appendLine(connection, change);
  return 'ended';
};

/** A record outlives its expiry or revocation, so that listings and refusals can still name it. */
const recordRetentionMs = 30 * 24 * 3600 * 1000;
const prunedAtOnce = 500;

/**
 * Lets go of records long expired or revoked, a bounded number at a time. A revoked import stays: the same import, run
 * again, would revive it.
 */
export const pruneTokens = (connection: Connection, nowMs: number): void => {
  for (const isOver of ['expires_at_ms < ?', "revoked_at_ms < ? AND origin <> 'imported'"])
    connection.run(
      `DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE ${isOver} LIMIT ${prunedAtOnce})`,
      nowMs - recordRetentionMs,
    );
};
