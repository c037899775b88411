// Signing keys in the embedded store: public halves, and private halves that arrive sealed. Runs inside a transaction
// its caller holds.

import type { SigningKeyStore } from '../token-store.ts';
import { appendLine } from './change-log.ts';
import type { FileAccess, Step } from './file-access.ts';
import { keyTable, parseKey } from './rows.ts';

const listKeys: Step<'listKeys'> = (connection) =>
  connection.all(`SELECT ${keyTable.columns} FROM keys ORDER BY created_at_ms, kid`).map(parseKey);

/** A key that is there already was added by the call this one repeats. */
const addKey: Step<'addKey'> = (connection, key, options) => {
  const keys = listKeys(connection);
  const same = keys.find(({ kid }) => kid === key.kid);
  if (same !== undefined) return same.publicJwk === key.publicJwk ? 'added' : 'exists';
  if (options.ifNone && keys.some(({ algorithm }) => algorithm === key.algorithm)) return 'exists';
  const retire = 'UPDATE keys SET retire_at_ms = ? WHERE algorithm = ? AND retire_at_ms IS NULL';
  connection.run(retire, options.retireOthersAtMs, key.algorithm);
  connection.run(keyTable.insert, ...keyTable.parameters({ ...key }));
  appendLine(connection, { kind: 'keys', atMs: key.createdAtMs });
  return 'added';
};

const revokeKey: Step<'revokeKey'> = (connection, kid, nowMs) => {
  if (connection.run('UPDATE keys SET retire_at_ms = 0 WHERE kid = ?', kid) === 0) return 'unknown';
  appendLine(connection, { kind: 'keys', atMs: nowMs });
  return 'revoked';
};

export const signingKeys = (file: FileAccess): SigningKeyStore => ({
  listKeys: file.reading(listKeys),
  addKey: file.writing(addKey),
  revokeKey: file.writing(revokeKey),
});
