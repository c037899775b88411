// The store on a Redis Cluster keeps the contract of the port, one user, one shard, whichever node has it, as a Redis user
// who may do what `aclRules` names and no more.

import t from 'tap';
import { allShards } from '../../src/store/redis/key-space.ts';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import { allowStoreUser, refusedByAcl, storeUser } from '../support/redis-acl.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { neverRevived } from './never-revived.ts';
import type { MakePlace } from './places.ts';
import { tokenStoreContract } from './token-store.ts';

const cluster = await startCluster(2);
t.teardown(() => cluster.close());
let places = 0;

const makePlace: MakePlace = async () => {
  const prefix = `place-${places++}`;
  for (const client of cluster.clients) await allowStoreUser(client, prefix);
  const open = async () => {
    const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    const settings = redisSettings({ mode: 'cluster', nodes, prefix, ...storeUser });
    const store = createRedisStore(settings, { retentionMs: 3_600_000 });
    await store.open();
    return store;
  };
  return Object.assign(open, {
    loseLines: async () => {
      // The node that does not hold a key refuses.
      for (const shard of allShards)
        for (const client of cluster.clients)
          await client.del(`${prefix}:{${shard}}:changes`).catch(() => undefined);
    },
  });
};

tokenStoreContract(t, makePlace);
neverRevived(t, makePlace, 20);

t.test('the Redis user of the store was refused nothing', async (t) => {
  for (const client of cluster.clients) t.same(await refusedByAcl(client), []);
});
