// Three gates on one Redis that writes every command to its disk before it answers; each gate reaches it by a relay.

import { Redis } from 'ioredis';
import { join } from 'node:path';
import type { Test } from 'tap';
import { startEchoApi } from '../../support/echo-api.ts';
import { encryptionKey } from '../../support/gate-process.ts';
import { openOperator, type Operator } from '../../support/operator.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { gateSettings } from './gate-settings.ts';
import { freezeReplica, killReplica, pause, pickReplica } from './replica-faults.ts';
import { type Relay, startRelay } from './relay.ts';
import { type Replica, startReplica } from './replica.ts';
import type { Deployment, Inject } from './run-plan.ts';
import { makeDirectory } from './temporary-directory.ts';
import { furnish } from './tenants.ts';

export const alwaysOnDisk = ['--appendonly', 'yes', '--appendfsync', 'always'];

export const replicaNames = ['a', 'b', 'c'];

/** `environments`: of single replicas by name, e.g. another clock. */
export const deployRedis = async (
  t: Test,
  environments: Readonly<Record<string, NodeJS.ProcessEnv>> = {},
): Promise<Deployment> => {
  const directory = makeDirectory(t);
  const redis = await startRedis(alwaysOnDisk);
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  const relays = new Map<string, Relay>();
  const start = async (name: string): Promise<Replica> => {
    const relay = await startRelay(t, join(directory, `${name}.sock`), redis.socketPath);
    relays.set(name, relay);
    const store = { url: `redis+unix:${relay.path}`, ...patience };
    const settings = { ...gateSettings(api.url, store), keys: { encryptionKey } };
    return startReplica(t, { directory, name, settings, env: environments[name] ?? {} });
  };
  const replicas = await Promise.all(replicaNames.map(start));
  const operator = await openOperator(t, replicas[0]!.gate.settingsFile);
  await furnish(operator);
  await Promise.all(replicas.map(({ gate }) => gate.whenReady()));
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

/** A busy machine is no outage; a dead Redis is one soon. */
export const patience = { readTimeout: '1s', writeTimeout: '2s' };

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
