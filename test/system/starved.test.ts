// A whole gate that is starved of file descriptors, or crowded with idle callers: it lives, stays small, and serves again.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import { call, encryptionKey, type GateProcess, startGate, until } from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { connectRaw } from '../support/raw-client.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

const makeDirectory = (t: Test): string => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const routes = [{ name: 'all', path: '/*', scopes: ['things:read'], upgrade: true }];

const requestOf = (path: string, token: string, ...lines: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: api', `Authorization: Bearer ${token}`, ...lines, '', ''].join('\r\n');

const upgrade = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** How a connection that was promised nothing ended: with an answer, or closed. */
const endingOf = async (client: RawConnection | undefined): Promise<number | 'closed'> => {
  if (client === undefined) return 'closed';
  const answered = client.readHead().then(({ startLine }) => Number(startLine.split(' ')[1]));
  return Promise.race([answered, client.closed.then(() => 'closed' as const)]).catch(() => 'closed' as const);
};

for (const kind of ['SQLite', 'Redis'] as const)
  t.test(
    `with 64 descriptors, on ${kind}: whoever comes is answered or closed, nothing crashes, and it recovers`,
    async (t) => {
      const api = await startEchoApi(t);
      const directory = makeDirectory(t);
      const redis = kind === 'Redis' ? await startRedis() : undefined;
      t.teardown(() => redis?.close());
      // Descriptors are scarce here, not time: a machine that is busy must not look like a Redis that is slow.
      const store =
        redis === undefined ? {} : { store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '5s' } };
      const gate = await startGate(t, {
        directory,
        descriptorsMax: 64,
        settings: { ...store, upstream: api.url, keys: { encryptionKey }, routes },
      });
      const operator = await openOperator(t, gate.settingsFile);
      await operator.furnish();
      await gate.whenReady();
      const { secret } = await operator.token();
      t.equal((await call(gate, '/things', secret)).status, 200);

      for (const lines of [[], upgrade]) {
        const clients = await Promise.all(
          Array.from({ length: 150 }, async () => {
            const client = await connectRaw(gate.port).catch(() => undefined);
            client?.send(requestOf('/ws', secret, ...lines));
            return client;
          }),
        );
        const endings = await Promise.all(clients.map(endingOf));
        const told = new Set(endings);
        t.ok(told.has('closed') || told.has(503), 'there was not enough for everybody');
        for (const ending of told)
          t.ok(['closed', 503, lines.length === 0 ? 200 : 101].includes(ending), `never worse: ${ending}`);
        for (const client of clients) client?.socket.destroy();
        const serves = (): Promise<boolean> =>
          call(gate, '/things', secret).then(
            ({ status }) => status === 200,
            () => false,
          );
        await until(serves, 30_000);
      }
      await gate.whenReady();
      t.equal(await gate.metric('tollgate_process_faults_total'), 0, 'no exception went uncaught');
      t.equal(await gate.metric('tollgate_decisions_total', { result: 'bug' }), 0);
      t.equal(gate.child.exitCode, null);
    },
  );

const residentMegabytes = ({ pid }: GateProcess): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

t.test('ten thousand idle connections cost a bounded amount of memory, and others are served', async (t) => {
  const count = 10_000;
  const api = await startEchoApi(t);
  const gate = await startGate(t, {
    directory: makeDirectory(t),
    settings: {
      upstream: api.url,
      routes: [{ name: 'all', path: '/*', public: true }],
      limits: {
        connectionsMax: count + 100,
        connectionsPerAddressMax: count + 100,
        headersTimeout: '2m',
        requestTimeout: '2m',
      },
    },
  });
  await gate.whenReady();
  t.equal((await call(gate, '/x')).status, 200);
  const before = residentMegabytes(gate);
  const idle: Socket[] = [];
  t.teardown(() => idle.forEach((socket) => socket.destroy()));
  for (let batch = 0; batch < count / 250; batch += 1)
    await Promise.all(
      Array.from({ length: 250 }, () => {
        const socket = connect(gate.port, '127.0.0.1').on('error', () => undefined);
        idle.push(socket);
        return once(socket, 'connect');
      }),
    );
  await until(async () => (await gate.metric('tollgate_client_connections')) >= count, 60_000);
  t.equal((await call(gate, '/x')).status, 200);
  const grownMegabytes = residentMegabytes(gate) - before;
  t.ok(grownMegabytes < 300, `${Math.round(grownMegabytes)} MB more resident memory`);
  for (const socket of idle) socket.destroy();
  await until(async () => (await gate.metric('tollgate_client_connections')) < 100, 60_000);
});
