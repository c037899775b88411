// The audit in the embedded store: logs of numbered entries, each with a bound of its own. What writes runs inside a
// transaction its caller holds.

import {
  type AuditLog,
  auditLogsOf,
  entriesMaxOf,
  logsOfReader,
  mergeLogs,
  orgOf,
  readingOf,
} from '../audit-logs.ts';
import { type AuditEntry, readAuditEntry } from '../records.ts';
import type { AuditStore } from '../token-store.ts';
import type { FileConnection } from './connection.ts';
import type { FileAccess, Step } from './file-access.ts';
import { integerOf, textOf } from './rows.ts';

/** An org's id holds no blank. */
const nameOf = (log: AuditLog): string => {
  const org = orgOf(log);
  return org === undefined ? log.kind : `${log.kind} ${org}`;
};

/** An entry that is there already was written by the call this one repeats. A log is kept only for an org that exists. */
const append = `INSERT INTO audit_log (log, seq, id, entry)
  SELECT ?1, (SELECT ifnull(max(seq), 0) + 1 FROM audit_log WHERE log = ?1), ?2, ?3
  WHERE ?4 IS NULL OR EXISTS (SELECT 1 FROM orgs WHERE id = ?4)
  ON CONFLICT (log, id) DO NOTHING`;

const trim = `DELETE FROM audit_log
  WHERE log = ?1 AND seq <= (SELECT max(seq) FROM audit_log WHERE log = ?1) - ?2`;

const appendAudit = (connection: FileConnection, entries: readonly AuditEntry[]): void => {
  const changed = new Map<string, AuditLog>();
  for (const entry of entries)
    for (const log of auditLogsOf(entry)) {
      connection.run(append, nameOf(log), entry.id, JSON.stringify(entry), orgOf(log) ?? null);
      changed.set(nameOf(log), log);
    }
  for (const [name, log] of changed) connection.run(trim, name, entriesMaxOf(log));
};

const newestOf = `SELECT seq, entry FROM audit_log WHERE log = ? AND seq < ? ORDER BY seq DESC LIMIT ?`;

const readAudit: Step<'readAudit'> = (connection, orgId, page) => {
  const logs = logsOfReader(orgId).map(nameOf);
  const reading = readingOf(page, logs.length, (position) => /^\d{1,15}$/.test(position));
  const found = logs.map((log, index) => {
    const before = Number(reading.positions[index] ?? Number.MAX_SAFE_INTEGER);
    return connection.all(newestOf, log, before, reading.limit + 1).map((row) => ({
      position: String(integerOf(row, 'seq')),
      entry: readAuditEntry(textOf(row, 'entry')),
    }));
  });
  return mergeLogs(orgId, found, reading);
};

export const audit = (file: FileAccess): AuditStore => ({
  appendAudit: file.noting(appendAudit),
  readAudit: file.reading(readAudit),
});
