// The ops address: what Kubernetes and Prometheus ask, and nothing else.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { createMetrics } from '../../src/observe/metrics.ts';
import { createOpsServer, type Readiness } from '../../src/observe/ops-server.ts';
import { sampleOutcome } from './request-outcome-samples.ts';

const upstreams = () => ({
  default: {
    addresses: [
      { address: '10.0.0.7:8081', state: 'unreachable', fault: 'refused', busy: 0, open: 0 } as const,
    ],
    lookupFault: undefined,
    certificateExpiryMs: undefined,
    connectFailures: 3,
    retries: 0,
  },
});

const start = async (t: Test, readiness: () => Readiness) => {
  const metrics = createMetrics({
    version: '1.2.3',
    routes: [{ name: 'read-things', upstream: 'main' }],
    extraRoutes: [],
    storeCommands: [],
    authenticators: ['api_token', 'session'],
  });
  const server = createOpsServer({ metrics, isReady: readiness, upstreams });
  server.listen(0, '127.0.0.1');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { metrics, port, server, url: `http://127.0.0.1:${port}` };
};

t.test('/livez is 200 while the process turns, ready or not', async (t) => {
  const { url } = await start(t, () => ({
    ready: false,
    reasons: ['the store does not answer'],
    warnings: [],
  }));
  const response = await fetch(`${url}/livez`);
  t.equal(response.status, 200);
  t.equal(await response.text(), 'ok\n');
});

t.test('/readyz follows the gate and says what is missing', async (t) => {
  let readiness: Readiness = { ready: false, reasons: ['the store does not answer'], warnings: [] };
  const { url } = await start(t, () => readiness);
  const before = await fetch(`${url}/readyz`);
  t.equal(before.status, 503);
  t.strictSame(await before.json(), readiness);
  readiness = { ready: true, reasons: [], warnings: [] };
  t.equal((await fetch(`${url}/readyz`)).status, 200);
});

t.test('9: /readyz?verbose lists the addresses of each upstream, with what failed last', async (t) => {
  const { url } = await start(t, () => ({ ready: true, reasons: [], warnings: [] }));
  const verbose = await (await fetch(`${url}/readyz?verbose`)).json();
  t.match(verbose, {
    ready: true,
    upstreams: {
      default: { addresses: [{ address: '10.0.0.7:8081', state: 'unreachable', fault: 'refused' }] },
    },
  });
  t.notMatch(await (await fetch(`${url}/readyz`)).text(), 'upstreams', 'and not without it');
});

t.test('/metrics is the text format, also for scrapes that overlap', async (t) => {
  const { url, metrics } = await start(t, () => ({ ready: true, reasons: [], warnings: [] }));
  metrics.record(sampleOutcome());
  const responses = await Promise.all([1, 2, 3].map(() => fetch(`${url}/metrics?now=1`)));
  for (const response of responses) {
    t.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    t.match(
      await response.text(),
      'tollgate_requests_total{route="read-things",method="read",status="200"} 1',
    );
  }
});

t.test('HEAD has no body, other methods are 405, other paths 404', async (t) => {
  const { url } = await start(t, () => ({ ready: true, reasons: [], warnings: [] }));
  const head = await fetch(`${url}/livez`, { method: 'HEAD' });
  t.equal(head.status, 200);
  t.equal(await head.text(), '');
  const post = await fetch(`${url}/metrics`, { method: 'POST', body: 'x'.repeat(1_000_000) });
  t.equal(post.status, 405);
  t.equal(post.headers.get('allow'), 'GET, HEAD');
  t.equal((await fetch(`${url}/things`)).status, 404);
  t.equal((await fetch(`${url}/`)).status, 404);
});

t.test('a request with a body is answered and the connection closed, the body unread', async (t) => {
  const { port } = await start(t, () => ({ ready: true, reasons: [], warnings: [] }));
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.write('GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n');
  let answer = '';
  socket.setEncoding('utf8').on('data', (piece: string) => (answer += piece));
  await once(socket, 'end');
  t.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  t.match(answer, /\r\nconnection: close\r\n/i);
});

const connectMany = async (t: Test, port: number, count: number): Promise<Socket[]> => {
  const sockets: Socket[] = [];
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  while (sockets.length < count) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    sockets.push(socket);
  }
  return sockets;
};

const openCount = (server: Server): Promise<number> =>
  new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  );

t.test('probes are served while more idle connections than it allows sit on it', async (t) => {
  const { port, url, server } = await start(t, () => ({ ready: true, reasons: [], warnings: [] }));
  const idle = await connectMany(t, port, 64);
  for (const path of ['/livez', '/readyz', '/metrics'])
    for (let n = 0; n < 3; n += 1) {
      const response = await fetch(`${url}${path}`, { headers: { connection: 'close' } });
      t.equal(response.status, 200, path);
      await response.text();
    }
  idle.push(...(await connectMany(t, port, 136)));
  t.equal((await fetch(`${url}/livez`)).status, 200);
  t.ok((await openCount(server)) <= 64, 'and there are never more');
  const newest = idle.at(-1)!;
  newest.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
  const [answer] = await once(newest, 'data');
  t.match(String(answer), /^HTTP\/1\.1 200/, 'the oldest ones are closed, not the newest');
});

t.test('heads that never end, and answers that nobody reads, keep no probe out either', async (t) => {
  const { port, url, server } = await start(t, () => ({ ready: true, reasons: [], warnings: [] }));
  for (const bytes of [
    'GET /metrics HTTP/1.1\r\nHost:',
    'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(50),
  ])
    for (const socket of await connectMany(t, port, 80)) socket.pause().write(bytes);
  for (let n = 0; n < 5; n += 1) t.equal((await fetch(`${url}/livez`)).status, 200);
  t.ok((await openCount(server)) <= 64);
});
