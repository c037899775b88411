// Writes back what a replica had seen and the file has lost (an older backup was restored). Only raises generations and
// revokes; never lowers, never revives. Runs inside a transaction its caller holds.

import type { Outage } from '../../decision/outcome.ts';
import { changeOfAccount } from '../changes.ts';
import type { Change, OrgRecord, UserRecord } from '../records.ts';
import { expiryOf } from '../token-listing.ts';
import { changedAtMsOf, findOrg, findUser, writeAccount } from './accounts.ts';
import { appendOnce } from './change-log.ts';
import type { FileConnection } from './connection.ts';
import { writeDeletion } from './deletion.ts';
import type { FileAccess } from './file-access.ts';
import { markRevoked, writeExpiry } from './tokens.ts';

const changesAtOnce = 500;

/** `horizonMs`: lines older than this are in force, but their line is not written again; nothing they end is still alive. */
export const reapplyChanges = async (
  file: FileAccess,
  changes: readonly Change[],
  horizonMs: number,
): Promise<'done' | Outage> => {
  const reapply = file.writing((connection, some: readonly Change[]) => {
    for (const change of some) reapplyChange(connection, change, horizonMs);
  });
  for (let start = 0; start < changes.length; start += changesAtOnce) {
    const outage = await reapply(changes.slice(start, start + changesAtOnce));
    if (outage !== undefined) return outage;
  }
  return 'done';
};

const reapplyChange = (connection: FileConnection, change: Change, horizonMs: number): void => {
  const { line, isNewer = false } = applyToRecord(connection, change);
  if (line.kind !== 'keys' && (line.atMs >= horizonMs || isNewer)) appendOnce(connection, line);
};

interface Applied {
  /** The line to write: of an account, what the record says then. */
  readonly line: Change;
  /** The record has been changed since the loss: its line is new. */
  readonly isNewer?: boolean;
}

const applyToRecord = (connection: FileConnection, change: Change): Applied => {
  switch (change.kind) {
    case 'token':
      markRevoked(connection, change.tokenId, change.atMs);
      return { line: change };
    case 'secret': {
      // The secret it replaced is known only when it is the very one before it.
      const isBehind = connection.run(
        `UPDATE tokens SET previous_digest = iif(secret_number = ?1 - 1, digest, NULL), digest = ?2,
           previous_secret_expires_at_ms = ?3, secret_number = ?1
         WHERE id = ?4 AND secret_number < ?1`,
        change.secretNumber,
        change.digest,
        change.previousUntilMs ?? null,
        change.tokenId,
      );
      if (isBehind > 0 && change.endsAtMs !== undefined) {
        const expiry = { expiresAtMs: expiryOf(change.endsAtMs), renewedAtMs: change.atMs };
        writeExpiry(connection, change.tokenId, expiry);
      }
      return { line: change };
    }
    case 'user':
      return raise(connection, findUser(connection, change.orgId, change.userId), change);
    case 'org':
      return raise(connection, findOrg(connection, change.orgId), change);
    case 'session':
    case 'keys':
      return { line: change };
  }
};

/**
 * Raises the generations of an account again; never lowers one. The state is only taken from a line newer than the record.
 *
 * The record may have been changed since the loss, in a generation not above a lost one. That change is the newer one, so it
 * stands: it gets a generation above the lost ones, or sessions made in those would outlive it.
 */
const raise = (
  connection: FileConnection,
  account: OrgRecord | UserRecord | undefined,
  change: Extract<Change, { generation: number }>,
): Applied => {
  if (account === undefined) return { line: change };
  const isDeletion = change.state === 'deleted';
  // An account made after a deletion is another one; what was changed is what was made, and changed since.
  const changedAtMs = changedAtMsOf(connection, account) ?? (isDeletion ? account.createdAtMs : -Infinity);
  const isBehind = account.generation < change.generation;
  const isNewer = account.generation <= change.generation && changedAtMs > change.atMs;
  if (isDeletion && isBehind && !isNewer) {
    writeDeletion(connection, account, change);
    return { line: change };
  }
  const generation = isNewer ? change.generation + 1 : Math.max(account.generation, change.generation);
  const endsTokens = isNewer && account.tokenGenerationMin === account.generation;
  const tokenGenerationMin = endsTokens
    ? generation
    : Math.max(account.tokenGenerationMin, change.tokenGenerationMin ?? 0);
  const state = isBehind && !isNewer && !isDeletion ? (change.state ?? account.state) : account.state;
  const raised = { ...account, generation, tokenGenerationMin, state };
  writeAccount(connection, raised, isBehind && !isNewer ? change.atMs : undefined);
  return { line: changeOfAccount(raised, isNewer ? changedAtMs : change.atMs), isNewer };
};
