// `npm run bench:exchange`: exchanges (refresh grants) per second of CPU of Tollgate on Redis, signing with ES256 and with
// RS256, beside oidc-provider with its in-memory adapter, on the same machine in the same minutes: rounds are interleaved,
// and the median of their ratios counts. `--quick`: fewer rounds. Judges nothing but prints whether the target is met.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../src/settings/load-settings.ts';
import {
  cleanEnvironment,
  freePort,
  root,
  type RunningProcess,
  startProcess,
  startTollgate,
} from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { compile, imageNodeArgs } from './compile.ts';
import { cpuPerRequest, type Load, proxyCore, runLoad } from './load.ts';
import { provision } from './provision.ts';

type Algorithm = 'ES256' | 'RS256';

interface Subject {
  readonly name: string;
  readonly pid: number;
  readonly load: Pick<Load, 'url' | 'tokens' | 'form'>;
}

const rounds = process.argv.includes('--quick') ? 3 : 11;
const warmRequests = 6_000;
const warmSecondsMax = 12;
const connections = 8;
const tokenCount = 5_000;
const timesTarget = 5;

const directory = mkdtempSync('/tmp/tg-bench-');
const cleanup: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })];
const kept = async <T extends Pick<RunningProcess, 'stop'>>(starting: Promise<T>): Promise<T> => {
  const running = await starting;
  cleanup.unshift(() => running.stop(3000));
  return running;
};
const say = (text: string): void => void process.stderr.write(`${text}\n`);
/** A round in which a busy machine let nothing through is none. */
const median = (values: readonly number[]): number => {
  const sorted = values.filter((value) => value > 0 && Number.isFinite(value)).toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
};

/** Each replica its own key prefix: their keys are of different algorithms. `identitiesMax`: small makes each a look-up. */
const settingsOf = (socket: string, algorithm: Algorithm, identitiesMax: number) => ({
  upstream: 'http://127.0.0.1:9',
  store: { url: `redis+unix:${socket}`, prefix: algorithm, readTimeout: '5s', writeTimeout: '10s' },
  feed: { maxStaleness: '1h' },
  issuer: 'http://tollgate.bench',
  tokens: { algorithm },
  keys: { encryptionKey: Buffer.alloc(32, 7).toString('base64') },
  routes: [{ name: 'all', path: '/*', scopes: [] }],
  cache: { identitiesMax },
  // What is measured is the work, not the guard against too much of it.
  limits: { exchangesPerMinute: 0, commandsPerMinute: 0 },
  log: { access: 'errors' },
  shutdown: { drainDelay: '0s', deadline: '1s' },
});

