// Runs wrk, and reads what a process cost meanwhile from /proc. Linux only.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runToEnd } from '../support/process.ts';

/** The proxy alone on one core; wrk, upstream and Redis on the other. */
export const proxyCore = ['taskset', '-c', '0'];
export const otherCore = ['taskset', '-c', '1'];

export interface Load {
  readonly url: string;
  /** One token for all requests, or a file with another one for each. */
  readonly tokens: { readonly one: string } | { readonly each: string; readonly from?: number };
  readonly seconds: number;
  readonly connections: number;
  /** Milliseconds between two requests of one connection; 0: as fast as it goes. */
  readonly pauseMs?: number;
  /** POST this form with the token at its end, instead of GET with a bearer. */
  readonly form?: string;
  /** More header lines of each request. */
  readonly headers?: readonly string[];
  /** Every request is to be refused, instead of none. */
  readonly refused?: true;
}

export interface LoadResult {
  readonly requests: number;
  readonly durationUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Fails when a request was broken, or was refused that should not be, or the other way round. */
export const runLoad = async (load: Load): Promise<LoadResult> => {
  const { url, tokens, seconds, connections, pauseMs = 0, form, headers = [] } = load;
  const mode = 'one' in tokens ? ['one', tokens.one] : ['each', tokens.each];
  const from = 'each' in tokens ? (tokens.from ?? 0) : 0;
  const args = [
    ...otherCore.slice(1),
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '20s',
    '-s',
    join(root, 'test/bench/wrk.lua'),
    ...headers.flatMap((line) => ['-H', line]),
    url,
    '--',
    ...mode,
    String(pauseMs),
    String(from),
    ...(form === undefined ? [] : [form]),
  ];
  const output = await runToEnd('taskset', args);
  const result = JSON.parse(output.trim().split('\n').at(-1) ?? '') as LoadResult & {
    readonly badStatus: number;
    readonly broken: number;
  };
  const expected = load.refused === true ? result.requests : 0;
  if (result.badStatus !== expected || result.broken > 0)
    throw new Error(`${url}: ${result.badStatus} refused and ${result.broken} broken of ${result.requests}`);
  return result;
};

const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;

/** Microseconds of CPU, user and system, of all threads of a process so far. proc(5), fields 14 and 15 of stat. */
export const cpuUsOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
};

/** Resident memory, in MB of 1,000,000 bytes. */
export const residentMbOf = (pid: number): number =>
  (Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024) / 1e6;

/** Microseconds of CPU of `pid` for each request of this load. */
export const cpuPerRequest = async (pid: number, load: Load): Promise<number> => {
  const before = cpuUsOf(pid);
  const { requests } = await runLoad(load);
  return (cpuUsOf(pid) - before) / requests;
};
