// Three gates on a Redis, furnished and ready; what the deployments on Redis have in common.

import type { Test } from 'tap';
import { startEchoApi } from '../../support/echo-api.ts';
import { encryptionKey } from '../../support/gate-process.ts';
import { openOperator, type Operator } from '../../support/operator.ts';
import { gateSettings } from './gate-settings.ts';
import { type Replica, startReplica } from './replica.ts';
import { makeDirectory } from '../../support/temporary-directory.ts';
import { furnish } from './tenants.ts';

export const replicaNames = ['a', 'b', 'c'];

/** Every command is on the disk before it is answered. */
export const alwaysOnDisk = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** A busy machine is no outage; a dead Redis is one soon. */
const patience = { readTimeout: '1s', writeTimeout: '2s' };

export interface RedisGates {
  readonly replicas: readonly Replica[];
  readonly operator: Operator;
}

export interface RedisGatesOptions {
  /** The settings of the store for each replica: `url`, and more where it is needed. */
  readonly storeFor: (name: string) => Promise<Readonly<Record<string, unknown>>>;
  /** Of single replicas by name, e.g. another clock. */
  readonly environments?: Readonly<Record<string, NodeJS.ProcessEnv>>;
}

export const startRedisGates = async (
  t: Test,
  { storeFor, environments = {} }: RedisGatesOptions,
): Promise<RedisGates> => {
  const directory = makeDirectory(t);
  const api = await startEchoApi(t);
  const start = async (name: string): Promise<Replica> => {
    const store = { ...patience, ...(await storeFor(name)) };
    const settings = { ...gateSettings(api.url, store), keys: { encryptionKey } };
    return startReplica(t, { directory, name, settings, env: environments[name] ?? {} });
  };
  const replicas = await Promise.all(replicaNames.map(start));
  const operator = await openOperator(t, replicas[0]!.gate.settingsFile);
  await furnish(operator);
  await Promise.all(replicas.map(({ gate }) => gate.whenReady()));
  return { replicas, operator };
};
