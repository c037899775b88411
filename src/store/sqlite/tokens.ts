// API tokens and ended sessions in the embedded store. Only digests reach it. What writes runs inside a transaction
// its caller holds.

import { recordRetentionMs, secretEndMs } from '../api-token-state.ts';
import { changeOfSecret } from '../changes.ts';
import type { ApiTokenRecord } from '../records.ts';
import type { ApiTokenStore, TokenExpiry, TokenUse } from '../api-token-store.ts';
import type { LookUps } from '../token-store.ts';
import { shardOfTokenId } from '../../tokens/shard.ts';
import { findOrg, findUser } from './accounts.ts';
import { appendLine, appendOnce, isKnownLine } from './change-log.ts';
import type { FileConnection } from './connection.ts';
import type { FileAccess, Step } from './file-access.ts';
import {
  integerOf,
  newTokenParameters,
  newTokenTable,
  ownerTable,
  parseOwner,
  parseToken,
  tokenTable,
} from './rows.ts';

const lookUp = `SELECT ${tokenTable.prefixed('')}, ${ownerTable.prefixed('user_')},
    tokens.secret_number - (tokens.digest <> ?1) AS found_number
  FROM tokens JOIN users ON users.org_id = tokens.org_id AND users.id = tokens.user_id
  WHERE (tokens.digest = ?1 OR tokens.previous_digest = ?1) AND users.deleted_at_ms IS NULL`;

/** One statement, so token and user are of one moment. */
export const findApiToken: Step<'findApiToken'> = (connection, digest) => {
  const row = connection.get(lookUp, digest);
  return (
    row && { token: parseToken(row), user: parseOwner(row), secretNumber: integerOf(row, 'found_number') }
  );
};

const findToken: Step<'findToken'> = (connection, tokenId) => {
  const row = connection.get(`SELECT ${tokenTable.columns} FROM tokens WHERE id = ?`, tokenId);
  return row && parseToken(row);
};

const hasImports: Step<'hasImports'> = (connection) =>
  connection.get("SELECT 1 FROM tokens WHERE origin = 'imported' LIMIT 1") !== undefined;

/** The same id with the same digest is the same token: created before, or just now; never revived. */
const createToken: Step<'createToken'> = (connection, token, digest, perUserMax = Infinity) => {
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
  // Its id may have been revoked before it had a record.
  const isRevoked = isKnownLine(connection, { kind: 'token', tokenId: token.id, atMs: token.createdAtMs });
  const revokedAtMs = token.revokedAtMs ?? (isRevoked ? token.createdAtMs : undefined);
  const made = { ...token, revokedAtMs, state: revokedAtMs === undefined ? token.state : 'revoked' } as const;
  connection.run(newTokenTable.insert, ...newTokenParameters(made, digest));
  return 'created';
};

const isRoom = (connection: FileConnection, token: ApiTokenRecord, perUserMax: number): boolean =>
  connection.get(
    `SELECT 1 FROM tokens WHERE org_id = ? AND user_id = ? AND state = 'active' AND ends_at_ms > ?
      ORDER BY ends_at_ms LIMIT 1 OFFSET ?`,
    token.orgId,
    token.userId,
    token.createdAtMs,
    perUserMax - 1,
  ) === undefined;

/** The secret before stays known, good or not, until the next one. */
const regenerateToken: Step<'regenerateToken'> = (connection, tokenId, secret, nowMs) => {
  const row = connection.get(`SELECT digest, ${tokenTable.columns} FROM tokens WHERE id = ?`, tokenId);
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
  if (secret.expiry !== undefined) writeExpiry(connection, tokenId, secret.expiry);
  appendLine(connection, changeOfSecret(tokenId, secret, nowMs));
  return {
    ...token,
    secretNumber: secret.number,
    previousSecretExpiresAtMs: secret.previousUntilMs,
    ...secret.expiry,
  };
};

/** It is looked at for reminders at once. */
export const writeExpiry = (
  connection: FileConnection,
  tokenId: string,
  { expiresAtMs, renewedAtMs }: TokenExpiry,
): void => {
  connection.run(
    'UPDATE tokens SET expires_at_ms = ?, renewed_at_ms = ?, remind_at_ms = 0 WHERE id = ?',
    expiresAtMs ?? null,
    renewedAtMs ?? null,
    tokenId,
  );
};

const recordUses = (connection: FileConnection, uses: readonly TokenUse[]): void => {
  for (const { tokenId, atMs } of uses)
    connection.run(
      'UPDATE tokens SET last_used_at_ms = ?1 WHERE id = ?2 AND ifnull(last_used_at_ms, 0) < ?1',
      atMs,
      tokenId,
    );
};

/** Of an active token; answers whether it was. */
export const markRevoked = (connection: FileConnection, tokenId: string, atMs: number): boolean =>
  connection.run(
    "UPDATE tokens SET state = 'revoked', revoked_at_ms = ? WHERE id = ? AND state = 'active'",
    atMs,
    tokenId,
  ) > 0;

const revokeToken: Step<'revokeToken'> = (connection, tokenId, nowMs, digest) => {
  if (Number.isNaN(shardOfTokenId(tokenId))) return 'unknown';
  const token = findToken(connection, tokenId);
  if (token !== undefined && digest !== undefined) {
    const found = findApiToken(connection, digest);
    if (found?.token.id !== tokenId || nowMs >= secretEndMs(found)) return 'replaced';
  }
  const isRevoked = markRevoked(connection, tokenId, nowMs);
  appendOnce(connection, { kind: 'token', tokenId, atMs: nowMs });
  if (token === undefined) return 'unknown';
  return isRevoked ? 'revoked' : 'already_revoked';
};

/** An ended session is a line of the feed and nothing else: it matters as long as its access tokens live. */
const endSession: Step<'endSession'> = (connection, sessionId, nowMs) => {
  appendOnce(connection, { kind: 'session', sessionId, atMs: nowMs });
  return 'ended';
};

const prunedAtOnce = 500;

/**
 * Deletes records long expired or revoked, a bounded number at a time. A revoked import stays: the same import, run
 * again, would revive it.
 */
export const pruneTokens = (connection: FileConnection, nowMs: number): void => {
  for (const isOver of ['expires_at_ms < ?', "revoked_at_ms < ? AND origin <> 'imported'"])
    connection.run(
      `DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE ${isOver} LIMIT ${prunedAtOnce})`,
      nowMs - recordRetentionMs,
    );
};

export const lookUps = (file: FileAccess): LookUps => ({
  findApiToken: file.reading(findApiToken),
  findOrg: file.reading(findOrg),
  findUser: file.reading(findUser),
  hasImports: file.reading(hasImports),
});

export const apiTokens = (file: FileAccess): ApiTokenStore => ({
  createToken: file.writing(createToken),
  findToken: file.reading(findToken),
  regenerateToken: file.writing(regenerateToken),
  recordUses: file.noting(recordUses),
  revokeToken: file.writing(revokeToken),
  endSession: file.writing(endSession),
});
