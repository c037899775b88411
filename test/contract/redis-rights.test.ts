// A Redis user with the rights that docs/operations.md names, and no others, is enough for the whole contract of the port.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import t from 'tap';
import { allShards } from '../../src/store/redis/key-space.ts';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { startRedis } from '../support/redis.ts';
import type { MakePlace } from './places.ts';
import { tokenStoreContract } from './token-store.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
const password = 's3cr3t-pass';

/** The documented line as arguments of ACL SETUSER: `NAME on >PASSWORD ~KEYS +COMMAND ...`. */
const documentedUser = (/```text\nuser ([\s\S]*?)```/.exec(page)?.[1] ?? '')
  .replace('>PASSWORD', `>${password}`)
  .split(/\s+/)
  .filter((word) => word !== '');

/** What the line about a Cluster adds. */
const clusterRights = [
  ...(/^- A Cluster needs[\s\S]*?(?=\n- )/m.exec(page)?.[0] ?? '').matchAll(/`(\+[^`]+)`/g),
].map((match) => match[1]!);

type Reached = Parameters<typeof redisSettings>[0];

const contractFor = (
  t: Parameters<typeof tokenStoreContract>[0],
  reached: Reached,
  operators: readonly Redis[],
): void => {
  let places = 0;
  const makePlace: MakePlace = async () => {
    const prefix = `tollgate:place-${places++}`;
    const open = async () => {
      const settings = redisSettings({ ...reached, username: 'tollgate', password, prefix });
      const store = createRedisStore(settings, { retentionMs: 3_600_000 });
      await store.open();
      return store;
    };
    return Object.assign(open, {
      loseLines: async () => {
        // The node of a Cluster that does not hold a key refuses.
        for (const shard of allShards)
          for (const operator of operators)
            await operator.del(`${prefix}:{${shard}}:changes`).catch(() => undefined);
      },
    });
  };
  tokenStoreContract(t, makePlace);
};

t.test('on one server', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const operator = new Redis({ path: server.socketPath });
  t.teardown(() => operator.disconnect());
  await operator.acl('SETUSER', documentedUser[0]!, ...documentedUser.slice(1));
  contractFor(t, { socketPath: server.socketPath }, [operator]);
  t.test('the server has refused it nothing', async (t) => {
    t.strictSame(await operator.acl('LOG'), []);
  });
});

t.test('on a Cluster', async (t) => {
  t.equal(clusterRights.length, 3);
  const cluster = await startCluster(2);
  t.teardown(() => cluster.close());
  for (const client of cluster.clients)
    await client.acl('SETUSER', documentedUser[0]!, ...documentedUser.slice(1), ...clusterRights);
  const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
  contractFor(t, { mode: 'cluster', nodes }, cluster.clients);
  t.test('no node has refused it anything', async (t) => {
    for (const client of cluster.clients) t.strictSame(await client.acl('LOG'), []);
  });
});
