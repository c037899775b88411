// Invariant 5: memory, file descriptors and metric series are bounded, whatever callers send. A real gate, flooded.

import { randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { createSecret } from '../../src/tokens/api-token.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { call, encryptionKey, type GateProcess, startGate, until } from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

const requestCount = 20_000;
const identitiesMax = 50;
const unknownMax = 500;

let gate: GateProcess;
const tokens: string[] = [];

t.before(async () => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  gate = await startGate(t, {
    directory,
    settings: {
      upstream: api.url,
      store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '5s' },
      keys: { encryptionKey },
      routes: [
        { name: 'account', path: '/accounts/{org}/*', scopes: ['things:read'] },
        { name: 'things', path: '/things/*', methods: ['GET', 'POST'], scopes: ['things:read'] },
        { name: 'write', path: '/write/*', scopes: ['things:write'] },
        { name: 'public', path: '/public/*', public: true },
      ],
      cache: { identitiesMax, unknownMax },
      limits: { unknownTokensPerMinute: 0 },
    },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  await gate.whenReady();
  const made = Array.from({ length: 2 * identitiesMax }, () => operator.token({ scopes: ['things:read'] }));
  for (const { secret } of await Promise.all(made)) tokens.push(secret);
});

const noise = (): string => randomBytes(randomInt(4, 24)).toString('base64url');
const pick = <T>(list: readonly T[]): T => list[randomInt(list.length)] as T;

const credentials: readonly (() => string)[] = [
  () => '',
  () => `Bearer ${pick(tokens)}`,
  () => `Bearer ${createSecret({ shard: randomInt(16), length: 65 })}`,
  () => `Bearer ${noise()}`,
  () => `Bearer ${noise()}.${noise()}.${noise()}`,
  () => `Basic ${noise()}`,
];

const paths: readonly (() => string)[] = [
  () => `/things/${noise()}`,
  () => `/accounts/acme/${noise()}`,
  () => `/accounts/${noise()}/x`,
  () => `/write/${noise()}?${noise()}=${noise()}`,
  () => `/${noise()}/${noise()}`,
  () => `/public/${noise()}`,
];

const requestText = (method: string, path: string, credential: string): string =>
  `${method} ${path} HTTP/1.1\r\nHost: ${noise()}.test\r\nUser-Agent: ${noise()}\r\n` +
  `${credential === '' ? '' : `Authorization: ${credential}\r\n`}X-Request-Id: ${noise()}\r\n\r\n`;

/** One connection that sends and reads request after request, a few ahead; resolves with the statuses seen. */
const flood = async (count: number, statuses: Map<string, number>): Promise<void> => {
  const ahead = 25;
  let socket: Socket | undefined;
  for (let sent = 0; sent < count; sent += ahead) {
    socket ??= await opened();
    const batch = Array.from({ length: ahead }, () =>
      requestText(
        pick(['GET', 'GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']),
        pick(paths)(),
        pick(credentials)(),
      ),
    );
    const answers = await answersTo(socket, batch.join(''), ahead);
    for (const status of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (answers.length < ahead) socket = undefined;
  }
  socket?.destroy();
};

const opened = async (): Promise<Socket> => {
  const socket = connect(gate.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
};

const answersTo = (socket: Socket, bytes: string, count: number): Promise<readonly string[]> =>
  new Promise((resolve) => {
    let text = '';
    const seen = (): string[] => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status ?? '');
    const over = (): void => {
      socket.off('data', onData);
      socket.off('close', over);
      socket.off('error', over);
      resolve(seen());
    };
    const onData = (piece: Buffer): void => {
      text += piece.toString('latin1');
      if (seen().length >= count) over();
    };
    socket.on('data', onData);
    socket.once('close', over);
    socket.once('error', over);
    socket.write(bytes);
  });

/** Ours. Node's own also appear as time goes by: a kind of garbage collection, a kind of handle. */
/** Without the histograms of store commands: those begin with the first of each command, such as a flush in the background. */
const seriesIn = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('tollgate_') && !line.startsWith('tollgate_store_command_duration'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')))
    .toSorted((one, other) => one.localeCompare(other));

const residentMegabytes = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${gate.pid}/status`, 'utf8'))?.[1]) / 1024;
const descriptors = (): number => readdirSync(`/proc/${gate.pid}/fd`).length;

t.test(
  `${requestCount} random requests add no metric series, and fill no cache beyond its bound`,
  async (t) => {
    // Once through everything the vocabulary has: a series appears when it is first counted.
    await flood(3_000, new Map());
    await until(async () => (await gate.metric('tollgate_client_connections')) === 0);
    const before = seriesIn(await gate.metrics());
    const [memoryBefore, descriptorsBefore] = [residentMegabytes(), descriptors()];

    const statuses = new Map<string, number>();
    await Promise.all(Array.from({ length: 16 }, () => flood(requestCount / 16, statuses)));
    t.comment(Object.fromEntries(statuses));
    for (const status of ['200', '401', '403'])
      t.ok((statuses.get(status) ?? 0) > 100, `${status} is among them`);
    t.notOk(statuses.get('500'), 'and no bug was met');

    t.strictSame(seriesIn(await gate.metrics()), before, 'not one series more');
    t.ok((await gate.metric('tollgate_identity_cache_entries', { kind: 'identity' })) <= identitiesMax);
    t.ok((await gate.metric('tollgate_identity_cache_entries', { kind: 'unknown' })) <= unknownMax);
    const grownMegabytes = residentMegabytes() - memoryBefore;
    t.ok(grownMegabytes < 150, `${Math.round(grownMegabytes)} MB more resident memory`);
    await until(async () => (await gate.metric('tollgate_client_connections')) === 0);
    await until(() => descriptors() <= descriptorsBefore);
    t.pass('descriptors are back to where they were');
    for (const token of tokens.slice(0, 3))
      t.equal((await call(gate, '/things/1', token)).status, 200, 'good tokens work as before');
  },
);

t.test('metric labels hold names from the settings, never what a caller sent', async (t) => {
  const marker = 'LabelMarker7';
  await call(gate, `/${marker}/x`, tokens[0]);
  await call(gate, `/things/${marker}`, tokens[0], {
    headers: { 'user-agent': marker, 'x-request-id': marker },
  });
  await call(gate, `/accounts/${marker}/x`, tokens[0]);
  await call(gate, `/things/x`, marker);
  const metrics = await gate.metrics();
  t.notMatch(metrics, marker);
  t.match(metrics, 'route="things"');
});

t.test('five hundred idle connections cost little and end with their callers', async (t) => {
  const before = residentMegabytes();
  const openBefore = await gate.metric('tollgate_client_connections');
  const sockets = await Promise.all(Array.from({ length: 500 }, opened));
  for (const socket of sockets) socket.on('error', () => undefined);
  await until(async () => (await gate.metric('tollgate_client_connections')) >= 500);
  t.ok(residentMegabytes() - before < 100);
  for (const socket of sockets) socket.destroy();
  await until(async () => (await gate.metric('tollgate_client_connections')) <= openBefore);
});
