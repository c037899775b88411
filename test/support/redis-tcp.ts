// A real redis-server on a loopback port: for replicas, sentinels and clusters, which cannot meet on a unix socket.

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type RedisServer, startRedis } from './redis.ts';

export interface RedisTcpServer extends RedisServer {
  readonly host: '127.0.0.1';
  readonly port: number;
}

/** A port nobody listens on now. Somebody may take it before it is used: whoever uses it tries again. */
export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
};

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
