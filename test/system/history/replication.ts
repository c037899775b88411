// What a Redis server says of its own replication.

import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { until } from '../../support/gate-process.ts';

/** A client that comes back whenever its server does; gone with the test. */
export const clientOf = (t: Test, { port }: { readonly port: number }): Redis => {
  const client = new Redis({
    port,
    host: '127.0.0.1',
    retryStrategy: () => 50,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
    enableOfflineQueue: false,
  });
  client.on('error', () => undefined);
  t.teardown(() => client.disconnect());
  return client;
};

export const isMaster = async (client: Redis): Promise<boolean> =>
  (await replicationOf(client)).includes('role:master');

/** A replica that has all of its master's data. */
export const isInStep = async (client: Redis): Promise<boolean> => {
  const replication = await replicationOf(client);
  return replication.includes('role:slave') && replication.includes('master_link_status:up');
};

const replicationOf = (client: Redis): Promise<string> => client.info('replication').catch(() => '');

/** Failovers take seconds, on a busy machine many. */
export const settlesWithin = (isSo: () => Promise<boolean>): Promise<void> => until(isSo, 60_000);
