// The ops address: what Kubernetes and Prometheus ask, and nothing else.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { createMetrics } from '../../src/observe/metrics.ts';
import { createOpsServer, type Readiness } from '../../src/observe/ops-server.ts';
import { sampleOutcome } from './request-outcome-samples.ts';

const start = async (t: Test, readiness: () => Readiness) => {
  const metrics = createMetrics({
    version: '1.2.3',
    routes: [{ name: 'read-things', upstream: 'main' }],
    extraRoutes: [],
    storeCommands: [],
  });
  const server = createOpsServer({ metrics, isReady: readiness });
  server.listen(0, '127.0.0.1');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { metrics, port, url: `http://127.0.0.1:${port}` };
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

t.test('more connections than it allows are closed, and it goes on serving', async (t) => {
  const { port, url } = await start(t, () => ({ ready: true, reasons: [], warnings: [] }));
  const sockets = Array.from({ length: 80 }, () => connect(port, '127.0.0.1'));
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  let closed = 0;
  await new Promise<void>((resolve) => {
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        closed += 1;
        if (closed === 16) resolve();
      });
    }
  });
  for (const socket of sockets) socket.destroy();
  let response: Response | undefined;
  while (response === undefined) response = await fetch(`${url}/livez`).catch(() => undefined);
  t.equal(response.status, 200);
});
