// A real redis-server on a loopback port: for replicas, sentinels and clusters, which cannot meet on a unix socket.

import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './process.ts';
import { type RedisServer, startRedis } from './redis.ts';

export interface RedisTcpServer extends RedisServer {
  readonly host: '127.0.0.1';
  readonly port: number;
}

/** Starts a server on a free port (and a unix socket); `args` may need the port. */
export const startTcpRedis = async (
  args: readonly string[] | ((port: number) => Promise<readonly string[]>) = [],
): Promise<RedisTcpServer> => {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const extra = typeof args === 'function' ? await args(port) : args;
    try {
      const server = await startRedis(['--port', `${port}`, '--bind', '127.0.0.1', ...extra]);
      return Object.assign(Object.create(server) as RedisServer, { host: '127.0.0.1' as const, port });
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
};

/** Asks every 20 ms until the answer is yes: for what a server reports only when asked. */
export const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await delay(20);
};
