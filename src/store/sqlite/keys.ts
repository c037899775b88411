// Signing keys in the embedded store: public halves, and private halves that arrive sealed. Runs inside a transaction
// its caller holds.

import type { SigningKeyRecord } from '../records.ts';
import { appendLine } from './change-log.ts';
import type { Connection } from './connection.ts';
import { keyColumns, parseKey } from './rows.ts';

export const listKeys = (connection: Connection): SigningKeyRecord[] =>
  connection.all(`SELECT ${keyColumns} FROM keys ORDER BY created_at_ms, kid`).map((row) => parseKey(row));

/** A key that is there already was added by the call this one repeats. */
export const addKey = (
  connection: Connection,
  key: SigningKeyRecord,
  options: { readonly ifNone: boolean; readonly retireOthersAtMs: number },
): 'added' | 'exists' => {
  const keys = listKeys(connection);
  const same = keys.find(({ kid }) => kid === key.kid);
  if (same !== undefined) return same.publicJwk === key.publicJwk ? 'added' : 'exists';
  if (options.ifNone && keys.some(({ algorithm }) => algorithm === key.algorithm)) return 'exists';
  connection.run(
    'UPDATE keys SET retire_at_ms = ? WHERE algorithm = ? AND retire_at_ms IS NULL',
    options.retireOthersAtMs,
    key.algorithm,
  );
  connection.run(
    `INSERT INTO keys (${keyColumns}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    key.kid,
    key.algorithm,
    key.publicJwk,
    key.sealedPrivateKey,
    key.createdAtMs,
    key.activeFromMs,
    key.retireAtMs ?? null,
  );
  appendLine(connection, { kind: 'keys', atMs: key.createdAtMs });
  return 'added';
};

export const revokeKey = (connection: Connection, kid: string, nowMs: number): 'revoked' | 'unknown' => {
  if (!listKeys(connection).some((key) => key.kid === kid)) return 'unknown';
  connection.run('UPDATE keys SET retire_at_ms = 0 WHERE kid = ?', kid);
  appendLine(connection, { kind: 'keys', atMs: nowMs });
  return 'revoked';
};
