// The audit. Each log is a stream with its own bound; those of an org lie in its shard. Entries are written in batches and
// read newest first.

import {
  type AuditLog,
  auditEntriesPerOrgMax,
  auditLogsOf,
  entriesMaxOf,
  logsOfReader,
  mergeLogs,
  orgOf,
  readingOf,
} from '../audit-logs.ts';
import { type AuditEntry, readAuditEntry } from '../records.ts';
import type { AuditStore } from '../token-store.ts';
import { commandsOf, runOn, type Step, type StoreContext } from './context.ts';
import { isStorableId } from './key-space.ts';
import { script } from './script.ts';

const entriesAtOnce = 100;

/**
 * Adds an entry to a log, which is kept only for an org that exists. KEYS stream, org (or the stream again). ARGV longest
 * length, id of the line or '*', entry. A line whose id the stream has passed is there already.
 */
const appendEntry = script(`
if KEYS[2] ~= KEYS[1] and redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local line = {KEYS[1], 'MAXLEN', '~', ARGV[1], ARGV[2], 'entry', ARGV[3], 'logs', '1'}
if ARGV[2] == '*' then redis.call('XADD', unpack(line)) else redis.pcall('XADD', unpack(line)) end
return 1
`);

const appendTo = async (
  { keys, unacknowledged }: StoreContext,
  log: AuditLog,
  entry: AuditEntry,
): Promise<void> => {
  const org = orgOf(log);
  if (org !== undefined && !isStorableId(org)) return;
  const stream = keys.audit(log);
  const touched = [stream, org === undefined ? stream : keys.org(org)];
  const args = [entriesMaxOf(log), '*', JSON.stringify(entry)];
  await runOn(unacknowledged('audit'), appendEntry, touched, args);
};

const append: Step<'appendAudit'> = async (context, entries) => {
  for (let start = 0; start < entries.length; start += entriesAtOnce)
    await Promise.all(
      entries
        .slice(start, start + entriesAtOnce)
        .flatMap((entry) => auditLogsOf(entry).map((log) => appendTo(context, log, entry))),
    );
  return 'done';
};

const read: Step<'readAudit'> = async ({ keys, reads }, orgId, page) => {
  if (orgId !== undefined && !isStorableId(orgId)) return { items: [], nextCursor: undefined };
  const streams = logsOfReader(orgId).map((log) => keys.audit(log));
  if (orgId !== undefined) streams.push(keys.auditBefore(orgId));
  const reading = readingOf(page, streams.length, isLineId);
  const newestOf = async (stream: string, log: number) => {
    const position = reading.positions[log];
    const end = position === undefined ? '+' : `(${position}`;
    const lines = await reads.on(stream, (client) =>
      client.xrevrange(stream, end, '-', 'COUNT', reading.limit + 1),
    );
    return lines.map(([id, words]) => ({ position: id, entry: readAuditEntry(words[1] ?? '') }));
  };
  return mergeLogs(orgId, await Promise.all(streams.map(newestOf)), reading);
};

export const audit = (context: StoreContext): AuditStore => {
  const command = commandsOf(context);
  return { appendAudit: command(append), readAudit: command(read) };
};

const isLineId = (text: string): boolean => /^\d{1,15}-\d{1,15}$/.test(text);

/**
 * Copies what an earlier version wrote to the log of all orgs into a log of each org, a few lines at a time, and goes on
 * where the last copy ended. Several replicas may do it at once: a line is there once.
 */
export const copyEarlierAudit = async (
  { keys, reads, unacknowledged }: StoreContext,
  isClosed: () => boolean,
): Promise<void> => {
  const writes = unacknowledged('audit');
  const source = keys.audit({ kind: 'done', org: undefined });
  const mark = keys.auditCopied();
  let last = (await reads.on(mark, (client) => client.get(mark))) ?? undefined;
  while (!isClosed()) {
    const after = last === undefined ? '-' : `(${last}`;
    const lines = await reads.on(source, (client) =>
      client.xrange(source, after, '+', 'COUNT', entriesAtOnce),
    );
    for (const [id, words] of lines) {
      // Written by a version that keeps a log for each org.
      if (words.includes('logs')) continue;
      for (const org of auditLogsOf(readAuditEntry(words[1] ?? '')).map(orgOf))
        if (org !== undefined && isStorableId(org)) {
          const touched = [keys.auditBefore(org), keys.org(org)];
          await runOn(writes, appendEntry, touched, [auditEntriesPerOrgMax, id, words[1] ?? '']);
        }
    }
    const copied = lines.at(-1)?.[0];
    if (copied !== undefined) await writes.on(mark, (client) => client.set(mark, copied));
    last = copied;
    if (lines.length < entriesAtOnce) return;
  }
};
