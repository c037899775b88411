// Gives back what a replica had seen and the file has lost (an older backup was restored). Only ever raises
// generations and revokes; never lowers, never revives. Runs inside a transaction its caller holds.

import type { Change } from '../records.ts';
import { findOrg, findUser, writeOrg, writeUser } from './accounts.ts';
import { appendLine, isKnownLine } from './change-log.ts';
import type { Connection } from './connection.ts';

/** `horizonMs`: lines older than this are in force but not told again; nothing they end is still alive. */
export const reapplyChange = (connection: Connection, change: Change, horizonMs: number): void => {
  const line = applyToRecord(connection, change);
  if (line.kind === 'keys' || line.atMs < horizonMs || isKnownLine(connection, line)) return;
  appendLine(connection, line);
};

/** Answers the line that tells it: of an account, what the record says then. */
const applyToRecord = (connection: Connection, change: Change): Change => {
  switch (change.kind) {
    case 'token':
      connection.run(
        "UPDATE tokens SET state = 'revoked', revoked_at_ms = ? WHERE id = ? AND state = 'active'",
        change.atMs,
        change.tokenId,
      );
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
    case 'user': {
      const user = findUser(connection, change.orgId, change.userId);
      if (user === undefined) return change;
      const facts = raised(user, change);
      writeUser(connection, { ...user, ...facts });
      return { ...change, ...facts };
    }
    case 'org': {
      const org = findOrg(connection, change.orgId);
      if (org === undefined) return change;
      const facts = raised(org, change);
      writeOrg(connection, { ...org, ...facts });
      return { ...change, ...facts };
    }
    case 'session':
    case 'keys':
      return change;
  }
};

type Passed = Pick<Extract<Change, { kind: 'user' | 'org' }>, 'generation' | 'tokenGenerationMin' | 'state'>;

/** The state is only taken from a line newer than the record. */
const raised = (record: Required<Passed>, change: Passed): Required<Passed> => ({
  generation: Math.max(record.generation, change.generation),
  tokenGenerationMin: Math.max(record.tokenGenerationMin, change.tokenGenerationMin ?? 0),
  state: change.generation > record.generation ? (change.state ?? record.state) : record.state,
});
