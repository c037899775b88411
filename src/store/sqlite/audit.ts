// The audit in the embedded store: the newest entries, a fixed number of them. What writes runs inside a transaction its
// caller holds.

import type { AuditEntry } from '../records.ts';
import type { Page, PageRequest } from '../token-store.ts';
import { auditEntriesMax } from '../token-store.ts';
import type { Connection } from './connection.ts';
import { pageLimitMax } from './paging.ts';
import { integer, parseAuditEntry } from './rows.ts';

/** An entry that is there already was written by the call this one repeats. */
export const appendAudit = (connection: Connection, entries: readonly AuditEntry[]): void => {
  for (const entry of entries)
    connection.run(
      'INSERT INTO audit (id, actor_org, subject_org, entry) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
      entry.id,
      entry.actor.org ?? null,
      entry.subject.org ?? null,
      JSON.stringify(entry),
    );
  connection.run(`DELETE FROM audit WHERE seq <= (SELECT max(seq) FROM audit) - ${auditEntriesMax}`);
};

/** The cursor is the number of the last entry of the page before. */
export const readAudit = (
  connection: Connection,
  orgId: string | undefined,
  page: PageRequest,
): Page<AuditEntry> => {
  const limit = Math.max(1, Math.min(page.limit, pageLimitMax));
  const before = /^\d{1,15}$/.test(page.cursor ?? '') ? Number(page.cursor) : Number.MAX_SAFE_INTEGER;
  const rows = connection.all(
    `SELECT seq, entry FROM audit
      WHERE seq < ?1 AND (?2 IS NULL OR actor_org = ?2 OR subject_org = ?2) ORDER BY seq DESC LIMIT ?3`,
    before,
    orgId ?? null,
    limit + 1,
  );
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map(parseAuditEntry),
    nextCursor: rows.length > limit && last !== undefined ? String(integer(last, 'seq')) : undefined,
  };
};
