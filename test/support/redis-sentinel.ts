// A real Sentinel watching one master, quick to act: a master is down after half a second.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './redis-tcp.ts';

export interface RedisSentinel {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly name: string;
  /** Resolves when the Sentinel knows this many replicas of the master. */
  knowsReplicas(count: number): Promise<void>;
  /** Asks for a failover until it is begun. */
  failover(): Promise<void>;
  kill(): Promise<void>;
  close(): Promise<void>;
}

export const startSentinel = async (master: { readonly port: number }): Promise<RedisSentinel> => {
  const directory = mkdtempSync('/tmp/tg-');
  const port = await freePort();
  const name = 'main';
  const conf = join(directory, 'sentinel.conf');
  writeFileSync(
    conf,
    `port ${port}
bind 127.0.0.1
dir ${directory}
sentinel monitor ${name} 127.0.0.1 ${master.port} 1
sentinel down-after-milliseconds ${name} 500
sentinel failover-timeout ${name} 4000
`,
  );
  const child: ChildProcess = spawn('redis-server', [conf, '--sentinel'], { stdio: 'ignore' });
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  await client.ping();
  const ask = async (...words: string[]): Promise<unknown> => client.call('SENTINEL', ...words);
  const kill = async (): Promise<void> => {
    client.disconnect();
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  return {
    host: '127.0.0.1',
    port,
    name,
    knowsReplicas: async (count) => {
      for (;;) {
        const replicas = await ask('REPLICAS', name);
        if (Array.isArray(replicas) && replicas.length >= count) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    failover: async () => {
      for (;;) {
        const answer = await ask('FAILOVER', name).catch((error: unknown) => String(error));
        if (answer === 'OK' || String(answer).includes('INPROG')) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    kill,
    close: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
