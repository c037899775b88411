// A real Redis Cluster of a few masters on loopback ports, put together by hand: quicker than redis-cli's way, and
// two nodes are enough. A replica takes a dead master over by itself where most masters live: of three, one may die.

import { Redis } from 'ioredis';
import { freePort } from './process.ts';
import { type RedisTcpServer, startTcpRedis, until } from './redis-tcp.ts';

const slotCount = 16_384;

export interface ClusterReplica {
  readonly node: RedisTcpServer;
  readonly client: Redis;
  readonly id: string;
  /** Makes it the master at once, whoever is there and whatever the others say. */
  takeOver(): Promise<void>;
  /** Resolves when it is a master: taken over by itself, or told to. */
  isMaster(): Promise<void>;
}

export interface RedisCluster {
  readonly nodes: readonly RedisTcpServer[];
  /** A client of one node. */
  readonly clients: readonly Redis[];
  readonly ids: readonly string[];
  /** Index of the node that owns a key's slot, as the first node sees it, and the slot. */
  ownerOf(key: string): Promise<{ readonly owner: number; readonly slot: number }>;
  /** Adds a replica of a master; resolves when it is in step. */
  addReplica(of: number): Promise<ClusterReplica>;
  /** Resolves when a node is a master again. */
  isMaster(index: number): Promise<void>;
  /** Makes a replica the master, in agreement with the present one. */
  failOverTo(replica: Redis): Promise<void>;
  /** Resolves when every node sees every slot served. */
  whole(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Resolves when all nodes tell the same of each other, epochs and slots. A slot must not be moved before: its new owner
 * claims it with an epoch above those that it knows of, and a node with a newer one that it has not heard of takes the
 * slot back. Then each takes the other for the owner, for good.
 */
export const nodesAgree = (clients: readonly Redis[]): Promise<void> =>
  until(async () => {
    const views = clients.map(async (client) => viewOf(String(await client.cluster('NODES'))));
    return new Set(await Promise.all(views)).size === 1;
  });

/** Id, epoch and slots of each master, in the order of ids. */
const viewOf = (nodes: string): string =>
  nodes
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , flags]) => flags?.includes('master'))
    .map(([id, , , , , , epoch, , ...slots]) =>
      [id, epoch, ...slots.filter((text) => !text.startsWith('['))].join(' '),
    )
    .toSorted()
    .join('\n');

/** `masters`: how many; slots are spread evenly. */
export const startCluster = async (masters = 2): Promise<RedisCluster> => {
  const nodes = await Promise.all(Array.from({ length: masters }, () => startNode()));
  const clients = nodes.map((node) => clientOf(node));
  const ids = await Promise.all(clients.map((client) => client.cluster('MYID')));
  const replicas: ClusterReplica[] = [];
  const [first] = clients as [Redis];
  for (const [index, client] of clients.entries()) {
    const from = Math.ceil((slotCount * index) / masters);
    const to = Math.ceil((slotCount * (index + 1)) / masters) - 1;
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    if (index > 0) await meet(first, nodes[index]!, client);
  }
  const all = (): readonly Redis[] => [...clients, ...replicas.map(({ client }) => client)];
  const whole = async (): Promise<void> => {
    for (const client of all()) await until(() => isWhole(client, masters));
  };
  await whole();
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
      await meet(first, node, client);
      const masterId = ids[of]!;
      await until(async () => (await client.call('CLUSTER', 'REPLICATE', masterId).catch(() => '')) === 'OK');
      await until(async () => (await client.info('replication')).includes('master_link_status:up'));
      // It can only take over slots it has heard of, and the others must have heard of it.
      await until(() => isWhole(client, masters));
      const id = await client.cluster('MYID');
      for (const other of clients) await until(async () => String(await other.cluster('NODES')).includes(id));
      const replica = {
        node,
        client,
        id,
        isMaster: () => isMaster(client),
        takeOver: async () => {
          await client.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
          await isMaster(client);
        },
      };
      replicas.push(replica);
      return replica;
    },
    failOverTo: async (replica) => {
      const id = await replica.cluster('MYID');
      const isAgreed = async (): Promise<boolean> => {
        const views = await Promise.all(all().map((client) => client.cluster('SLOTS')));
        return views.every((ranges) => ranges.some(([, , master]) => master?.[2] === id));
      };
      while (!(await isAgreed())) {
        // Refused while it is not in step; and the others vote again only after twice the node time-out.
        await replica.call('CLUSTER', 'FAILOVER').catch(() => undefined);
        for (let waits = 0; waits < 100 && !(await isAgreed()); waits++)
          await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    isMaster: (index) => isMaster(clients[index]!),
    whole,
    close: async () => {
      for (const client of all()) client.disconnect();
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
    // However long a master has been dead, its replica may take over.
    '--cluster-replica-validity-factor',
    '0',
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
    '--repl-diskless-sync-delay',
    '0',
  ]);

const clientOf = ({ port }: RedisTcpServer): Redis => {
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  return client;
};

const meet = async (first: Redis, node: RedisTcpServer, client: Redis): Promise<void> => {
  const [, busPort] = (await client.config('GET', 'cluster-port')) as [string, string];
  await first.call('CLUSTER', 'MEET', '127.0.0.1', node.port, busPort);
};

const isMaster = (client: Redis): Promise<void> =>
  until(async () => (await client.info('replication')).includes('role:master'));

const isWhole = async (client: Redis, masters: number): Promise<boolean> => {
  const info = await client.cluster('INFO');
  return (
    info.includes('cluster_state:ok') &&
    info.includes(`cluster_slots_ok:${slotCount}`) &&
    info.includes(`cluster_size:${masters}`)
  );
};
