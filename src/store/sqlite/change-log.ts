// The change feed's table: each line is added in the transaction of its change, lines are read in order, and pruned
// oldest first once they are older than the retention window.

import { generationOf } from '../changes.ts';
import type { Change } from '../records.ts';
import type { FileConnection } from './connection.ts';
import { changeTable, integerOf, optionalIntegerOf, parseChange } from './rows.ts';

const linesPerRead = 1_000;

/** Appends one line. Call inside a transaction. */
export const appendLine = (connection: FileConnection, change: Change): void => {
  const line = {
    tokenGenerationMin: undefined,
    state: undefined,
    digest: undefined,
    ...change,
    ...keyOf(change),
    generation: generationOf(change),
    untilMs: change.kind === 'secret' ? change.previousUntilMs : undefined,
  };
  connection.run(changeTable.insert, ...changeTable.parameters(line));
};

/** The newest generation that a line of the same subject has; -1 where there is none. */
export const newestGeneration = (connection: FileConnection, change: Change): number => {
  const { orgId, subject } = keyOf(change);
  const newest =
    'SELECT max(generation) AS newest FROM changes WHERE kind = ? AND org_id = ? AND subject = ?';
  const row = connection.get(newest, change.kind, orgId, subject);
  return (row && optionalIntegerOf(row, 'newest')) ?? -1;
};

/** Appends a line unless one says so already. */
export const appendOnce = (connection: FileConnection, change: Change): void => {
  if (!isKnownLine(connection, change)) appendLine(connection, change);
};

/** Whether a line says this already, or, of an account or a secret, more. */
export const isKnownLine = (connection: FileConnection, change: Change): boolean => {
  const { orgId, subject } = keyOf(change);
  const known =
    'SELECT 1 FROM changes WHERE kind = ? AND org_id = ? AND subject = ? AND ifnull(generation, 0) >= ? LIMIT 1';
  return connection.get(known, change.kind, orgId, subject, generationOf(change)) !== undefined;
};

/** Asks for the lines to be kept that long. The longest ever asked for counts for every process that prunes. Call inside a transaction. */
export const askRetention = (connection: FileConnection, retentionMs: number): void => {
  connection.run(
    `INSERT INTO meta VALUES ('retention_ms', ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value < excluded.value`,
    retentionMs,
  );
};

/** How long the lines are kept, in ms. */
export const readRetention = (connection: FileConnection): number => {
  const row = connection.get("SELECT value FROM meta WHERE name = 'retention_ms'");
  return row === undefined ? 0 : integerOf(row, 'value');
};

/** Removes the lines before the first one that is young enough. Call inside a transaction. */
export const pruneLines = (connection: FileConnection, beforeMs: number): void => {
  const last = connection.get(
    `SELECT max(seq) AS seq FROM changes
      WHERE seq < ifnull((SELECT min(seq) FROM changes WHERE at_ms >= ?), 9e15)`,
    beforeMs,
  );
  if (last === undefined || last['seq'] === null) return;
  const seq = integerOf(last, 'seq');
  connection.run('DELETE FROM changes WHERE seq <= ?', seq);
  connection.run("UPDATE meta SET value = ? WHERE name = 'pruned_seq'", seq);
};

export interface Lines {
  readonly changes: readonly Change[];
  /** Where the next read goes on. */
  readonly position: number;
  readonly hasMore: boolean;
}

/** The lines after a position, oldest first, a bounded number at a time. */
export const readLines = (connection: FileConnection, position: number): Lines => {
  const rows = connection.all(
    `SELECT seq, ${changeTable.columns} FROM changes WHERE seq > ? ORDER BY seq LIMIT ${linesPerRead}`,
    position,
  );
  const last = rows.at(-1);
  return {
    changes: rows.map(parseChange),
    position: last === undefined ? position : integerOf(last, 'seq'),
    hasMore: rows.length === linesPerRead,
  };
};

/** Where the feed begins (the last line pruned) and ends (the last line written). */
export const readBounds = (connection: FileConnection): { readonly pruned: number; readonly end: number } => {
  const row = connection.get(
    `SELECT (SELECT value FROM meta WHERE name = 'pruned_seq') AS pruned,
            ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0) AS end`,
  );
  return row === undefined
    ? { pruned: 0, end: 0 }
    : { pruned: integerOf(row, 'pruned'), end: integerOf(row, 'end') };
};

interface Subject {
  readonly kind: string;
  readonly orgId?: string;
  readonly userId?: string;
  readonly tokenId?: string;
  readonly sessionId?: string;
}

/** What a line is about, in the columns of its index. */
const keyOf = ({ orgId = '', userId, tokenId, sessionId }: Subject) => ({
  orgId,
  subject: tokenId ?? sessionId ?? userId ?? '',
});
