// A gate as a real process on ports the system chose, read from the line in which it says where it listens.
//
//   const gate = await startGate(t, { directory, name: 'a', settings: { upstream, store, routes } });
//   await gate.whenReady();                              // or not: some tests want it before
//   (await call(gate, '/things', token)).status
//   const line = await gate.logged(({ msg }) => msg === 'shutting down');
//   await gate.metric('tollgate_identity_cache_entries', { kind: 'identity' })

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { answers200, cleanEnvironment, root, type RunningProcess, startProcess } from './process.ts';

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export interface GateProcess extends RunningProcess {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly opsUrl: string;
  readonly settingsFile: string;
  /** The log so far. */
  lines(): readonly LogLine[];
  /** The first line, past or to come, that is as asked. */
  logged(isWanted: (line: LogLine) => boolean): Promise<LogLine>;
  whenReady(): Promise<void>;
  readiness(): Promise<{ readonly status: number; readonly ready: boolean; readonly reasons: string[] }>;
  metrics(): Promise<string>;
  /** The sum of a metric's series that carry these labels; 0 when there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

export interface GateOptions {
  /** Its working directory, where its settings file is written; made if missing. */
  readonly directory: string;
  readonly name?: string;
  /** As in tollgate.yaml; else free ports, a SQLite file in the directory, a fixed issuer, and nothing waits at the end. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly env?: NodeJS.ProcessEnv;
  /** How many file descriptors it may have; else what this process may. */
  readonly descriptorsMax?: number;
  /** Another user than this process's, who must be able to read and write the directory; only root may. */
  readonly uid?: number | undefined;
}

/** A sealing key for tests on Redis. */
export const encryptionKey = Buffer.alloc(32, 7).toString('base64');

const defaults = {
  listen: '127.0.0.1:0',
  ops: '127.0.0.1:0',
  issuer: 'http://127.0.0.1:8080',
  shutdown: { drainDelay: '0s', deadline: '2s' },
};

/** Writes the settings, starts `tollgate serve` and waits until it listens; ends with the test. */
export const startGate = async (t: Test, options: GateOptions): Promise<GateProcess> => {
  const { directory, name = 'tollgate', settings, env = {}, descriptorsMax, uid } = options;
  mkdirSync(directory, { recursive: true });
  const settingsFile = join(directory, `${name}.yaml`);
  // JSON is YAML.
  const store = `sqlite:${join(directory, 'tollgate.db')}`;
  writeFileSync(settingsFile, JSON.stringify({ ...defaults, store, ...settings }, undefined, 2));
  const serve = [process.execPath, join(root, 'src/main.ts'), 'serve', '--config', settingsFile];
  const starved = ['sh', '-c', `ulimit -n ${descriptorsMax}; exec "$@"`, 'sh'];
  const [command = '', ...args] = descriptorsMax === undefined ? serve : [...starved, ...serve];
  const running = await startProcess(command, args, {
    cwd: directory,
    env: { ...cleanEnvironment(), ...env },
    ...(uid !== undefined && { uid }),
  });
  t.teardown(() => running.stop(3_000));
  return asGate(running, settingsFile);
};

/** Waits until a process that is to become a gate listens. */
export const asGate = async (running: RunningProcess, settingsFile: string): Promise<GateProcess> => {
  const lines = (): readonly LogLine[] => running.output().split('\n').flatMap(parseLine);
  const logged = async (isWanted: (line: LogLine) => boolean): Promise<LogLine> => {
    for (;;) {
      const line = lines().find(isWanted);
      if (line !== undefined) return line;
      if (running.child.exitCode !== null || running.child.signalCode !== null) {
        await running.ended;
        const last = lines().find(isWanted);
        if (last !== undefined) return last;
        throw new Error(`the gate ended:\n${running.output()}`);
      }
      await moreFrom(running);
    }
  };
  const { address, ops } = await logged(({ msg }) => msg === 'listening');
  const opsUrl = `http://${String(ops)}`;
  const metrics = async (): Promise<string> => (await fetch(`${opsUrl}/metrics`)).text();
  return {
    ...running,
    url: `http://${String(address)}`,
    port: Number(String(address).split(':').at(-1)),
    opsUrl,
    settingsFile,
    lines,
    logged,
    metrics,
    whenReady: () => until(() => answers200(`${opsUrl}/readyz`)),
    readiness: async () => {
      const response = await fetch(`${opsUrl}/readyz`);
      return {
        status: response.status,
        ...((await response.json()) as { ready: boolean; reasons: string[] }),
      };
    },
    metric: async (metric, labels = {}) => sumOf(await metrics(), metric, labels),
  };
};

/** Asks again every few milliseconds until the answer is yes; gives up, with a failure, after `withinMs`. */
export const until = async (isSo: () => Promise<boolean> | boolean, withinMs = 15_000): Promise<void> => {
  const deadlineMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`not so within ${withinMs} ms: ${String(isSo)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  json(): unknown;
}

/** One request, its body read; `token` undefined: none. */
export const call = async (
  gate: { readonly url: string },
  path: string,
  token?: string,
  init: RequestInit = {},
): Promise<Answer> => {
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  const response = await fetch(`${gate.url}${path}`, { redirect: 'manual', ...init, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
};

/** POST of a form, as the token endpoints take it. */
export const post = (
  gate: { readonly url: string },
  path: string,
  fields: Readonly<Record<string, string>>,
): Promise<Answer> => call(gate, path, undefined, { method: 'POST', body: new URLSearchParams(fields) });

/** An access token for an API token. */
export const exchange = async (gate: { readonly url: string }, apiToken: string): Promise<string> => {
  const answer = await post(gate, '/oauth2/token', {
    grant_type: 'refresh_token',
    refresh_token: apiToken,
  });
  if (answer.status !== 200) throw new Error(`no access token: ${answer.status} ${answer.text}`);
  return String((answer.json() as { access_token: unknown }).access_token);
};

export const revoke = (gate: { readonly url: string }, token: string): Promise<Answer> =>
  post(gate, '/oauth2/revoke', { token });

/** Resolves at the next piece of output, or at the end; and anyway after a moment. */
const moreFrom = ({ child }: RunningProcess): Promise<void> =>
  new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      child.stdout?.off('data', wake);
      child.off('close', wake);
      resolve();
    };
    const timer = setTimeout(wake, 100);
    child.stdout?.once('data', wake);
    child.once('close', wake);
  });

const parseLine = (text: string): LogLine[] => {
  if (!text.startsWith('{')) return [];
  try {
    return [JSON.parse(text) as LogLine];
  } catch {
    return [];
  }
};

const sumOf = (text: string, metric: string, labels: Readonly<Record<string, string>>): number => {
  let sum = 0;
  for (const line of text.split('\n')) {
    const [, name, given = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name !== metric) continue;
    if (Object.entries(labels).every(([key, wanted]) => given.includes(`${key}="${wanted}"`)))
      sum += Number(value);
  }
  return sum;
};
