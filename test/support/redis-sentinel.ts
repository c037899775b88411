// Real sentinels watching one master, quick to act: a master is down after half a second.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './process.ts';
import { until } from './redis-tcp.ts';

export interface RedisSentinel {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly name: string;
  /** Resolves when the Sentinel knows this many replicas of the master. */
  knowsReplicas(count: number): Promise<void>;
  /** Resolves when the Sentinel knows this many other sentinels. */
  knowsSentinels(count: number): Promise<void>;
  /** Asks for a failover until it is begun. */
  failover(): Promise<void>;
  /** Resolves when the Sentinel names this server as the master. */
  names(master: { readonly port: number }): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Starts it again with what it knew when it was killed. */
  restart(): void;
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** Sentinels that know each other and as many replicas; most of them must agree that a master is down. */
export const startSentinels = async (
  master: { readonly port: number },
  count: number,
  replicas: number,
): Promise<readonly RedisSentinel[]> => {
  const quorum = Math.floor(count / 2) + 1;
  const sentinels = await Promise.all(Array.from({ length: count }, () => startSentinel(master, quorum)));
  for (const sentinel of sentinels) {
    await sentinel.knowsSentinels(count - 1);
    await sentinel.knowsReplicas(replicas);
  }
  return sentinels;
};

/** `quorum`: how many sentinels must agree that the master is down. */
export const startSentinel = async (
  master: { readonly port: number },
  quorum = 1,
): Promise<RedisSentinel> => {
  const directory = mkdtempSync('/tmp/tg-');
  const port = await freePort();
  const name = 'main';
  const conf = join(directory, 'sentinel.conf');
  writeFileSync(
    conf,
    `port ${port}
bind 127.0.0.1
dir ${directory}
sentinel monitor ${name} 127.0.0.1 ${master.port} ${quorum}
sentinel down-after-milliseconds ${name} 500
sentinel failover-timeout ${name} 4000
`,
  );
  const start = (): ChildProcess => spawn('redis-server', [conf, '--sentinel'], { stdio: 'ignore' });
  let child = start();
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  await client.ping();
  const ask = async (...words: string[]): Promise<unknown> => client.call('SENTINEL', ...words);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await exited;
  };
  return {
    host: '127.0.0.1',
    port,
    name,
    knowsReplicas: (count) => until(async () => lengthOf(await ask('REPLICAS', name)) >= count),
    knowsSentinels: (count) => until(async () => lengthOf(await ask('SENTINELS', name)) >= count),
    failover: () =>
      until(async () => {
        const answer = String(await ask('FAILOVER', name).catch(String));
        return answer === 'OK' || answer.includes('INPROG');
      }),
    names: (server) =>
      until(async () => {
        const address = await ask('GET-MASTER-ADDR-BY-NAME', name);
        return Array.isArray(address) && address[1] === `${server.port}`;
      }),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    restart: () => {
      child = start();
    },
    kill,
    close: async () => {
      client.disconnect();
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

const lengthOf = (reply: unknown): number => (Array.isArray(reply) ? reply.length : 0);
