// The contract of the audit: the newest entries, newest first, by org.

import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { AuditEntry } from '../../src/store/records.ts';
import { exampleOrg, startMs } from './examples.ts';
import { collect, type MakePlace, openStores, sure } from './places.ts';

export const exampleEntry = (over: Partial<AuditEntry> = {}): AuditEntry => ({
  id: randomUUID(),
  atMs: startMs,
  actor: { org: 'acme', user: 'ann', tokenId: undefined },
  action: 'token.create',
  subject: { org: 'acme', user: 'ann', tokenId: randomUUID() },
  result: 'done',
  reason: undefined,
  expires: undefined,
  clientAddress: '192.0.2.7',
  via: undefined,
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
        via: index % 3 === 0 ? 'console' : undefined,
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
    for (const id of ['org-0', 'org-1', 'org-2']) await store.createOrg(exampleOrg({ id }));
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

  t.test('the audit of an org shows nothing of another: no name, no id, whoever acted on whom', async (t) => {
    const [store] = await openStores(t, makePlace);
    for (const id of ['ours', 'theirs']) await store.createOrg(exampleOrg({ id }));
    const asked = randomUUID();
    const parties = [
      { org: 'ours', user: 'our-ann', tokenId: undefined },
      { org: 'theirs', user: 'their-eve', tokenId: asked },
      { org: undefined, user: undefined, tokenId: undefined },
    ];
    const entries = parties.flatMap((actor) =>
      parties.flatMap((subject) =>
        (['done', 'refused'] as const).map((result) => exampleEntry({ actor, subject, result })),
      ),
    );
    await store.appendAudit(entries);
    const seen = async (org: string | undefined): Promise<string> =>
      JSON.stringify(await collect((cursor) => store.readAudit(org, { limit: 3, cursor })));
    t.notMatch(await seen('ours'), 'their');
    t.match(await seen('ours'), asked, 'but for the id of the token that its own member asked for');
    t.notMatch(await seen('theirs'), 'our');
    t.match(await seen(undefined), /our-ann.*their-eve/, 'the operator sees who it was');
  });

  t.test('an org that fills its audit, with deeds or refusals, pushes out nothing of another', async (t) => {
    const [store] = await openStores(t, makePlace);
    const [quiet, loud] = ['quiet', 'loud'] as const;
    for (const id of [quiet, loud]) await store.createOrg(exampleOrg({ id }));
    const party = (org: string) => ({ org, user: undefined, tokenId: undefined });
    const ofQuiet = exampleEntry({ actor: party(quiet), subject: party(quiet) });
    await store.appendAudit([ofQuiet]);
    const flood = Array.from({ length: 2_000 }, (_, index) =>
      exampleEntry({ actor: party(loud), subject: party(loud), atMs: startMs + 1 + index }),
    );
    const refused = exampleEntry({
      actor: party(quiet),
      subject: party(quiet),
      result: 'refused',
      reason: 'scope_missing',
      atMs: startMs + 1,
    });
    const attempts = flood.map((entry) => ({
      ...entry,
      id: randomUUID(),
      subject: party(quiet),
      result: 'refused' as const,
      reason: 'tenant_mismatch',
    }));
    for (let round = 0; round < 51; round++)
      await store.appendAudit(flood.map((entry) => ({ ...entry, id: randomUUID() })));
    await store.appendAudit([refused, ...attempts]);
    const seen = async (org: string | undefined, limit: number) =>
      sure(await store.readAudit(org, { limit, cursor: undefined })).items.map(({ id }) => id);
    t.same(await seen(quiet, 10), [refused.id, ofQuiet.id], 'nor can outsiders fill it');
    const kept = await collect((cursor) => store.readAudit(loud, { limit: 1_000, cursor }));
    t.ok(kept.length >= 20_000 && kept.length < 22_500, `${kept.length} of the loud org are kept`);
  });

  t.test('strangers who guess passwords push out nothing that members of the org were refused', async (t) => {
    const [store] = await openStores(t, makePlace);
    await store.createOrg(exampleOrg({ id: 'acme' }));
    const refused = { result: 'refused', reason: 'scope_missing' } as const;
    const attempt = exampleEntry(refused);
    await store.appendAudit([attempt]);
    const nobody = { org: undefined, user: undefined, tokenId: undefined };
    const guess = { ...refused, actor: nobody, action: 'session.begin', reason: 'password_wrong' };
    for (let round = 0; round < 12; round++)
      await store.appendAudit(
        Array.from({ length: 2_000 }, () => exampleEntry({ ...guess, atMs: startMs + 1 + round })),
      );
    for (const org of ['acme', undefined]) {
      const kept = await collect((cursor) => store.readAudit(org, { limit: 1_000, cursor }));
      t.same(kept.at(-1), attempt, 'the oldest is kept');
      t.ok(kept.length > 20_000, 'and so are the guesses');
    }
  });

  t.test('an org that does not exist is given no log', async (t) => {
    const [store] = await openStores(t, makePlace);
    const entry = exampleEntry({ subject: { org: 'late', user: 'ann', tokenId: undefined } });
    await store.appendAudit([entry]);
    await store.createOrg(exampleOrg({ id: 'late' }));
    t.same(sure(await store.readAudit('late', { limit: 5, cursor: undefined })).items, []);
    t.same(sure(await store.readAudit(undefined, { limit: 5, cursor: undefined })).items, [entry]);
  });

  t.test('a cursor that no listing gave begins again, and harms nothing', async (t) => {
    const [store] = await openStores(t, makePlace);
    await store.appendAudit([exampleEntry()]);
    for (const cursor of ["' OR 1=1 --", '+', '(0-0', '-'])
      t.match(await store.readAudit(undefined, { limit: 5, cursor }), { items: { length: 1 } }, cursor);
  });
};
