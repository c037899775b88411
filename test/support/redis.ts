// A real redis-server for one test file: on a unix socket under a short temporary path (a socket path over 107 bytes
// fails), ready when it answers PING, gone when the test is.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

export interface RedisServer {
  readonly socketPath: string;
  readonly directory: string;
  readonly process: ChildProcess;
  /** Stops it at once (SIGKILL); the data on disk stays. */
  kill(): Promise<void>;
  /** Starts it again on the same socket and directory. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** Starts a server; `args` are extra redis-server arguments, e.g. `['--appendonly', 'yes']`. */
export const startRedis = async (args: readonly string[] = []): Promise<RedisServer> => {
  const directory = mkdtempSync('/tmp/tg-');
  const socketPath = join(directory, 'r.sock');
  let child = await launch(directory, socketPath, args);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await exited;
  };
  return {
    socketPath,
    directory,
    get process() {
      return child;
    },
    kill,
    restart: async () => {
      await kill();
      child = await launch(directory, socketPath, args);
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    close: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

const launch = async (
  directory: string,
  socketPath: string,
  args: readonly string[],
): Promise<ChildProcess> => {
  rmSync(socketPath, { force: true });
  const child = spawn(
    'redis-server',
    [
      '--port',
      '0',
      '--unixsocket',
      socketPath,
      '--dir',
      directory,
      '--save',
      '',
      '--daemonize',
      'no',
      ...args,
    ],
    { stdio: 'ignore' },
  );
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`redis-server ended before it was ready (exit ${String(code)})`);
  });
  failed.catch(() => undefined);
  const ready = async (): Promise<void> => {
    while (!(await answersPing(socketPath))) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await Promise.race([ready(), failed]);
  return child;
};

const answersPing = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().startsWith('+PONG'));
    });
  });
