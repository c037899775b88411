// Ready means that look-ups work: the first request after /readyz says 200 is served, after every outage, on a single
// Redis and on every shard of a Cluster.

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import t, { type Test } from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import { encryptionKey, startGate } from '../support/gate-process.ts';
import { done, openOperator } from '../support/operator.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

const outages = 3;

/** The status of a GET on a connection of its own; 0 where there was none. */
const statusOf = (url: string, token?: string): Promise<number> =>
  new Promise((resolve) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const asked = request(url, { headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', () => resolve(0)).end();
  });

/** After each outage, what the gate answers at the moment at which it is ready again: to a token of every user. */
const firstAnswers = async (
  t: Test,
  url: string,
  server: { takeAway(): Promise<void>; bringBack(): Promise<void> },
): Promise<number[]> => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const api = await startEchoApi(t);
  const gate = await startGate(t, {
    directory,
    settings: {
      upstream: api.url,
      store: { url, readTimeout: '1s', writeTimeout: '5s' },
      keys: { encryptionKey },
      routes: [{ name: 'things', path: '/*', scopes: ['things:read'] }],
      cache: { identityTtl: '0s' },
      feed: { maxStaleness: '1s' },
    },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  const tokens: string[] = [];
  // Of several users, so that several shards are asked.
  for (let n = 0; n < 12; n++) {
    const id = `u${n}`;
    done(await operator.accounts.createUser({ orgId: 'acme', id, name: undefined, roles: ['reader'] }));
    tokens.push((await operator.token({ user: id })).secret);
  }
  await gate.whenReady();
  const answers: number[] = [];
  const becomes = async (status: number): Promise<void> => {
    while ((await statusOf(`${gate.opsUrl}/readyz`)) !== status) await new Promise(setImmediate);
  };
  for (let outage = 0; outage < outages; outage++) {
    await server.takeAway();
    await becomes(503);
    await server.bringBack();
    await becomes(200);
    answers.push(...(await Promise.all(tokens.map((token) => statusOf(`${gate.url}/things`, token)))));
  }
  return answers;
};

const allGood = Array.from({ length: outages * 12 }, () => 200);

t.test('a gate that is ready again answers look-ups of the Redis that is back', async (t) => {
  const redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
  t.teardown(() => redis.close());
  const answers = await firstAnswers(t, `redis+unix:${redis.socketPath}`, {
    takeAway: () => redis.kill(),
    bringBack: () => redis.restart(),
  });
  t.strictSame(answers, allGood);
});

t.test('a gate that is ready again answers look-ups of every shard of a Cluster', async (t) => {
  const cluster = await startCluster(3);
  t.teardown(() => cluster.close());
  const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
  const [, , last] = cluster.nodes;
  const answers = await firstAnswers(t, `redis-cluster://${nodes.join(',')}`, {
    takeAway: async () => last?.freeze(),
    bringBack: async () => last?.thaw(),
  });
  t.strictSame(answers, allGood);
});
