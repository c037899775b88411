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
  /** Adds a replica of a master; resolves when it is in step. `takeOver` makes it the master, whoever is there. */
  addReplica(of: number): Promise<{ takeOver(): Promise<void> }>;
  close(): Promise<void>;
}

/** `masters`: how many; slots are spread evenly. */
export const startCluster = async (masters = 2): Promise<RedisCluster> => {
  const nodes = await Promise.all(Array.from({ length: masters }, () => startNode()));
  const clients = nodes.map((node) => clientOf(node));
  const ids = await Promise.all(clients.map((client) => client.cluster('MYID')));
  const replicas: { readonly node: RedisTcpServer; readonly client: Redis }[] = [];
  const [first] = clients as [Redis];
  for (const [index, client] of clients.entries()) {
    const from = Math.ceil((slotCount * index) / masters);
    const to = Math.ceil((slotCount * (index + 1)) / masters) - 1;
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    if (index > 0) await meet(first, nodes[index]!, client);
  }
  for (const client of clients) await until(() => isWhole(client, masters));
  return {
    nodes,
    clients,
    ids,
    ownerOf: async (key) => {
      const slot = await first.cluster('KEYSLOT', key);
      const ranges = await first.cluster('SLOTS');
      const master = ranges.find(([from, to]) => from <= slot && slot <= to)![2]!;
      return { owner: ids.indexOf(master[2]), slot };
    },
    addReplica: async (of) => {
      const node = await startNode();
      const client = clientOf(node);
      replicas.push({ node, client });
      await meet(first, node, client);
      const masterId = ids[of]!;
      await until(async () => (await client.call('CLUSTER', 'REPLICATE', masterId).catch(() => '')) === 'OK');
      await until(async () => (await client.info('replication')).includes('master_link_status:up'));
      // It can only take over slots it has heard of.
      await until(() => isWhole(client, masters));
      return {
        takeOver: async () => {
          await client.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
          await until(async () => (await client.info('replication')).includes('role:master'));
        },
      };
    },
    close: async () => {
      for (const client of [...clients, ...replicas.map(({ client }) => client)]) client.disconnect();
      await Promise.all([...nodes, ...replicas.map(({ node }) => node)].map((node) => node.close()));
    },
  };
};

const startNode = (): Promise<RedisTcpServer> =>
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
    '--repl-diskless-sync-delay',
    '0',
  ]);

const clientOf = ({ port }: RedisTcpServer): Redis => {
  const client = new Redis({ port, host: '127.0.0.1' });
  client.on('error', () => undefined);
  return client;
};

const meet = async (first: Redis, node: RedisTcpServer, client: Redis): Promise<void> => {
  const [, busPort] = (await client.config('GET', 'cluster-port')) as [string, string];
  await first.call('CLUSTER', 'MEET', '127.0.0.1', node.port, busPort);
};

const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
};

const isWhole = async (client: Redis, masters: number): Promise<boolean> => {
  const info = await client.cluster('INFO');
  return (
    info.includes('cluster_state:ok') &&
    info.includes(`cluster_slots_ok:${slotCount}`) &&
    info.includes(`cluster_size:${masters}`)
  );
};
