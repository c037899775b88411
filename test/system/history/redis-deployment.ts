// Three gates on one Redis that writes every command to its disk before it answers; each gate reaches it by a relay.

import { Redis } from 'ioredis';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Operator } from '../../support/operator.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { pause } from './pause.ts';
import { alwaysOnDisk, replicaNames, startRedisGates } from './redis-gates.ts';
import { type Relay, startRelay } from './relay.ts';
import { freezeReplica, killReplica, pickReplica } from './replica-faults.ts';
import type { Deployment, Inject } from './run-plan.ts';
import { makeDirectory } from '../../support/temporary-directory.ts';
import { furnish } from './tenants.ts';

/** `environments`: of single replicas by name, e.g. another clock. */
export const deployRedis = async (
  t: Test,
  environments: Readonly<Record<string, NodeJS.ProcessEnv>> = {},
): Promise<Deployment> => {
  const redis = await startRedis(alwaysOnDisk);
  t.teardown(() => redis.close());
  const directory = makeDirectory(t);
  const relays = new Map<string, Relay>();
  const storeFor = async (name: string) => {
    const relay = await startRelay(t, join(directory, `${name}.sock`), redis.socketPath);
    relays.set(name, relay);
    return { url: `redis+unix:${relay.path}` };
  };
  const { replicas, operator } = await startRedisGates(t, { storeFor, environments });
  const withRelay =
    (begin: (relay: Relay) => void): Inject =>
    async (intent) => {
      const { name } = pickReplica(replicas, intent);
      const relay = relays.get(name)!;
      begin(relay);
      await pause(intent.lastsMs);
      relay.mend();
      return { replicas: [name], losesRecords: false };
    };
  return {
    replicas,
    faults: {
      'kill a gate': killReplica(replicas),
      'freeze a gate': freezeReplica(replicas),
      'part a gate from Redis': withRelay((relay) => relay.part()),
      'cut a gate off': withRelay((relay) => relay.cut()),
      'slice what a gate reads': withRelay((relay) => relay.slice()),
      ...serverFaults(redis, operator),
    },
  };
};

const serverFaults = (redis: RedisServer, operator: Operator): Readonly<Record<string, Inject>> => ({
  'kill Redis': async ({ lastsMs }) => {
    await redis.kill();
    await pause(lastsMs);
    await redis.restart();
    return { replicas: replicaNames, losesRecords: false };
  },
  'freeze Redis': async ({ lastsMs }) => {
    redis.freeze();
    await pause(lastsMs);
    redis.thaw();
    return { replicas: replicaNames, losesRecords: false };
  },
  'trim the feed': async () => {
    await withClient(redis, async (client) => {
      for (const stream of await client.keys('tollgate:*:changes')) await client.xtrim(stream, 'MAXLEN', 0);
    });
    return { replicas: replicaNames, losesRecords: false };
  },
  'lose the feed': async () => {
    await withClient(
      redis,
      async (client) => void (await client.del(await client.keys('tollgate:*:changes'))),
    );
    return { replicas: replicaNames, losesRecords: false };
  },
  'empty Redis': async () => {
    await withClient(redis, async (client) => void (await client.flushall()));
    await operator.whenStoreAnswers();
    await furnish(operator);
    return { replicas: replicaNames, losesRecords: true };
  },
});

const withClient = async (redis: RedisServer, work: (client: Redis) => Promise<void>): Promise<void> => {
  const client = new Redis({ path: redis.socketPath });
  try {
    await work(client);
  } finally {
    client.disconnect();
  }
};
