// The audit: a stream of one shard, cut to its newest entries. Written in batches, read newest first.

import type { AuditEntry } from '../records.ts';
import { auditEntriesMax, type TokenStore } from '../token-store.ts';
import type { StoreContext } from './context.ts';
import { pageLimitMax } from './paging.ts';
import { parseAuditEntry } from './record-codec.ts';

type Audit = Pick<TokenStore, 'appendAudit' | 'readAudit'>;

const entriesAtOnce = 100;
/** Read at once where most entries may be of other orgs. */
const entriesPerRead = 1_000;

export const audit = ({ keys, reads, writes, attempt }: StoreContext): Audit => ({
  appendAudit: (entries) =>
    attempt(async (): Promise<'done'> => {
      const key = keys.audit();
      const append = (entry: AuditEntry): Promise<unknown> =>
        writes.on(key, (client) =>
          client.xadd(key, 'MAXLEN', '~', auditEntriesMax, '*', 'entry', JSON.stringify(entry)),
        );
      for (let start = 0; start < entries.length; start += entriesAtOnce)
        await Promise.all(entries.slice(start, start + entriesAtOnce).map(append));
      return 'done';
    }),

  readAudit: (orgId, page) =>
    attempt(async () => {
      const key = keys.audit();
      const limit = Math.max(1, Math.min(page.limit, pageLimitMax));
      const items: AuditEntry[] = [];
      let end = isCursor(page.cursor) ? `(${page.cursor}` : '+';
      for (;;) {
        const count = orgId === undefined ? limit + 1 - items.length : entriesPerRead;
        const lines = await reads.on(key, (client) => client.xrevrange(key, end, '-', 'COUNT', count));
        for (const [id, words] of lines) {
          const entry = parseAuditEntry(words[1]);
          if (orgId !== undefined && entry.actor.org !== orgId && entry.subject.org !== orgId) continue;
          if (items.length === limit) return { items, nextCursor: end.slice(1) };
          items.push(entry);
          end = `(${id}`;
        }
        const last = lines.at(-1)?.[0];
        if (last === undefined || lines.length < count) return { items, nextCursor: undefined };
        end = `(${last}`;
      }
    }),
});

const isCursor = (cursor: string | undefined): cursor is string =>
  cursor !== undefined && /^\d{1,15}-\d{1,15}$/.test(cursor);
