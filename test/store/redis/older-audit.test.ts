// The audit of an earlier version, which lay in one stream, is what each org reads of its past.

import { Redis } from 'ioredis';
import t from 'tap';
import type { AuditEntry } from '../../../src/store/records.ts';
import { exampleEntry } from '../../contract/audit.ts';
import { exampleOrg } from '../../contract/examples.ts';
import { collect, sure } from '../../contract/places.ts';
import { startRedis } from '../../support/redis.ts';
import { eventually, followed, openStore } from './furnish.ts';

const server = await startRedis();
t.teardown(() => server.close());
const client = new Redis({ path: server.socketPath });
t.teardown(() => client.disconnect());

t.test(
  'entries of one stream for all are copied once to the log of each org, by several replicas',
  async (t) => {
    const replicas = await Promise.all([1, 2, 3].map(() => openStore(t, { socketPath: server.socketPath })));
    const [store] = replicas;
    if (store === undefined) throw new Error('no store');
    for (const id of ['acme', 'other']) await store.createOrg(exampleOrg({ id }));
    const party = (org: string) => ({ org, user: 'ann', tokenId: undefined });
    const earlier = Array.from({ length: 250 }, (_, index) => {
      const org = index % 2 === 0 ? 'acme' : 'other';
      return exampleEntry({ actor: party(org), subject: party(org), atMs: index });
    });
    for (const entry of earlier) await client.xadd('tollgate:{0}:audit', '*', 'entry', JSON.stringify(entry));
    const later = exampleEntry({ actor: party('acme'), subject: party('acme'), atMs: 1_000 });
    await store.appendAudit([later]);
    const expected = (org: string): readonly AuditEntry[] =>
      [...earlier, later].filter(({ actor }) => actor.org === org).toReversed();

    await Promise.all(replicas.map((replica) => followed(t, replica)));
    const last = (await client.xrevrange('tollgate:{0}:audit', '+', '-', 'COUNT', 1))[0]?.[0];
    await eventually(async () => (await client.get('tollgate:{0}:audit-copied')) === last);
    for (const org of ['acme', 'other'])
      for (const limit of [7, 1_000])
        t.same(await collect((cursor) => store.readAudit(org, { limit, cursor })), expected(org), org);
    t.equal(sure(await store.readAudit(undefined, { limit: 1_000, cursor: undefined })).items.length, 251);
  },
);
