// Three gates on a Redis Cluster of three masters with a replica each. `store.replicasMin` is 1: what was acknowledged is
// on both of a pair, so no failover may lose it.

import type { Redis } from 'ioredis';
import type { Test } from 'tap';
import { nodesAgree, startCluster } from '../../support/redis-cluster.ts';
import type { RedisTcpServer } from '../../support/redis-tcp.ts';
import { pause } from './pause.ts';
import { replicaNames, startRedisGates } from './redis-gates.ts';
import { killReplica } from './replica-faults.ts';
import { clientOf, isInStep, isMaster, settlesWithin } from './replication.ts';
import type { Deployment, Inject } from './run-plan.ts';

const masterCount = 3;

export const deployCluster = async (t: Test): Promise<Deployment> => {
  const cluster = await startCluster(masterCount);
  t.teardown(() => cluster.close());
  const pairs: Pair[] = [];
  for (const [index, node] of cluster.nodes.entries()) {
    const replica = await cluster.addReplica(index);
    pairs.push([
      { server: node, id: cluster.ids[index]!, client: clientOf(t, node) },
      { server: replica.node, id: replica.id, client: clientOf(t, replica.node) },
    ]);
  }
  const { replicas } = await startRedisGates(t, {
    storeFor: async () => ({
      url: `redis-cluster://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
      replicasMin: 1,
    }),
  });
  return { replicas, faults: { 'kill a gate': killReplica(replicas), ...clusterFaults(pairs) } };
};

interface Member {
  readonly server: RedisTcpServer;
  readonly client: Redis;
  readonly id: string;
}

type Pair = readonly [Member, Member];

interface Roles {
  readonly master: Member;
  readonly other: Member;
}

const rolesOf = async ([first, second]: Pair): Promise<Roles> =>
  (await isMaster(first.client)) ? { master: first, other: second } : { master: second, other: first };

const done = { replicas: replicaNames, losesRecords: false };

const clusterFaults = (pairs: readonly Pair[]): Readonly<Record<string, Inject>> => {
  const pairAt = (pick: number): Pair => pairs[Math.floor(pick * pairs.length)]!;
  return {
    'kill a master': async ({ pick, lastsMs }) => {
      const { master, other } = await rolesOf(pairAt(pick));
      await master.server.kill();
      await settlesWithin(() => isMaster(other.client));
      await pause(lastsMs);
      await master.server.restart();
      await settlesWithin(() => isInStep(master.client));
      return done;
    },
    'freeze a master': async ({ pick, lastsMs }) => {
      const { master, other } = await rolesOf(pairAt(pick));
      master.server.freeze();
      await settlesWithin(() => isMaster(other.client));
      await pause(lastsMs);
      master.server.thaw();
      await settlesWithin(() => isInStep(master.client));
      return done;
    },
    'fail a master over': async ({ pick }) => {
      const { master, other } = await rolesOf(pairAt(pick));
      await settlesWithin(async () => {
        await other.client.cluster('FAILOVER').catch(() => undefined);
        return isMaster(other.client);
      });
      await settlesWithin(() => isInStep(master.client));
      return done;
    },
    'move slots': async ({ pick }) => {
      const shard = Math.floor(pick * shardCount);
      const masters = await Promise.all(pairs.map(async (pair) => (await rolesOf(pair)).master));
      for (let moved = 0; moved < slotsAtOnce; moved += 1)
        await moveSlot(masters, `{${(shard + moved) % shardCount}}`);
      return done;
    },
  };
};

const shardCount = 16;
const slotsAtOnce = 4;
const keysAtOnce = 5;

/** Moves a slot to another master as redis-cli does it, a few keys at a time, while it is read and written. */
const moveSlot = async (masters: readonly Member[], key: string): Promise<void> => {
  const [any] = masters as [Member];
  await nodesAgree(masters.map(({ client }) => client));
  const slot = await any.client.cluster('KEYSLOT', key);
  const ranges = await any.client.cluster('SLOTS');
  const ownerId = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2]?.[2];
  const from = masters.findIndex(({ id }) => id === ownerId);
  const source = masters[from];
  const target = masters[(from + 1) % masters.length];
  if (source === undefined || target === undefined) throw new Error(`no master has slot ${slot}`);
  await target.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source.id);
  await source.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id);
  for (;;) {
    const keys = (await source.client.call('CLUSTER', 'GETKEYSINSLOT', slot, keysAtOnce)) as string[];
    if (keys.length === 0) break;
    const { host, port } = target.server;
    await source.client.call('MIGRATE', host, port, '', 0, 5_000, 'KEYS', ...keys);
  }
  for (const { client } of [target, source, ...masters])
    await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
};
