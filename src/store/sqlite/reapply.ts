// Gives back what a replica had seen and the file has lost (an older backup was restored). Only ever raises
// generations and revokes; never lowers, never revives. Runs inside a transaction its caller holds.

import type { Change } from '../records.ts';
import { findOrg, findUser, writeOrg, writeUser } from './accounts.ts';
import { appendLine, isKnownLine } from './change-log.ts';
import type { Connection } from './connection.ts';

/** `horizonMs`: lines older than this are in force but not told again; nothing they end is still alive. */
export const reapplyChange = (connection: Connection, change: Change, horizonMs: number): void => {
  applyToRecord(connection, change);
  if (change.kind === 'keys' || change.atMs < horizonMs || isKnownLine(connection, change)) return;
  appendLine(connection, change);
};

const applyToRecord = (connection: Connection, change: Change): void => {
  switch (change.kind) {
    case 'token':
      connection.run(
        "UPDATE tokens SET state = 'revoked', revoked_at_ms = ? WHERE id = ? AND state = 'active'",
        change.atMs,
        change.tokenId,
      );
      return;
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
      return;
    case 'user': {
      const user = findUser(connection, change.orgId, change.userId);
      if (user !== undefined) writeUser(connection, { ...user, ...raised(user, change) });
      return;
    }
    case 'org': {
      const org = findOrg(connection, change.orgId);
      if (org !== undefined) writeOrg(connection, { ...org, ...raised(org, change) });
      return;
    }
    case 'session':
    case 'keys':
      return;
  }
};

type Passed = Pick<Extract<Change, { kind: 'user' | 'org' }>, 'generation' | 'tokenGenerationMin' | 'state'>;

/** The state is only taken from a line newer than the record. */
const raised = (record: Required<Passed>, change: Passed): Required<Passed> => ({
  generation: Math.max(record.generation, change.generation),
  tokenGenerationMin: Math.max(record.tokenGenerationMin, change.tokenGenerationMin ?? 0),
  state: change.generation > record.generation ? (change.state ?? record.state) : record.state,
});
