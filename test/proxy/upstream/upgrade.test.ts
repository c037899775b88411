// WebSocket upgrades: what the upstream receives, what the caller receives, and that either side's end is the other's.

import { once } from 'node:events';
import { createServer } from 'node:http';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { makeCertificates } from '../../support/certificates.ts';
import { type ForwardingOptions, openForwarding, startForwarding } from '../../support/forwarding.ts';
import { anIdentity } from '../../support/identity.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';

const handshake =
  'GET /ws?x==//y HTTP/1.1\r\nHost: api.example\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n';
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n';

const alice = anIdentity({ tokenId: 't1', expiresAtMs: 2_000_000 });

const openTunnel = async (t: Test, options: ForwardingOptions = {}) => {
  const { upstream, proxy, client } = await openForwarding(t, options);
  client.send(handshake);
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send(switching);
  t.equal((await client.readHead()).startLine, 'HTTP/1.1 101 Switching Protocols');
  return { upstream, proxy, client, connection };
};

t.test('a real WebSocket client talks to a real WebSocket server', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const sockets = new WebSocketServer({ server, path: '/ws' });
  sockets.on('connection', (socket, request) => {
    socket.send(String(request.headers['x-identity-user']));
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const proxy = await startForwarding(
    { origin: `http://127.0.0.1:${port}` },
    { headers: ['X-Identity-User', 'alice'] },
  );
  t.teardown(() => proxy.close());
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/ws`);
  const [hello] = await once(socket, 'message');
  t.equal(String(hello), 'alice');
  const large = Buffer.alloc(3_000_000, 7);
  socket.send(large);
  const [echo] = await once(socket, 'message');
  t.ok(large.equals(echo));
  socket.close(1000, 'done');
  const [code, reason] = await once(socket, 'close');
  t.equal(code, 1000);
  t.equal(String(reason), 'done');
  t.match(await proxy.nextEnd(), { status: 101, failure: undefined, responded: true });
  t.equal(proxy.live.size, 0);
  t.equal(proxy.upgrader.size, 0);
});

t.test(
  'the upstream receives the authorized target byte for byte, the given headers, and the handshake',
  async (t) => {
    const { upstream, client } = await openForwarding(t, {
      headers: ['X-Identity', 'ours', 'X-Latin', '\u00e9'],
    });
    client.send(
      handshake.replace('\r\n\r\n', '\r\nX-Two: 1\r\nx-two: 2\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n'),
    );
    const head = await (await upstream.accept()).readHead();
    t.equal(head.startLine, 'GET /ws?x==//y HTTP/1.1');
    t.strictSame(head.headers, [
      ['Host', 'api.example'],
      ['Sec-WebSocket-Key', 'k'],
      ['Sec-WebSocket-Version', '13'],
      ['X-Two', '1'],
      ['X-Two', '2'],
      ['Cookie', 'a=1; b=2'],
      ['X-Identity', 'ours'],
      ['X-Latin', '\u00e9'],
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
    ]);
    for (const target of ['//a//b', '/a/../b', '/http://x/', '/%2e%2e/?', '/x?y?z#']) {
      const other = await openForwarding(t, { target });
      other.client.send(handshake);
      const connection = await other.upstream.accept();
      t.equal((await connection.readHead()).startLine, `GET ${target} HTTP/1.1`);
    }
  },
);

t.test('Expect and Connection: upgrade, X-Identity cannot remove or forge a header of ours', async (t) => {
  const { upstream, client } = await openForwarding(t, { headers: ['X-Identity', 'ours'] });
  client.send(
    handshake
      .replace('Connection: Upgrade', 'Connection: upgrade, X-Identity')
      .replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'),
  );
  const head = await (await upstream.accept()).readHead();
  t.strictSame(head.all('x-identity'), ['ours']);
  t.equal(head.header('expect'), undefined);
});

t.test('the caller receives the 101 with its headers, in Latin-1, without framing', async (t) => {
  const { upstream, client } = await openForwarding(t);
  client.send(handshake);
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send(
    switching.replace(
      '\r\n\r\n',
      '\r\nSec-WebSocket-Protocol: chat\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-Latin: \u00e9\u00ff\r\nContent-Length: 5\r\n\r\nframe',
    ),
  );
  t.strictSame((await client.readHead()).headers, [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Accept', 'a'],
    ['Sec-WebSocket-Protocol', 'chat'],
    ['Set-Cookie', 'a'],
    ['Set-Cookie', 'b'],
    ['X-Latin', '\u00e9\u00ff'],
    ['X-Request-Id', 'request-1'],
  ]);
  t.equal(await client.readBytes(5), 'frame');
});

t.test('frames sent before the 101 are kept, in order', async (t) => {
  const { upstream, client } = await openForwarding(t);
  client.send(`${handshake}one,`);
  const connection = await upstream.accept();
  await connection.readHead();
  client.send('two,');
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.equal(connection.unread, '', 'nothing goes up before the tunnel stands');
  connection.send(switching);
  await client.readHead();
  client.send('three');
  t.equal(await connection.readBytes(13), 'one,two,three');
});

t.test('a refused upgrade is answered with right framing, and the connection closed', async (t) => {
  const refusals = {
    'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: y\r\n\r\nno': {
      status: 403,
      framing: 'content-length',
      body: 'no',
    },
    'HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n': {
      status: 401,
      framing: 'chunked',
      body: 'no',
    },
    'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nplain': { status: 200, framing: 'chunked', body: 'plain' },
    'HTTP/1.1 204 No Content\r\n\r\n': { status: 204, framing: 'none', body: '' },
  };
  for (const [bytes, expected] of Object.entries(refusals)) {
    const { upstream, proxy, client } = await openForwarding(t);
    client.send(handshake);
    const connection = await upstream.accept();
    await connection.readHead();
    connection.send(bytes);
    connection.end();
    const answer = await client.readMessage();
    t.match(answer, expected);
    t.equal(answer.header('connection'), 'close');
    t.equal(await client.closed, 'end');
    t.equal(client.unread, '');
    t.match(await proxy.nextEnd(), { status: expected.status, failure: undefined, responded: true });
    await connection.closed;
  }
});

t.test('an upgrade is refused here: by the rule, by its method, by its protocol, with a body', async (t) => {
  const byRule = await openForwarding(t, { rule: { upgrade: false } });
  byRule.client.send(handshake);
  t.equal((await byRule.client.readMessage()).status, 403);
  const { upstream, proxy } = await openForwarding(t);
  for (const request of [
    handshake.replace('GET', 'PUT'),
    handshake.replace('WebSocket', 'h2c'),
    handshake.replace('\r\n\r\n', '\r\nContent-Length: 5\r\n\r\nsmug!'),
    handshake.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsmug!\r\n0\r\n\r\n'),
  ]) {
    t.equal((await exchangeRaw(proxy.port, request)).status, 403);
    t.match(await proxy.nextEnd(), { status: 0, failure: { reason: 'upgrade_refused' }, responded: false });
  }
  t.equal(upstream.connections.length, 0);
});

t.test('a tunnel ends when its identity falls, when its token expires, and at shutdown', async (t) => {
  const ends: Record<string, (live: Awaited<ReturnType<typeof openTunnel>>['proxy']['live']) => void> = {
    token_revoked: (live) =>
      t.equal(
        live.sweep(() => 'revoked', 0),
        1,
      ),
    session_ended: (live) =>
      t.equal(
        live.sweep(() => 'ended', 0),
        1,
      ),
    token_expired: (live) =>
      t.equal(
        live.sweep(() => 'live', alice.expiresAtMs),
        1,
      ),
    shutting_down: (live) => live.endAll(),
  };
  for (const [reason, end] of Object.entries(ends)) {
    const { proxy, client, connection } = await openTunnel(t, { identity: alice });
    t.equal(proxy.live.size, 1);
    end(proxy.live);
    await Promise.all([client.closed, connection.closed]);
    t.match(await proxy.nextEnd(), { status: 101, responded: true, failure: { reason } });
    t.equal(proxy.live.size + proxy.upgrader.size, 0);
  }
});

t.test('close ends tunnels and handshakes', async (t) => {
  const { upstream, proxy, client, connection } = await openTunnel(t);
  const second = await connectRaw(proxy.port);
  second.send(handshake);
  await (await upstream.accept()).readHead();
  await proxy.upgrader.close();
  await Promise.all([client.closed, connection.closed]);
  t.equal((await second.readMessage()).status, 503);
  t.equal((await exchangeRaw(proxy.port, handshake)).status, 503, 'and no new one begins');
});

t.test('a unix socket, and https with the certificate verified whatever the Host says', async (t) => {
  const unix = await openForwarding(t, {}, { unix: true });
  unix.client.send(handshake);
  const connection = await unix.upstream.accept();
  await connection.readHead();
  connection.send(switching);
  t.match(await unix.client.readHead(), { startLine: /101/ });

  const { ca, localhost, elsewhere } = makeCertificates();
  const good = await openForwarding(t, { upstream: { ca } }, { tls: localhost });
  good.client.send(handshake);
  const secure = await good.upstream.accept();
  await secure.readHead();
  secure.send(`${switching}hi`);
  t.match(await good.client.readHead(), { startLine: /101/ });
  t.equal(await good.client.readBytes(2), 'hi');

  const wrong = await openForwarding(t, { upstream: { ca } }, { tls: elsewhere });
  wrong.client.send(handshake.replace('api.example', 'elsewhere.test'));
  t.equal((await wrong.client.readMessage()).status, 502);
  const unknown = await openForwarding(t, {}, { tls: localhost });
  unknown.client.send(handshake);
  t.equal((await unknown.client.readMessage()).status, 502);
});
