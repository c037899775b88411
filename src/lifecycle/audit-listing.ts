// Reads the audit by what somebody looks for. No log has an index: a page looks at a bounded number of entries and says where
// to go on, so it may be short, even empty.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { AuditEntry } from '../store/records.ts';
import type { Page, PageRequest, TokenStore } from '../store/token-store.ts';

/** What is undefined does not matter. Times are milliseconds since the epoch. */
export interface AuditFilter {
  readonly action?: string | undefined;
  /** Who gave the command, or whom it was about. */
  readonly userId?: string | undefined;
  readonly result?: AuditEntry['result'] | undefined;
  readonly fromMs?: number | undefined;
  /** Exclusive. */
  readonly untilMs?: number | undefined;
}

/** How many entries a page looks at. */
export const auditReadsMax = 1_000;
/** Fewer are not worth another read: the page ends short instead. */
const readAtLeast = 20;

/** `orgId`: whose audit it is; undefined: the operator's, of all orgs. */
export const readFilteredAudit = async (
  store: Pick<TokenStore, 'readAudit'>,
  orgId: string | undefined,
  page: PageRequest,
  filter: AuditFilter,
): Promise<Page<AuditEntry> | Outage> => {
  if (Object.values(filter).every((value) => value === undefined)) return store.readAudit(orgId, page);
  const items: AuditEntry[] = [];
  let { cursor } = page;
  for (let reads = 0; reads < auditReadsMax;) {
    const missing = page.limit - items.length;
    if (missing === 0 || (items.length > 0 && missing < readAtLeast)) break;
    const found = await store.readAudit(orgId, { limit: missing, cursor });
    if (isOutage(found)) return found;
    items.push(...found.items.filter((entry) => isWanted(entry, filter)));
    const oldest = found.items.at(-1);
    const isPast =
      filter.fromMs !== undefined && oldest !== undefined && oldest.atMs < filter.fromMs - apartMs;
    if (found.nextCursor === undefined || isPast) return { items, nextCursor: undefined };
    cursor = found.nextCursor;
    reads += found.items.length;
  }
  return { items, nextCursor: cursor };
};

/** Entries are written in batches, by several replicas: one that is a little older may come before one that is younger. */
const apartMs = 10_000;

const isWanted = ({ action, actor, subject, result, atMs }: AuditEntry, filter: AuditFilter): boolean =>
  (filter.action === undefined || action === filter.action) &&
  (filter.userId === undefined || actor.user === filter.userId || subject.user === filter.userId) &&
  (filter.result === undefined || result === filter.result) &&
  (filter.fromMs === undefined || atMs >= filter.fromMs) &&
  (filter.untilMs === undefined || atMs < filter.untilMs);
