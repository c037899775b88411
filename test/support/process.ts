// Real processes for system tests and the bench: started, awaited until they serve, stopped by their own id.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface ProcessOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Answers true once it serves; asked again every few milliseconds. */
  readonly isReady?: () => Promise<boolean>;
  readonly readyWithinMs?: number;
}

export interface RunningProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Everything it has written so far, both streams. */
  output(): string;
  /** Resolves with exit code and signal; at once when it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** SIGTERM, then SIGKILL when it takes longer than `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts a command and waits until it is ready; fails with its output when it ends before. */
export const startProcess = async (
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> => {
  const { env, cwd, uid, gid, isReady, readyWithinMs = 30_000 } = options;
  // The test runner puts its loader into NODE_OPTIONS of whatever is spawned; these processes are to be as in production.
  const child = spawn('env', ['-u', 'NODE_OPTIONS', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: env ?? process.env,
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (output += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (output += piece));
  const state = { hasEnded: false };
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      state.hasEnded = true;
      resolve({ code: null, signal: null });
    });
    child.once('close', (code, signal) => {
      state.hasEnded = true;
      resolve({ code, signal });
    });
  });
  const stop = async (graceMs = 10_000): Promise<void> => {
    const killer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(killer);
  };
  const deadlineMs = performance.now() + readyWithinMs;
  const isUp = isReady ?? (() => Promise.resolve(true));
  while (!(await isUp())) {
    if (state.hasEnded) throw new Error(`${command} ${args.join(' ')} ended before it was ready:\n${output}`);
    if (performance.now() > deadlineMs) {
      await stop(0);
      throw new Error(`${command} ${args.join(' ')} was not ready in ${readyWithinMs} ms:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { child, pid: child.pid ?? 0, output: () => output, ended, stop };
};

/** Whether a URL answers 200. */
export const answers200 = (url: string): Promise<boolean> =>
  fetch(url).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status === 200;
    },
    () => false,
  );

/** Runs a command to its end; fails with its output unless it ends with 0. */
export const runToEnd = async (
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<string> => {
  const running = await startProcess(command, args, options);
  const { code } = await running.ended;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${running.output()}`);
  return running.output();
};

/** A port nobody listens on now. Somebody may take it before it is used, so its user tries again. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** This process's environment without settings of Tollgate. */
export const cleanEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TOLLGATE_')));

export interface Tollgate extends RunningProcess {
  readonly url: string;
  readonly opsUrl: string;
  readonly settingsFile: string;
}

export interface TollgateOptions {
  /** Where its settings file is written; made if missing. */
  readonly directory: string;
  readonly name: string;
  /** As in tollgate.yaml, without `listen` and `ops`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Put before the command, e.g. `['taskset', '-c', '0']`. */
  readonly prefix?: readonly string[];
  readonly nodeArgs?: readonly string[];
  /** Its entry; src/main.ts unless given. */
  readonly main?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts `node MAIN serve` with these settings on free ports, and waits for its /readyz. */
export const startTollgate = async (options: TollgateOptions): Promise<Tollgate> => {
  const { directory, name, settings, prefix = [], nodeArgs = [], env = {} } = options;
  const { main = join(root, 'src/main.ts') } = options;
  const [port, opsPort] = [await freePort(), await freePort()];
  mkdirSync(directory, { recursive: true });
  const settingsFile = join(directory, `${name}.yaml`);
  // JSON is YAML.
  writeFileSync(
    settingsFile,
    JSON.stringify({ listen: `127.0.0.1:${port}`, ops: `127.0.0.1:${opsPort}`, ...settings }, undefined, 2),
  );
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  const node = [...nodeArgs, main, 'serve', '--config', settingsFile];
  const [command = '', ...args] = [...prefix, process.execPath, ...node];
  const running = await startProcess(command, args, {
    env: { ...cleanEnvironment(), ...env },
    cwd: directory,
    isReady: () => answers200(`${opsUrl}/readyz`),
  });
  return { ...running, url: `http://127.0.0.1:${port}`, opsUrl, settingsFile };
};

/** Runs one command of Tollgate's command line with a settings file. */
export const runTollgate = (settingsFile: string, args: readonly string[]): Promise<string> =>
  runToEnd(process.execPath, [join(root, 'src/main.ts'), ...args, '--config', settingsFile], {
    env: cleanEnvironment(),
  });
