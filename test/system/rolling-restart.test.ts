// Two gates behind a real HAProxy, restarted one after the other under load: no caller notices, neither on routes nor at
// the token endpoints.

import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import t from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import { encryptionKey, type GateProcess, startGate, until } from '../support/gate-process.ts';
import { type BalancedGate, startHaproxy } from '../support/haproxy.ts';
import { openOperator } from '../support/operator.ts';
import { freePort } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

const routes = [
  { name: 'things', path: '/things/*', scopes: ['things:read'] },
  { name: 'public', path: '/public/*', public: true },
];

t.test('two rolling restarts behind HAProxy: every request is answered as ever', async (t) => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  const places: BalancedGate[] = [];
  for (const name of ['a', 'b']) places.push({ name, port: await freePort(), opsPort: await freePort() });
  const start = ({ name, port, opsPort }: BalancedGate): Promise<GateProcess> =>
    startGate(t, {
      directory,
      name,
      settings: {
        listen: `127.0.0.1:${port}`,
        ops: `127.0.0.1:${opsPort}`,
        upstream: api.url,
        // Nothing here is about a store that is slow because the machine is.
        store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '5s', writeTimeout: '10s' },
        keys: { encryptionKey },
        limits: { exchangesPerMinute: 0 },
        // HAProxy knows after 200 ms; the rest is for a busy machine.
        shutdown: { drainDelay: '2s', deadline: '10s' },
        routes,
      },
    });
  const gates = await Promise.all(places.map(start));
  const everyGate = [...gates];
  const operator = await openOperator(t, gates[0]!.settingsFile);
  await operator.furnish();
  // Each token is looked up in the store again by a gate that has just started.
  const tokens = await Promise.all(Array.from({ length: 50 }, () => operator.token()));
  const balancer = await startHaproxy(t, places);
  const bothUp = (): Promise<void> =>
    until(async () => (await balancer.isUp('a')) && (await balancer.isUp('b')), 60_000);
  await bothUp();

  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const ask = (method: string, path: string, body?: string, secret?: string): Promise<string> =>
    new Promise((resolve) => {
      const headers = {
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
      };
      const sent = httpRequest({ port: balancer.port, agent, method, path, headers }, (response) => {
        let text = '';
        response.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
        response.on('end', () =>
          resolve(response.statusCode === 200 ? '200' : `${response.statusCode} ${text}`),
        );
        response.on('error', (error) => resolve(String(error)));
      });
      sent.on('error', (error) => resolve(String(error)));
      sent.end(body);
    });
  const failures: string[] = [];
  let answered = 0;
  const over = new AbortController();
  const load = async (worker: number): Promise<void> => {
    for (let count = worker; !over.signal.aborted; count += 1) {
      const { secret } = tokens[count % tokens.length]!;
      const kind = count % 4;
      const what = ['GET route', 'POST route', 'POST public', 'exchange'][kind]!;
      const answer = await (kind === 0
        ? ask('GET', '/things/1', undefined, secret)
        : kind === 1
          ? ask('POST', '/things/1', 'a=b', secret)
          : kind === 2
            ? ask('POST', '/public/1', 'a=b')
            : ask('POST', '/oauth2/token', `grant_type=refresh_token&refresh_token=${secret}`));
      answered += 1;
      if (answer !== '200') failures.push(`${what}: ${answer}`);
    }
  };
  const workers = Promise.all(Array.from({ length: 8 }, (_, worker) => load(worker)));
  for (let round = 0; round < 2; round += 1)
    for (const [at, place] of places.entries()) {
      await gates[at]!.stop(30_000);
      t.match(await gates[at]!.ended, { code: 0 }, `${place.name} ended by itself`);
      everyGate.push((gates[at] = await start(place)));
      await bothUp();
    }
  over.abort();
  await workers;
  t.strictSame(failures.slice(0, 5), [], `${failures.length} of ${answered} failed`);
  t.comment(`${answered} requests`);
  if (failures.length > 0) {
    const refusals = everyGate.flatMap((gate) => gate.lines().filter(({ status }) => Number(status) >= 500));
    t.comment(
      [...balancer.changes(), ...refusals.slice(0, 9).map((line) => JSON.stringify(line))].join('\n'),
    );
  }
  t.ok(answered > 200, 'there was a load');
});
