// The audit in the embedded store: logs of numbered entries, each with a bound of its own. What writes runs inside a
// transaction its caller holds.

import {
  asSeenBy,
  type AuditLog,
  auditLogsOf,
  entriesMaxOf,
  type LoggedEntry,
  logsOfReader,
  mergeLogs,
  positionsOf,
} from '../audit-logs.ts';
import type { AuditEntry } from '../records.ts';
import type { Page, PageRequest } from '../token-store.ts';
import type { Connection } from './connection.ts';
import { pageLimitMax } from './paging.ts';
import { integer, parseAuditEntry } from './rows.ts';

/** An org's id holds no blank. */
const nameOf = (log: AuditLog): string =>
  log.kind === 'operator' || log.org === undefined ? log.kind : `${log.kind} ${log.org}`;

/** An entry that is there already was written by the call this one repeats. A log is kept only for an org that exists. */
const append = `INSERT INTO audit_log (log, seq, id, entry)
  SELECT ?1, (SELECT ifnull(max(seq), 0) + 1 FROM audit_log WHERE log = ?1), ?2, ?3
  WHERE ?4 IS NULL OR EXISTS (SELECT 1 FROM orgs WHERE id = ?4)
  ON CONFLICT (log, id) DO NOTHING`;

const trim = `DELETE FROM audit_log
  WHERE log = ?1 AND seq <= (SELECT max(seq) FROM audit_log WHERE log = ?1) - ?2`;

export const appendAudit = (connection: Connection, entries: readonly AuditEntry[]): void => {
  const touched = new Map<string, AuditLog>();
  for (const entry of entries)
    for (const log of auditLogsOf(entry)) {
      const org = log.kind === 'operator' ? undefined : log.org;
      connection.run(append, nameOf(log), entry.id, JSON.stringify(entry), org ?? null);
      touched.set(nameOf(log), log);
    }
  for (const [name, log] of touched) connection.run(trim, name, entriesMaxOf(log));
};

export const readAudit = (
  connection: Connection,
  orgId: string | undefined,
  page: PageRequest,
): Page<AuditEntry> => {
  const limit = Math.max(1, Math.min(page.limit, pageLimitMax));
  const logs = logsOfReader(orgId);
  const positions = positionsOf(page.cursor, logs.length, (text) => /^\d{1,15}$/.test(text));
  const found = logs.map((log, index): LoggedEntry[] =>
    connection
      .all(
        'SELECT seq, entry FROM audit_log WHERE log = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
        nameOf(log),
        Number(positions[index] ?? Number.MAX_SAFE_INTEGER),
        limit + 1,
      )
      .map((row) => ({
        position: String(integer(row, 'seq')),
        entry: asSeenBy(orgId, parseAuditEntry(row)),
      })),
  );
  return mergeLogs(found, positions, limit);
};
