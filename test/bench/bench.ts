// `npm run bench`: what a request through Tollgate costs, beside bare proxies and HAProxy, on the same machine in the same
// minutes, at most five. Rounds are interleaved, so that a noisy neighbour hits every subject, and subjects are compared
// round by round. `--quick`: about a minute, rougher. It prints whether the targets are met, or that the machine is too noisy.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../src/settings/load-settings.ts';
import {
  cleanEnvironment,
  freePort,
  type RunningProcess,
  startTollgate,
  type Tollgate,
} from '../support/process.ts';
import { createSecret } from '../../src/tokens/api-token.ts';
import { startRedis } from '../support/redis.ts';
import { compile, imageNodeArgs } from './compile.ts';
import { cpuPerRequest, type Load, proxyCore, residentMbOf, runLoad } from './load.ts';
import { provision } from './provision.ts';
import { report, roundsMin, type Figures, yardstick } from './report.ts';
import {
  addedHeaders,
  askedByNginx,
  hasHaproxy,
  startBareProxy,
  startHaproxy,
  startHello,
  startUpstream,
  type Subject,
} from './subjects.ts';

const quick = process.argv.includes('--quick');
const plan = quick
  ? { rounds: roundsMin, warmSecondsMax: 1, latencyRounds: 2, latencySeconds: 1, tokens: 10_000 }
  : { rounds: 14, warmSecondsMax: 4, latencyRounds: roundsMin, latencySeconds: 1, tokens: 100_000 };
/** Milliseconds from the start by which each step is over: a busy machine gets fewer tokens and rounds, not more time. */
const untilMs = quick
  ? { provision: 25_000, rounds: 75_000, end: 95_000 }
  : { provision: 55_000, rounds: 190_000, end: 280_000 };
const startedMs = performance.now();
const leftMs = (step: keyof typeof untilMs): number => startedMs + untilMs[step] - performance.now();
const connections = 32;
const warmRequests = 15_000;

const directory = mkdtempSync('/tmp/tg-bench-');
const cleanup: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })];
const kept = async <T extends Pick<RunningProcess, 'stop'>>(starting: Promise<T>): Promise<T> => {
  const running = await starting;
  cleanup.unshift(() => running.stop(3000));
  return running;
};
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const tollgateSettings = (
  upstreamPort: number,
  echoPort: number,
  redisSocket: string,
  identitiesMax: number,
  authPort: number,
) => ({
  upstream: `http://127.0.0.1:${upstreamPort}`,
  upstreams: { echo: `http://127.0.0.1:${echoPort}` },
  // Patient: on a busy machine a request must not be refused for being slow.
  store: { url: `redis+unix:${redisSocket}`, readTimeout: '5s', writeTimeout: '10s' },
  feed: { maxStaleness: '1h' },
  issuer: 'http://tollgate.bench',
  keys: { encryptionKey: Buffer.alloc(32, 7).toString('base64') },
  routes: [
    { name: 'read-things', methods: ['GET'], path: '/things/*', scopes: ['things:read'] },
    { name: 'echo', path: '/echo', scopes: ['things:read'], upstream: 'echo' },
    { name: 'health', path: '/health', public: true },
  ],
  forwardAuth: { listen: `127.0.0.1:${authPort}`, trustedPeers: ['127.0.0.1'] },
  cache: { identitiesMax },
  log: { access: 'errors' },
  shutdown: { drainDelay: '0s', deadline: '1s' },
});

const exchange = async ({ url }: Tollgate, apiToken: string): Promise<string> => {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: apiToken });
  const response = await fetch(`${url}/oauth2/token`, { method: 'POST', body });
  const answer = (await response.json()) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(`the exchange failed: ${JSON.stringify(answer)}`);
  return answer.access_token;
};

/** Until the compiler has seen enough, or has had long enough. */
const warm = async (load: Load): Promise<void> => {
  const untilMs = performance.now() + plan.warmSecondsMax * 1000;
  for (let seen = 0; seen < warmRequests && performance.now() < untilMs;)
    seen += (await runLoad(load)).requests;
};

const measure = async (subjects: readonly Subject[]): Promise<Map<string, number[]>> => {
  const figures = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  const loadOf = (subject: Subject, seconds: number): Load => ({ ...subject.load, seconds, connections });
  for (const subject of subjects) await warm(loadOf(subject, 1));
  for (let round = 1; round <= plan.rounds && (round <= roundsMin || leftMs('rounds') > 0); round += 1) {
    say(`round ${round} of ${plan.rounds}`);
    for (const subject of subjects)
      figures.get(subject.name)?.push(await cpuPerRequest(subject.pid, loadOf(subject, 1)));
  }
  return figures;
};

/** p50 of each round at about 1,000 requests a second: 20 connections, 20 ms between two requests of each. */
const latencies = async (
  subjects: readonly Pick<Subject, 'name' | 'load'>[],
): Promise<Map<string, readonly number[]>> => {
  const figures = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < plan.latencyRounds; round += 1)
    for (const { name, load } of subjects) {
      const { p50Us } = await runLoad({
        ...load,
        seconds: plan.latencySeconds,
        connections: 20,
        pauseMs: 19,
      });
      figures.get(name)?.push(p50Us);
    }
  return figures;
};

