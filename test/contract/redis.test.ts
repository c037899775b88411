// The store on one Redis keeps the contract of the port.

import t from 'tap';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { startRedis } from '../support/redis.ts';
import { neverRevived } from './never-revived.ts';
import type { MakePlace } from './places.ts';
import { tokenStoreContract } from './token-store.ts';

// One server for the file, one key prefix a place.
const server = await startRedis();
t.teardown(() => server.close());
let places = 0;

const makePlace: MakePlace = async () => {
  const prefix = `place-${places++}`;
  return async () => {
    const settings = redisSettings({
      socketPath: server.socketPath,
      prefix,
    });
    const store = createRedisStore(settings, { retentionMs: 3_600_000 });
    await store.open();
    return store;
  };
};

tokenStoreContract(t, makePlace);
neverRevived(t, makePlace, 60);
