// A Redis master and its replica, in step, and what can befall them.

import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { type RedisTcpServer, startTcpRedis } from './redis-tcp.ts';

export interface RedisPair {
  readonly master: RedisTcpServer;
  readonly replica: RedisTcpServer;
  /** A client of the master. */
  readonly operator: Redis;
  /** The replica hears nothing more, of what is on its way neither. */
  readonly cutOff: () => Promise<void>;
  /** It is in step again. */
  readonly mend: () => Promise<void>;
  /** The master is lost for good, and the replica, as far as it came, takes its place. */
  readonly failOver: () => Promise<void>;
}

export const startRedisPair = async (t: Test): Promise<RedisPair> => {
  const start = async (args: readonly string[]): Promise<RedisTcpServer> => {
    const server = await startTcpRedis(['--repl-diskless-sync-delay', '0', ...args]);
    t.teardown(() => server.close());
    return server;
  };
  const clientOf = ({ port }: RedisTcpServer): Redis => {
    const client = new Redis({ host: '127.0.0.1', port });
    client.on('error', () => undefined);
    t.teardown(() => client.disconnect());
    return client;
  };
  const master = await start([]);
  const replica = await start(['--replicaof', '127.0.0.1', `${master.port}`]);
  const operator = clientOf(master);
  const inStep = async (): Promise<void> => {
    await operator.set('in-step', Date.now());
    while ((await operator.wait(1, 100)) < 1) await operator.incr('in-step');
  };
  await inStep();
  return {
    master,
    replica,
    operator,
    cutOff: async () => {
      replica.freeze();
      await operator.call('CLIENT', 'KILL', 'TYPE', 'replica');
    },
    mend: async () => {
      replica.thaw();
      await inStep();
    },
    failOver: async () => {
      await master.kill();
      replica.thaw();
      await clientOf(replica).replicaof('NO', 'ONE');
    },
  };
};