const main = async (): Promise<Figures> => {
  const redis = await startRedis();
  cleanup.unshift(() => redis.close());
  spawnSync('taskset', ['-a', '-cp', '1', String(redis.process.pid)], { stdio: 'ignore' });
  const upstream = await kept(startUpstream());
  const echoPort = await freePort();
  const built = compile(directory);
  const authPort = await freePort();
  const start = (name: string, identitiesMax: number, port: number): Promise<Tollgate> =>
    kept(
      startTollgate({
        directory,
        name,
        prefix: proxyCore,
        main: built,
        nodeArgs: imageNodeArgs,
        settings: tollgateSettings(upstream.port, echoPort, redis.socketPath, identitiesMax, port),
      }),
    );
  say('starting');
  const hits = await start('hits', 200_000, authPort);
  // So small a cache that every request of a long round of tokens is a miss.
  const misses = await start('misses', 100, await freePort());
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const idleMb = residentMbOf(hits.pid);

  say(`making ${plan.tokens} API tokens`);
  const loaded = loadSettings({ file: hits.settingsFile, env: cleanEnvironment(), flags: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const secrets = await provision(loaded.settings, plan.tokens, leftMs('provision'));
  const tokenFile = join(directory, 'tokens');
  writeFileSync(tokenFile, `${secrets.join('\n')}\n`);
  const apiToken = secrets[0] ?? '';
  const accessToken = await exchange(hits, apiToken);

  const undici = await kept(startBareProxy('undici-proxy.ts', upstream.port));
  const pairs = await addedHeaders(hits.url, apiToken, echoPort);
  const telling = await kept(startBareProxy('undici-proxy.ts', upstream.port, JSON.stringify(pairs)));
  const httpProxy = await kept(startBareProxy('http-proxy-proxy.ts', upstream.port));
  const hello = await kept(startHello());
  const unknown = createSecret({ shard: 0, length: 65 });
  const one = (url: string, token: string) => ({ url, tokens: { one: token } });
  const subjects: Subject[] = [
    { name: 'bare undici', pid: undici.pid, load: one(undici.url, apiToken) },
    { name: yardstick, pid: telling.pid, load: one(telling.url, apiToken) },
    { name: 'tollgate, cached API token', pid: hits.pid, load: one(hits.url, apiToken) },
    { name: 'tollgate, cached access token', pid: hits.pid, load: one(hits.url, accessToken) },
    { name: 'tollgate, miss', pid: misses.pid, load: { url: misses.url, tokens: { each: tokenFile } } },
    { name: 'tollgate, 401', pid: hits.pid, load: { ...one(hits.url, unknown), refused: true } },
    {
      name: 'bare hello world',
      pid: hello.pid,
      load: { ...one(hello.url, apiToken), headers: askedByNginx },
    },
    {
      name: 'tollgate, forward-auth',
      pid: hits.pid,
      load: { ...one(`http://127.0.0.1:${authPort}`, apiToken), headers: askedByNginx },
    },
    { name: 'bare http-proxy', pid: httpProxy.pid, load: one(httpProxy.url, apiToken) },
  ];
  if (hasHaproxy())
    for (const kind of ['plain', 'jwt'] as const) {
      const haproxy = await kept(startHaproxy(kind, upstream.port, directory));
      const name = kind === 'plain' ? 'HAProxy, plain' : 'HAProxy, jwt_verify RS256';
      subjects.push({ name, pid: haproxy.pid, load: one(haproxy.url, haproxy.token) });
    }
  const cpu = await measure(subjects);

  say('latency');
  const steady = subjects.filter(({ name }) => /undici|cached/.test(name));
  const p50 = await latencies([{ name: 'direct', load: one(upstream.url, apiToken) }, ...steady]);

  say(`filling the cache with ${secrets.length} identities`);
  let from = 0;
  while (from < plan.tokens && leftMs('end') > 0) {
    const { requests } = await runLoad({
      url: hits.url,
      tokens: { each: tokenFile, from },
      seconds: quick ? 2 : 5,
      connections: 64,
    });
    from += requests;
  }
  const text = await (await fetch(`${hits.opsUrl}/metrics`)).text();
  const identities = Number(/^tollgate_identity_cache_entries\{kind="identity"\} (\d+)$/m.exec(text)?.[1]);
  return { cpu, p50, idleMb, fullMb: residentMbOf(hits.pid), identities };
};

say(
  `Node ${process.versions.node}, ${cpus()[0]?.model}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
);
if (process.platform !== 'linux' || cpus().length < 2) {
  say('The bench needs Linux (/proc, taskset) and two cores.');
  process.exitCode = 1;
} else
  try {
    process.stdout.write(report(await main()));
  } finally {
    for (const step of cleanup) await step();
  }
