// One connection that sends thousands of requests in a piece does not keep the others waiting: it begins one request in a turn
// of the event loop, refused or not. Told by the order of the answers, not by a clock.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { type EdgeOptions, startEdge } from '../support/edge.ts';
import { connectRaw } from '../support/raw-client.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const setUp = async (t: Test, options: EdgeOptions = {}) => {
  const upstream = await startRawUpstream({
    serve: async (connection) => {
      for (;;) {
        const request = await connection.readMessage();
        if (request.header('upgrade') === 'websocket') {
          connection.send('HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
          return void connection.socket.on('data', (bytes) => connection.socket.write(bytes));
        }
        const body = request.body === '' ? 'ok' : request.body;
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      }
    },
  });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, {
    routes: [
      aRule({ scopes: ['things:read'] }),
      aRule({ name: 'admin', path: '/admin', scopes: ['things:admin'] }),
      aRule({ name: 'public', path: '/public/*', public: true, upgrade: true }),
    ],
    ...options,
  });
  t.teardown(() => edge.close());
  return {
    edge,
    connect: async (): Promise<RawConnection> => {
      const client = await connectRaw(edge.port);
      t.teardown(() => client.socket.destroy());
      return client;
    },
  };
};

const get = (path: string, ...lines: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host:a', ...lines, '', ''].join('\r\n');
const modest = get('/public/modest');

/** As many as fit into the one piece of 64 KB that the system hands over at once. */
const inOnePiece = (request: string): number => Math.floor(65_536 / request.length);

const floods: Readonly<Record<string, string>> = {
  'requests without a credential': get('/things/1'),
  'unknown tokens': get('/things/1', 'Authorization:Bearer x'),
  'requests beyond their scopes': get('/admin', 'Authorization:Bearer good'),
  'unknown routes': get('/n'),
  'ambiguous paths': get('/a//b'),
  'malformed requests': 'GET /n HTTP/1.1\r\n\r\n',
  'expectations nobody knows': get('/n', 'Expect:x'),
  'upgrades that are refused': get('/things/1', 'Connection:upgrade', 'Upgrade:websocket'),
  bodies: 'PUT /n HTTP/1.1\r\nHost:a\r\nContent-Length:1\r\n\r\nx',
  'requests that are let through': get('/public/x'),
};

for (const [sentence, request] of Object.entries(floods))
  t.test(`a request is answered after a few of a flood of ${sentence}`, async (t) => {
    const { edge, connect } = await setUp(t);
    const flood = await connect();
    const other = await connect();
    flood.send(request.repeat(inOnePiece(request)));
    other.send(modest);
    t.equal((await other.readMessage()).status, 200);
    const before = edge.outcomes.findIndex(({ path }) => path === '/public/modest');
    t.ok(before >= 0 && before <= 8, `${before} outcomes of the flood came first`);
    flood.socket.destroy();
  });

t.test('with five floods beside it, a caller still has its turn among theirs', async (t) => {
  const { edge, connect } = await setUp(t);
  const request = get('/n');
  const floods = await Promise.all(Array.from({ length: 5 }, connect));
  const other = await connect();
  for (const flood of floods) {
    flood.discard();
    flood.send(request.repeat(inOnePiece(request)));
  }
  let last = 0;
  for (let n = 0; n < 20; n += 1) {
    other.send(modest);
    t.equal((await other.readMessage()).status, 200);
    const came = edge.outcomes.length - last;
    // Each turn of the event loop answers one of each flood; forwarding takes a handful of turns.
    t.ok(came < 200, `${came} outcomes since the answer before`);
    last = edge.outcomes.length;
  }
  for (const flood of floods) flood.socket.destroy();
});

t.test('the token endpoints take one request of a connection in a turn, too', async (t) => {
  let handled = 0;
  const surface = {
    path: '/oauth2/token',
    handle: (_request: unknown, response: ServerResponse) => {
      handled += 1;
      response.writeHead(400, ['Content-Length', '0']).end();
    },
  };
  const { connect } = await setUp(t, { surface });
  const flood = await connect();
  const other = await connect();
  const request = get(surface.path);
  flood.send(request.repeat(inOnePiece(request)));
  other.send(modest);
  t.equal((await other.readMessage()).status, 200);
  t.ok(handled < 40, `${handled} were handled first`);
  flood.socket.destroy();
});

t.test('a flood is answered whole and in order, only later', async (t) => {
  const { connect, edge } = await setUp(t);
  const flood = await connect();
  const count = 1_500;
  flood.send(Array.from({ length: count }, (_, n) => get(`/n/${n}`)).join(''));
  for (let n = 0; n < count; n += 1) t.equal((await flood.readMessage()).status, 403);
  t.same(
    edge.outcomes.map(({ path }) => path),
    Array.from({ length: count }, (_, n) => `/n/${n}`),
  );
});

t.test('a connection that is refused again and again is closed with the last refusal', async (t) => {
  const { connect, edge } = await setUp(t, { limits: { refusalsPerConnectionMax: 3 } });
  const client = await connect();
  client.send(get('/n').repeat(10));
  const closings = [];
  for (let n = 0; n < 3; n += 1) closings.push((await client.readMessage()).header('connection'));
  t.same(closings, ['keep-alive', 'keep-alive', 'close']);
  await client.closed;
  t.equal(edge.outcomes.length, 3, 'what it had sent beyond that was not begun');
});

t.test(
  'a request that is let through begins the count anew, and so does one at a token endpoint',
  async (t) => {
    let status = 200;
    const surface = {
      path: '/oauth2/token',
      handle: (_request: unknown, response: ServerResponse) => {
        response.writeHead(status, ['Content-Length', '0']).end();
      },
    };
    const { connect } = await setUp(t, { surface, limits: { refusalsPerConnectionMax: 3 } });
    const client = await connect();
    const send = async (path: string): Promise<unknown> => {
      client.send(get(path));
      return (await client.readMessage()).header('connection');
    };
    for (const path of ['/n', '/n', '/public/x', '/n', surface.path, '/n', '/n', '/public/x'])
      t.equal(await send(path), 'keep-alive', path);
    status = 400;
    t.equal(await send(surface.path), 'keep-alive');
    t.equal(await send('/n'), 'keep-alive');
    t.equal(await send(surface.path), 'close');
    await client.closed;
  },
);

t.test('a caller that has read its refusals may still upgrade', async (t) => {
  const { connect } = await setUp(t);
  for (let n = 0; n < 20; n += 1) {
    const client = await connect();
    client.send(get('/n').repeat(5));
    for (let m = 0; m < 5; m += 1) t.equal((await client.readMessage()).status, 403);
    client.send(get('/public/ws', 'Connection: Upgrade', 'Upgrade: websocket'));
    t.match(await client.readHead(), { startLine: /^HTTP\/1\.1 101 / });
    client.socket.destroy();
  }
});

t.test(
  'after a flood its address is read in small pieces, which holds few requests of a connection',
  async (t) => {
    const { edge, connect } = await setUp(t);
    const first = await connect();
    first.send(get('/n').repeat(100));
    for (let n = 0; n < 100; n += 1) await first.readMessage();
    const accepted = once(edge.listener, 'connection');
    const flood = await connect();
    const [socket] = (await accepted) as [Socket];
    let parsed = 0;
    edge.listener.on('request', () => (parsed += 1));
    const count = 2_000;
    flood.send(get('/n').repeat(count));
    await flood.readMessage();
    t.ok(socket.bytesRead > 40_000, `${socket.bytesRead} bytes had been handed over`);
    t.ok(parsed < 200, `${parsed} requests had been made of them`);
    for (let n = 1; n < count; n += 1) t.equal((await flood.readMessage()).status, 403);
    t.equal(edge.outcomes.length, 100 + count);
  },
);

t.test('what such an address sends arrives byte for byte, as a body, a tunnel or an end', async (t) => {
  const { edge, connect } = await setUp(t, {
    routes: [aRule({ name: 'public', path: '/public/*', public: true, upgrade: true })],
  });
  const first = await connect();
  first.send(get('/n').repeat(100));
  for (let n = 0; n < 100; n += 1) await first.readMessage();
  const bytes = Array.from({ length: 300_000 }, (_, n) => String.fromCharCode(97 + ((n * n) % 26))).join('');

  const sender = await connect();
  sender.send(`POST /public/echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes.length}\r\n\r\n${bytes}`);
  t.equal((await sender.readMessage()).body, bytes);
  sender.send(get('/public/x'));
  t.equal((await sender.readMessage()).body, 'ok', 'the connection is kept');

  const tunnel = await connect();
  tunnel.send(get('/public/ws', 'Connection: Upgrade', 'Upgrade: websocket') + bytes);
  t.match(await tunnel.readHead(), { startLine: /^HTTP\/1\.1 101 / });
  t.equal(await tunnel.readBytes(bytes.length), bytes);

  const leaving = await connect();
  leaving.send(get('/n').repeat(1_500));
  for (let n = 0; n < 1_500; n += 1) t.equal((await leaving.readMessage()).status, 403);
  leaving.end();
  t.equal(await leaving.closed, 'end');
  t.ok(edge.outcomes.every(({ result }) => result !== 'bug'));
});
