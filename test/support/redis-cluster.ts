// A real Redis Cluster of a few masters on loopback ports, put together by hand: quicker than redis-cli's way, and
// two nodes are enough.

import { Redis } from 'ioredis';
import { freePort, type RedisTcpServer, startTcpRedis } from './redis-tcp.ts';

const slotCount = 16_384;

export interface RedisCluster {
  readonly nodes: readonly RedisTcpServer[];
  /** A client of one node. */
  readonly clients: readonly Redis[];
  readonly ids: readonly string[];
  /** Index of the node that owns a key's slot, as the first node sees it, and the slot. */
  ownerOf(key: string): Promise<{ readonly owner: number; readonly slot: number }>;
  close(): Promise<void>;
}

/** `masters`: how many; slots are spread evenly. */
export const startCluster = async (masters = 2): Promise<RedisCluster> => {
  const nodes = await Promise.all(
    Array.from({ length: masters }, () =>
      startTcpRedis(async () => [
        '--cluster-enabled',
        'yes',
        '--cluster-port',
        `${await freePort()}`,
        '--cluster-node-timeout',
        '2000',
        '--cluster-require-full-coverage',
        'no',
        '--appendonly',
        'yes',
        '--appendfsync',
        'always',
      ]),
    ),
  );
  const clients = nodes.map(({ port }) => {
    const client = new Redis({ port, host: '127.0.0.1' });
    client.on('error', () => undefined);
    return client;
  });
  const ids = await Promise.all(clients.map((client) => client.cluster('MYID')));
  const busPort = async (client: Redis): Promise<string> => {
    const [, value] = (await client.config('GET', 'cluster-port')) as [string, string];
    return value;
  };
  for (const [index, client] of clients.entries()) {
    const first = Math.ceil((slotCount * index) / masters);
    const last = Math.ceil((slotCount * (index + 1)) / masters) - 1;
    await client.call('CLUSTER', 'ADDSLOTSRANGE', first, last);
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    if (index > 0)
      await clients[0]!.call('CLUSTER', 'MEET', '127.0.0.1', nodes[index]!.port, await busPort(client));
  }
  for (const client of clients)
    while (!(await isWhole(client, masters))) await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    nodes,
    clients,
    ids,
    ownerOf: async (key) => {
      const slot = await clients[0]!.cluster('KEYSLOT', key);
      const ranges = await clients[0]!.cluster('SLOTS');
      const master = ranges.find(([first, last]) => first <= slot && slot <= last)![2]!;
      return { owner: ids.indexOf(master[2]), slot };
    },
    close: async () => {
      for (const client of clients) client.disconnect();
      await Promise.all(nodes.map((node) => node.close()));
    },
  };
};

const isWhole = async (client: Redis, masters: number): Promise<boolean> => {
  const info = await client.cluster('INFO');
  return (
    info.includes('cluster_state:ok') &&
    info.includes(`cluster_slots_ok:${slotCount}`) &&
    info.includes(`cluster_size:${masters}`)
  );
};
