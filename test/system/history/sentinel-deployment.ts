// Three gates on a master and its replica that a Sentinel watches. `store.replicasMin` is 1: what was acknowledged is on
// both, so no failover may lose it.

import type { Redis } from 'ioredis';
import type { Test } from 'tap';
import { until } from '../../support/gate-process.ts';
import { startSentinel } from '../../support/redis-sentinel.ts';
import { type RedisTcpServer, startTcpRedis } from '../../support/redis-tcp.ts';
import { pause } from './pause.ts';
import { alwaysOnDisk, replicaNames, startRedisGates } from './redis-gates.ts';
import { freezeReplica, killReplica } from './replica-faults.ts';
import { clientOf, isInStep, isMaster, settlesWithin } from './replication.ts';
import type { Deployment, Inject } from './run-plan.ts';

export const deploySentinel = async (t: Test): Promise<Deployment> => {
  const args = [...alwaysOnDisk, '--repl-diskless-sync-delay', '0'];
  const first = await startTcpRedis(args);
  t.teardown(() => first.close());
  const second = await startTcpRedis([...args, '--replicaof', '127.0.0.1', `${first.port}`]);
  t.teardown(() => second.close());
  const sentinel = await startSentinel(first);
  t.teardown(() => sentinel.close());
  await sentinel.knowsReplicas(1);
  const pair = [first, second].map((server) => ({ server, client: clientOf(t, server) }));
  const { replicas } = await startRedisGates(t, {
    storeFor: async () => ({
      url: `redis-sentinel://127.0.0.1:${sentinel.port}/${sentinel.name}`,
      replicasMin: 1,
    }),
  });
  return {
    replicas,
    faults: {
      'kill a gate': killReplica(replicas),
      'freeze a gate': freezeReplica(replicas),
      ...failovers(pair, () => sentinel.failover()),
    },
  };
};

interface Member {
  readonly server: RedisTcpServer;
  readonly client: Redis;
}

const failovers = (
  pair: readonly Member[],
  forceFailover: () => Promise<void>,
): Readonly<Record<string, Inject>> => {
  const roles = async (): Promise<{ readonly master: Member; readonly other: Member }> => {
    const isFirst = await isMaster(pair[0]!.client);
    return { master: pair[isFirst ? 0 : 1]!, other: pair[isFirst ? 1 : 0]! };
  };
  /** The old master follows the new one. A Sentinel on a busy machine takes half a minute to say so: an operator does. */
  const healed = async (master: Member, old: Member) => {
    await settlesWithin(() => isMaster(master.client));
    const follow = (): Promise<unknown> =>
      old.client.replicaof('127.0.0.1', master.server.port).catch(() => undefined);
    await settlesWithin(
      async () => (await isInStep(old.client)) || (await follow(), await isInStep(old.client)),
    );
    return { replicas: replicaNames, losesRecords: false };
  };
  return {
    'force a failover': async () => {
      const { master, other } = await roles();
      // One that is asked for while the last is being finished, or that Sentinel gives up, is asked for again.
      while (!(await isMaster(other.client))) {
        await forceFailover();
        await until(() => isMaster(other.client), 6_000).catch(() => undefined);
      }
      return healed(other, master);
    },
    'kill the master': async ({ lastsMs }) => {
      const { master, other } = await roles();
      await master.server.kill();
      await settlesWithin(() => isMaster(other.client));
      await pause(lastsMs);
      await master.server.restart();
      await pause(lastsMs);
      return healed(other, master);
    },
    // It wakes up and still believes to be the master.
    'freeze the master': async ({ lastsMs }) => {
      const { master, other } = await roles();
      master.server.freeze();
      await settlesWithin(() => isMaster(other.client));
      await pause(lastsMs);
      master.server.thaw();
      await pause(lastsMs);
      return healed(other, master);
    },
  };
};