const startGates = async (built: string, socket: string, algorithm: Algorithm): Promise<Subject[]> => {
  const form = 'grant_type=refresh_token&refresh_token=';
  const start = (name: string, identitiesMax: number) =>
    kept(
      startTollgate({
        directory,
        name: `${name}-${algorithm}`,
        prefix: proxyCore,
        main: built,
        nodeArgs: imageNodeArgs,
        settings: settingsOf(socket, algorithm, identitiesMax),
      }),
    );
  const [hits, misses] = [await start('hits', 100_000), await start('misses', 100)];
  const loaded = loadSettings({ file: hits.settingsFile, env: cleanEnvironment(), flags: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const secrets = await provision(loaded.settings, tokenCount, 60_000);
  const file = join(directory, `tokens-${algorithm}`);
  writeFileSync(file, `${secrets.join('\n')}\n`);
  const [one = ''] = secrets;
  return [
    {
      name: `tollgate ${algorithm}, one API token`,
      pid: hits.pid,
      load: { url: `${hits.url}/oauth2/token`, tokens: { one }, form },
    },
    {
      name: `tollgate ${algorithm}, another each time`,
      pid: misses.pid,
      load: { url: `${misses.url}/oauth2/token`, tokens: { each: file }, form },
    },
  ];
};

const startProvider = async (algorithm: Algorithm): Promise<Subject> => {
  const port = await freePort();
  const [program, ...args] = [
    ...proxyCore,
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    join(root, 'test/bench/provider.ts'),
    String(port),
    algorithm,
  ];
  const told = /^\{"refreshToken":.*\}$/m;
  const running: RunningProcess = await kept(
    startProcess(program, args, { env: { ...cleanEnvironment(), NODE_ENV: 'production' } }),
  );
  for (const untilMs = performance.now() + 20_000; !told.test(running.output());) {
    if (performance.now() > untilMs) throw new Error(running.output());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { refreshToken } = JSON.parse(told.exec(running.output())?.[0] ?? '') as { refreshToken: string };
  return {
    name: `oidc-provider ${algorithm}`,
    pid: running.pid,
    load: {
      url: `http://127.0.0.1:${port}/token`,
      tokens: { one: refreshToken },
      form: 'grant_type=refresh_token&client_id=bench&refresh_token=',
    },
  };
};

/** Until the compiler has seen enough, or has had long enough. */
const warm = async (load: Load): Promise<void> => {
  const untilMs = performance.now() + warmSecondsMax * 1000;
  for (let seen = 0; seen < warmRequests && performance.now() < untilMs;)
    seen += (await runLoad(load)).requests;
};

const measure = async (subjects: readonly Subject[]): Promise<Map<string, number[]>> => {
  const figures = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  for (const { load } of subjects) await warm({ ...load, seconds: 1, connections });
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`);
    for (const { name, pid, load } of subjects)
      figures.get(name)?.push(await cpuPerRequest(pid, { ...load, seconds: 2, connections }));
  }
  return figures;
};

const report = (figures: ReadonlyMap<string, readonly number[]>): string => {
  const lines = [`${'exchange, one core'.padEnd(38)} ${'µs CPU'.padStart(8)} ${'a CPU second'.padStart(13)}`];
  for (const [name, values] of figures) {
    const us = median(values);
    lines.push(`${name.padEnd(38)} ${us.toFixed(1).padStart(8)} ${(1e6 / us).toFixed(0).padStart(13)}`);
  }
  lines.push(
    '',
    `${'times the exchanges of oidc-provider'.padEnd(38)} ${'is'.padStart(8)} ${'at least'.padStart(8)}`,
  );
  for (const algorithm of ['ES256', 'RS256'])
    for (const how of ['one API token', 'another each time']) {
      const name = `tollgate ${algorithm}, ${how}`;
      const others = figures.get(`oidc-provider ${algorithm}`) ?? [];
      const times = median(
        (figures.get(name) ?? []).map((value, round) => (others[round] ?? Number.NaN) / value),
      );
      const verdict = times >= timesTarget ? 'met' : 'NOT met';
      const target = algorithm === 'ES256' ? `${String(timesTarget).padStart(8)}  ${verdict}` : '';
      lines.push(`${name.padEnd(38)} ${times.toFixed(2).padStart(8)} ${target}`.trimEnd());
    }
  return `${lines.join('\n')}\n`;
};

const main = async (): Promise<string> => {
  const redis = await startRedis();
  cleanup.unshift(() => redis.close());
  const built = compile(directory);
  say('starting');
  const subjects = [
    ...(await startGates(built, redis.socketPath, 'ES256')),
    ...(await startGates(built, redis.socketPath, 'RS256')),
    await startProvider('ES256'),
    await startProvider('RS256'),
  ];
  return report(await measure(subjects));
};

say(
  `Node ${process.versions.node}, ${cpus()[0]?.model}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
);
if (process.platform !== 'linux' || cpus().length < 2) {
  say('The bench needs Linux (/proc, taskset) and two cores.');
  process.exitCode = 1;
} else
  try {
    process.stdout.write(await main());
  } finally {
    for (const step of cleanup) await step();
  }
