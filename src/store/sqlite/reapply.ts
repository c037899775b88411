// Gives back what a replica had seen and the file has lost (an older backup was restored). Only ever raises
// generations and revokes; never lowers, never revives. Runs inside a transaction its caller holds.

import type { Outage } from '../../decision/outcome.ts';
import type { Change, OrgRecord, UserRecord } from '../records.ts';
import { findOrg, findUser, writeAccount } from './accounts.ts';
import { appendLine, isKnownLine } from './change-log.ts';
import type { Connection } from './connection.ts';
import type { FileAccess } from './file-access.ts';
import { markRevoked } from './tokens.ts';

const changesAtOnce = 500;

/** `horizonMs`: lines older than this are in force, but their line is not written again; nothing they end is still alive. */
export const reapplyChanges = async (
  file: FileAccess,
  changes: readonly Change[],
  horizonMs: number,
): Promise<'done' | Outage> => {
  for (let start = 0; start < changes.length; start += changesAtOnce) {
    const some = changes.slice(start, start + changesAtOnce);
    const outage = await file.write((connection) => {
      for (const change of some) reapplyChange(connection, change, horizonMs);
    });
    if (outage !== undefined) return outage;
  }
  return 'done';
};

const reapplyChange = (connection: Connection, change: Change, horizonMs: number): void => {
  const line = applyToRecord(connection, change);
  if (line.kind === 'keys' || line.atMs < horizonMs || isKnownLine(connection, line)) return;
  appendLine(connection, line);
};

/** Answers the line to write: of an account, what the record says then. */
const applyToRecord = (connection: Connection, change: Change): Change => {
  switch (change.kind) {
    case 'token':
      markRevoked(connection, change.tokenId, change.atMs);
      return change;
    case 'secret':
      // The secret it replaced is known only when it is the very one before it.
      connection.run(
        `UPDATE tokens SET previous_digest = iif(secret_number = ?1 - 1, digest, NULL), digest = ?2,
           previous_secret_expires_at_ms = ?3, secret_number = ?1
         WHERE id = ?4 AND secret_number < ?1`,
        change.secretNumber,
        change.digest,
        change.previousUntilMs ?? null,
        change.tokenId,
      );
      return change;
    case 'user':
      return raise(connection, findUser(connection, change.orgId, change.userId), change);
    case 'org':
      return raise(connection, findOrg(connection, change.orgId), change);
    case 'session':
    case 'keys':
      return change;
  }
};

/** Raises the generations of an account again. The state is only taken from a line newer than the record. */
const raise = <T extends Extract<Change, { generation: number }>>(
  connection: Connection,
  account: OrgRecord | UserRecord | undefined,
  change: T,
): T => {
  if (account === undefined) return change;
  const facts = {
    generation: Math.max(account.generation, change.generation),
    tokenGenerationMin: Math.max(account.tokenGenerationMin, change.tokenGenerationMin ?? 0),
    state: change.generation > account.generation ? (change.state ?? account.state) : account.state,
  };
  writeAccount(connection, { ...account, ...facts });
  return { ...change, ...facts };
};
