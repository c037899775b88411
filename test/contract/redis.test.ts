// The store on one Redis keeps the contract of the port, as a Redis user who may do what `aclRules` names and no more.

import { Redis } from 'ioredis';
import t from 'tap';
import { allShards } from '../../src/store/redis/key-space.ts';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { allowStoreUser, refusedByAcl, storeUser } from '../support/redis-acl.ts';
import { startRedis } from '../support/redis.ts';
import { neverRevived } from './never-revived.ts';
import type { MakePlace } from './places.ts';
import { tokenStoreContract } from './token-store.ts';

// One server for the file, one key prefix a place.
const server = await startRedis();
t.teardown(() => server.close());
const operator = new Redis({ path: server.socketPath });
t.teardown(() => operator.disconnect());
let places = 0;

const makePlace: MakePlace = async () => {
  const prefix = `place-${places++}`;
  await allowStoreUser(operator, prefix);
  const open = async () => {
    const settings = redisSettings({ socketPath: server.socketPath, prefix, ...storeUser });
    const store = createRedisStore(settings, { retentionMs: 3_600_000 });
    await store.open();
    return store;
  };
  return Object.assign(open, {
    loseLines: async () => {
      await operator.del(allShards.map((shard) => `${prefix}:{${shard}}:changes`));
    },
  });
};

tokenStoreContract(t, makePlace);
neverRevived(t, makePlace, 60);

t.test('the Redis user of the store was refused nothing', async (t) => {
  t.same(await refusedByAcl(operator), []);
});
