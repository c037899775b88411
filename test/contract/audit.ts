// The contract of the audit: the newest entries, newest first, by org.

import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { AuditEntry } from '../../src/store/records.ts';
import { startMs } from './examples.ts';
import { collect, type MakePlace, openStores, sure } from './places.ts';

export const exampleEntry = (over: Partial<AuditEntry> = {}): AuditEntry => ({
  id: randomUUID(),
  atMs: startMs,
  actor: { org: 'acme', user: 'ann', tokenId: undefined },
  action: 'token.create',
  subject: { org: 'acme', user: 'ann', tokenId: randomUUID() },
  result: 'done',
  reason: undefined,
  clientAddress: '192.0.2.7',
  requestId: 'request-1',
  ...over,
});

export const auditContract = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('entries come back as they were, newest first, once, however small the pages', async (t) => {
    const [store, another] = await openStores(t, makePlace);
    t.same(await store.readAudit(undefined, { limit: 10, cursor: undefined }), {
      items: [],
      nextCursor: undefined,
    });
    const entries = Array.from({ length: 7 }, (_, index) =>
      exampleEntry({
        atMs: startMs + index,
        ...(index % 2 === 0 ? { result: 'refused' as const, reason: 'scope_missing' } : {}),
        actor: { org: undefined, user: undefined, tokenId: undefined },
        requestId: `"quoted" \\ 東京 ${index}`,
      }),
    );
    t.equal(await store.appendAudit(entries.slice(0, 3)), 'done');
    for (const entry of entries.slice(3)) t.equal(await store.appendAudit([entry]), 'done');
    const reader = await another();
    for (const limit of [1, 3, 7, 100])
      t.same(
        await collect((cursor) => reader.readAudit(undefined, { limit, cursor })),
        entries.toReversed(),
        `pages of ${limit}`,
      );
  });

  t.test('an org sees what it did and what was done to it, and nothing else', async (t) => {
    const [store] = await openStores(t, makePlace);
    const party = (org: string) => ({ org, user: 'u', tokenId: undefined });
    const entries = Array.from({ length: 60 }, (_, index) =>
      exampleEntry({
        actor: party(`org-${index % 3}`),
        subject: party(index % 5 === 0 ? 'org-0' : `org-${index % 3}`),
      }),
    );
    await store.appendAudit(entries);
    for (const limit of [1, 7, 100])
      t.same(
        (await collect((cursor) => store.readAudit('org-0', { limit, cursor }))).map(({ id }) => id),
        entries
          .filter((entry) => [entry.actor.org, entry.subject.org].includes('org-0'))
          .map(({ id }) => id)
          .toReversed(),
        `pages of ${limit}`,
      );
    t.same(sure(await store.readAudit('nobody', { limit: 5, cursor: undefined })), {
      items: [],
      nextCursor: undefined,
    });
  });

  t.test('a cursor that no listing gave begins again, and harms nothing', async (t) => {
    const [store] = await openStores(t, makePlace);
    await store.appendAudit([exampleEntry()]);
    for (const cursor of ["' OR 1=1 --", '+', '(0-0', '-'])
      t.match(await store.readAudit(undefined, { limit: 5, cursor }), { items: { length: 1 } }, cursor);
  });
};
