// Numbers 11 and 13 of issue 9 as a real browser has them: what a page of another origin may read, and its token in a WebSocket.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startChromium } from '../support/chromium.ts';
import { startEdge } from '../support/edge.ts';
import { aRule } from '../support/route-rule.ts';

t.setTimeout(240_000);

const listen = async (server: Server, host: string): Promise<number> => {
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

/** An API that says nothing of CORS itself, and speaks WebSocket as far as the handshake. */
const api = createServer((_, response) => void response.end('from the API'));
const offered: (string | undefined)[] = [];
api.on('upgrade', ({ headers }, socket) => {
  offered.push(headers['sec-websocket-protocol']);
  const accept = createHash('sha1')
    .update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
  socket.write(
    ['HTTP/1.1 101 Switching Protocols', ...lines, 'Sec-WebSocket-Protocol: chat', '', ''].join('\r\n'),
  );
});

t.test('a page of another origin reads what it may, and nothing else', async (t) => {
  const apiPort = await listen(api, '127.0.0.1');
  const pages = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end('<!doctype html><title>a page</title>');
  });
  const pagePort = await listen(pages, '127.0.0.1');
  const cors = {
    origins: [`http://localhost:${pagePort}`],
    methods: ['GET', 'DELETE'],
    headers: ['Authorization'],
    exposedHeaders: ['X-Request-Id'],
    credentials: false,
    maxAgeMs: 0,
  };
  const edge = await startEdge(
    { origin: `http://127.0.0.1:${apiPort}` },
    {
      routes: [aRule({ scopes: ['things:read'], upgrade: true, cors })],
      credential: { webSocketProtocol: 'bearer.' },
    },
  );
  t.teardown(() => edge.close());
  const chromium = await startChromium(t);
  const page = await chromium.open([]);
  const ask = (path: string, headers: Record<string, string>, method = 'GET'): Promise<unknown> =>
    page.evaluate(
      async ([url, init]) => {
        try {
          const answer = await fetch(url, init);
          return [answer.status, await answer.text(), answer.headers.get('x-request-id') !== null];
        } catch (error) {
          return String(error).split(':')[0];
        }
      },
      [`http://127.0.0.1:${edge.port}${path}`, { headers, method }] as const,
    );
  const good = { Authorization: 'Bearer good' };

  await page.goto(`http://localhost:${pagePort}/`);
  t.same(await ask('/things/1', good), [200, 'from the API', true]);
  t.same(await ask('/things/1', good, 'DELETE'), [200, 'from the API', true]);
  t.match(await ask('/things/1', {}), [401, /Unauthorized/, true], 'it reads why it is refused');
  t.equal(await ask('/things/1', { ...good, 'X-Other': '1' }), 'TypeError', 'a header that is not allowed');
  t.equal(await ask('/things/1', good, 'PUT'), 'TypeError', 'a method that is not allowed');
  const chosen = await page.evaluate(
    ([url]) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url, ['bearer.good', 'chat']);
        socket.addEventListener('open', () => resolve(socket.protocol));
        socket.addEventListener('error', () => resolve('refused'));
      }),
    [`ws://127.0.0.1:${edge.port}/things/1`] as const,
  );
  t.same([chosen, offered], ['chat', ['chat']], 'its token is its subprotocol, which the API does not see');

  const before = edge.outcomes.length;
  await page.goto(`http://127.0.0.1:${pagePort}/`);
  t.equal(await ask('/things/1', good), 'TypeError', 'a page of another origin');
  t.match(
    edge.outcomes.slice(before),
    [{ method: 'OPTIONS', status: 204 }],
    'whose request is not even sent',
  );
});
