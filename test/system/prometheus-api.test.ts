// Tollgate in front of an API nobody here wrote: the HTTP API of Prometheus. Two replicas as real processes, Redis as the
// store, a thousand API tokens, and revocations on one replica that the other one must obey.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { freePort, runTollgate, startTollgate, type Tollgate } from '../support/process.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

t.setTimeout(240_000);

const tokenCount = 1000;
const revocationCount = 200;

const directory = mkdtempSync('/tmp/tg-prom-');
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

let redis: RedisServer;
let prometheus: Prometheus;
let [first, second] = [] as unknown as [Tollgate, Tollgate];
let reader = '';
let admin = '';
/** Tokens of another system, known to it and to their callers; Tollgate gets their SHA-256 only. */
const imported = Array.from({ length: tokenCount }, () => randomBytes(24).toString('base64url'));

const call = async (
  gate: { readonly url: string },
  path: string,
  token?: string,
  init: Pick<RequestInit, 'method' | 'body'> = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> => {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${gate.url}${path}`, { ...init, headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
};

const query = (gate: Tollgate, token: string, expression = 'vector(42)') =>
  call(gate, `/api/v1/query?query=${encodeURIComponent(expression)}`, token);

/** How many requests a handler of Prometheus has answered, whatever their status. */
const answered = async (handler: string): Promise<number> => {
  const { text } = await call(prometheus, '/metrics');
  return [...text.matchAll(/^prometheus_http_requests_total\{code="\d+",handler="([^"]+)"\} (\d+)$/gm)]
    .filter(([, name]) => name === handler)
    .reduce((sum, [, , count]) => sum + Number(count), 0);
};

t.before(async () => {
  redis = await startRedis(['--appendonly', 'yes']);
  t.teardown(() => redis.close());
  const prometheusPort = await freePort();
  const settings = {
    upstream: `http://127.0.0.1:${prometheusPort}`,
    // Patient: on a busy machine what is slow must not count as an outage.
    store: {
      url: `redis+unix:${redis.socketPath}`,
      connectTimeout: '5s',
      readTimeout: '5s',
      writeTimeout: '10s',
    },
    feed: { maxStaleness: '1m' },
    issuer: 'http://127.0.0.1:8080',
    keys: { encryptionKey: Buffer.alloc(32, 7).toString('base64') },
    routes: [
      { name: 'query', path: '/api/v1/*', methods: ['GET', 'POST'], scopes: ['metrics:read'] },
      { name: 'admin', path: '/api/v1/admin/*', methods: ['POST', 'PUT'], scopes: ['metrics:admin'] },
      { name: 'healthy', path: '/-/healthy', public: true },
    ],
    shutdown: { drainDelay: '0s', deadline: '2s' },
  };
  const start = async (name: string): Promise<Tollgate> => {
    const gate = await startTollgate({ directory, name, settings });
    t.teardown(() => gate.stop());
    return gate;
  };
  [first, second] = await Promise.all([start('first'), start('second')]);
  prometheus = await startPrometheus(
    directory,
    [first, second].map(({ opsUrl }) => new URL(opsUrl).host),
    prometheusPort,
  );
  t.teardown(() => prometheus.stop());

  const run = (...args: string[]): Promise<string> => runTollgate(first.settingsFile, args);
  await run(
    'org',
    'create',
    'acme',
    '--role',
    'reader=metrics:read',
    '--role',
    'admin=metrics:read metrics:admin',
  );
  await run('user', 'create', 'acme/ada', '--role', 'admin');
  await run('user', 'create', 'acme/bob', '--role', 'reader');
  const secretIn = (output: string): string => /\btg[0-9A-Za-z]{63}\b/.exec(output)?.[0] ?? '';
  admin = secretIn(await run('token', 'create', 'acme/ada', '--name', 'admin'));
  reader = secretIn(await run('token', 'create', 'acme/bob', '--name', 'reader'));
  const file = join(directory, 'tokens.jsonl');
  const lines = imported.map((secret, index) =>
    JSON.stringify({
      org: 'acme',
      user: index % 2 === 0 ? 'ada' : 'bob',
      name: `imported ${index}`,
      scopes: ['metrics:read'],
      expires: null,
      sha256: createHash('sha256').update(secret).digest('hex'),
    }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  await run('token', 'import', file);
});

t.test("a token with metrics:read may query, by GET and by POST; the answer is the API's own", async (t) => {
  const get = await query(first, reader);
  t.equal(get.status, 200);
  t.match(JSON.parse(get.text), {
    status: 'success',
    data: { resultType: 'vector', result: [{ metric: {} }] },
  });
  const post = await call(second, '/api/v1/query', reader, {
    method: 'POST',
    body: new URLSearchParams({ query: 'vector(42)' }),
  });
  t.match(JSON.parse(post.text), { status: 'success' });
  const bad = await query(first, reader, 'vector(');
  t.equal(bad.status, 400, "the API's own errors pass through");
  t.match(JSON.parse(bad.text), { status: 'error', errorType: 'bad_data' });
});

t.test(
  'the admin API needs metrics:admin: the reader is refused with 403, the admin makes a snapshot',
  async (t) => {
    const snapshot = '/api/v1/admin/tsdb/snapshot';
    const before = await answered('/api/v1/admin/tsdb/snapshot');
    const refused = await call(first, snapshot, reader, { method: 'POST' });
    t.equal(refused.status, 403);
    t.match(refused.headers.get('www-authenticate'), /insufficient_scope/);
    t.equal(await answered(snapshot), before, 'Prometheus never heard of it');
    const made = await call(first, snapshot, admin, { method: 'POST' });
    t.equal(made.status, 200, made.text);
    const { data } = JSON.parse(made.text) as { data: { name: string } };
    t.ok(existsSync(join(prometheus.dataDirectory, 'snapshots', data.name)), 'it is on the disk');
  },
);

t.test(
  'no token and unknown tokens are refused with 401, what no route covers is refused, and none of it reaches the API',
  async (t) => {
    const before = await answered('/api/v1/query');
    for (const gate of [first, second]) {
      t.equal((await call(gate, '/api/v1/query?query=1')).status, 401);
      t.equal((await query(gate, `tg${'0'.repeat(63)}`)).status, 401);
      t.equal((await query(gate, 'not-a-token-anyone-made')).status, 401);
      t.equal((await call(gate, '/api/v1/admin/tsdb/snapshot', undefined, { method: 'POST' })).status, 401);
      t.not((await call(gate, '/metrics', admin)).status, 200);
      t.not((await call(gate, '/api/v1/query/../../../metrics', reader)).status, 200);
      t.equal((await call(gate, '/-/healthy')).status, 200, 'a public route needs none');
    }
    t.equal(await answered('/api/v1/query'), before);
  },
);

t.test(
  `${tokenCount} imported tokens work on both replicas, and every request is counted once`,
  async (t) => {
    const before = await answered('/api/v1/query');
    const statuses = new Map<number, number>();
    const jobs = imported.flatMap((token) => [
      { token, gate: first },
      { token, gate: second },
    ]);
    const worker = async (): Promise<void> => {
      for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) {
        const { status } = await query(job.gate, job.token);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    t.strictSame([...statuses], [[200, 2 * tokenCount]]);
    t.equal((await answered('/api/v1/query')) - before, 2 * tokenCount);
  },
);

t.test(`${revocationCount} revocations on one replica are obeyed by the other`, async (t) => {
  const lagsMs: number[] = [];
  for (const token of imported.slice(0, revocationCount)) {
    if ((await query(second, token)).status !== 200) throw new Error('the token did not work before');
    const revoked = await call(first, '/oauth2/revoke', undefined, {
      method: 'POST',
      body: new URLSearchParams({ token }),
    });
    if (revoked.status !== 200) throw new Error(`revoked with ${revoked.status}: ${revoked.text}`);
    const answeredAtMs = performance.now();
    let status = 200;
    while (status === 200 && performance.now() - answeredAtMs < 10_000)
      ({ status } = await query(second, token));
    lagsMs.push(performance.now() - answeredAtMs);
    if (status !== 401) throw new Error(`still ${status} after ${Math.round(lagsMs.at(-1) ?? 0)} ms`);
  }
  lagsMs.sort((a, b) => a - b);
  const percentile = (share: number): string => lagsMs[Math.ceil(share * lagsMs.length) - 1]!.toFixed(1);
  t.comment(
    `revocation on one replica, refused on the other: p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms, ` +
      `longest ${percentile(1)} ms, of ${lagsMs.length} (the refused request included)`,
  );
  t.equal(lagsMs.length, revocationCount);
  t.ok(lagsMs.at(-1)! < 10_000);
  for (const token of imported.slice(0, revocationCount))
    for (const gate of [first, second]) {
      const { status } = await query(gate, token);
      if (status !== 401) t.fail(`a revoked token got ${status}`);
    }
  t.equal((await query(second, imported[revocationCount]!)).status, 200, 'the others go on working');
});

t.test('Prometheus scrapes both replicas, and their numbers can be asked for through Tollgate', async (t) => {
  const expression = 'sum by (result) (tollgate_decisions_total{job="tollgate"}) > 0';
  const found = async (): Promise<Record<string, number>> => {
    const { text } = await query(first, reader, expression);
    const { data } = JSON.parse(text) as {
      data: { result: { metric: { result: string }; value: [number, string] }[] };
    };
    return Object.fromEntries(data.result.map(({ metric, value }) => [metric.result, Number(value[1])]));
  };
  let decisions = await found();
  // The next scrape has them all.
  while ((decisions['permit'] ?? 0) < 2 * tokenCount || (decisions['denial'] ?? 0) < revocationCount)
    decisions = await found();
  t.notOk(decisions['outage'], 'nothing was out');
  t.notOk(decisions['bug'], 'and no bug was met');
  const { text } = await query(first, reader, 'sum(tollgate_upstream_response_seconds_count)');
  const { data } = JSON.parse(text) as { data: { result: { value: [number, string] }[] } };
  t.ok(Number(data.result[0]?.value[1]) >= 2 * tokenCount, 'the API was timed');
});

t.test('no secret is in the logs of either replica', async (t) => {
  for (const gate of [first, second])
    for (const secret of [reader, admin, ...imported])
      if (gate.output().includes(secret)) t.fail('a token is in the log');
  t.match(first.output(), '"msg":"ready"');
});
