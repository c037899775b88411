// Upgrades that go wrong: http-proxy's known faults (a crash, a leaked socket), failing upstreams, sides that leave.

import { once } from 'node:events';
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { type ForwardingOptions, openForwarding, startForwarding } from '../../support/forwarding.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import { settled } from '../../support/settled.ts';

const handshake =
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n';
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n';

const openTunnel = async (t: Test, options: ForwardingOptions = {}) => {
  const { upstream, proxy, client } = await openForwarding(t, options);
  client.send(handshake);
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send(switching);
  await client.readHead();
  return { upstream, proxy, client, connection };
};

for (const how of ['reset', 'end'] as const) {
  const name = how === 'reset' ? 'a reset' : 'a FIN';
  t.test(`${name} by the caller before the 101: no crash, and the upstream socket goes`, async (t) => {
    const { upstream, proxy, client } = await openForwarding(t);
    client.send(handshake);
    const connection = await upstream.accept();
    await connection.readHead();
    client[how]();
    await connection.closed;
    t.match(await proxy.nextEnd(), { status: 0, failure: 'client_gone' });
    t.equal(proxy.upgrader.size, 0);
  });

  t.test(`${name} by the caller and the 101 at the same moment`, async (t) => {
    const { upstream, proxy, client } = await openForwarding(t, { writeStallTimeoutMs: 300 });
    client.send(handshake);
    const connection = await upstream.accept();
    await connection.readHead();
    connection.send(switching);
    client[how]();
    await connection.closed;
    await proxy.nextEnd();
    t.equal(proxy.upgrader.size, 0);
  });

  t.test(`${name} by the caller of a tunnel ends it upstream`, async (t) => {
    const { proxy, client, connection } = await openTunnel(t, { writeStallTimeoutMs: 300 });
    client[how]();
    await connection.closed;
    connection.end();
    await proxy.nextEnd();
    t.equal(proxy.live.size + proxy.upgrader.size, 0);
  });

  t.test(`${name} by the upstream of a tunnel ends it for the caller`, async (t) => {
    const { proxy, client, connection } = await openTunnel(t, { writeStallTimeoutMs: 300 });
    connection.send('last');
    await client.readUntil('last');
    connection[how]();
    await client.closed;
    client.end();
    t.match(await proxy.nextEnd(), { status: 101, responded: true });
    t.equal(proxy.live.size + proxy.upgrader.size, 0);
  });

  t.test(`${name} by the upstream before its answer: 502`, async (t) => {
    const { upstream, proxy, client } = await openForwarding(t);
    client.send(handshake);
    const connection = await upstream.accept();
    await connection.readHead();
    connection[how]();
    t.equal((await client.readMessage()).status, 502);
    t.match(await proxy.nextEnd(), {
      status: 0,
      failure: { reason: 'upstream_unreachable' },
      responded: false,
    });
  });

  t.test(`${name} by the upstream in the middle of a refusal breaks the connection`, async (t) => {
    const { upstream, client } = await openForwarding(t);
    client.send(handshake);
    const connection = await upstream.accept();
    await connection.readHead();
    connection.send('HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await client.readUntil('hello');
    connection[how]();
    await client.closed;
    t.notMatch(client.received, /\r\n0\r\n/);
  });
}

t.test('a side that says it is done and then nothing is not waited for', async (t) => {
  const { proxy, client, connection } = await openTunnel(t, { writeStallTimeoutMs: 200 });
  client.end();
  t.match(await proxy.nextEnd(), { status: 101 });
  await connection.closed;
});

t.test('the last bytes of the upstream arrive before its end', async (t) => {
  const { client, connection } = await openTunnel(t);
  const size = 3_000_000;
  connection.send(Buffer.alloc(size, 'x'));
  connection.end();
  t.equal((await client.readBytes(size)).length, size);
  t.equal(await client.closed, 'end');
});

t.test('refused, 502; hanging, 504 and the socket is destroyed', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  const proxy = await startForwarding({ origin: `http://127.0.0.1:${port}` });
  t.teardown(() => proxy.close());
  t.equal((await exchangeRaw(proxy.port, handshake)).status, 502);

  const hanging = await openForwarding(t, { rule: { responseTimeoutMs: 150 } });
  hanging.client.send(handshake);
  const connection = await hanging.upstream.accept();
  await connection.readHead();
  const drip = setInterval(() => connection.send('HTTP/1.1 100 Continue\r\n\r\n'), 20);
  t.teardown(() => clearInterval(drip));
  t.equal((await hanging.client.readMessage()).status, 504);
  await connection.closed;
});

t.test('an answer that is none: 502, and the process lives', async (t) => {
  const answers = [
    'HTTP/1.1 000 Zero\r\n\r\n',
    'HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 403 No\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 403 No\r\nTransfer-Encoding: gzip\r\n\r\n',
    `HTTP/1.1 403 No\r\nX-Big: ${'x'.repeat(70_000)}\r\n\r\n`,
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    'garbage\r\n\r\n',
  ];
  for (const answer of answers) {
    const { upstream, proxy, client } = await openForwarding(t);
    client.send(handshake);
    const connection = await upstream.accept();
    await connection.readHead();
    connection.send(answer);
    t.equal((await client.readMessage()).status, 502, answer.slice(0, 40));
    t.match(await proxy.nextEnd(), { status: 0, responded: false });
    await connection.closed;
  }
});

t.test('a 101 that names no protocol ends in bounded time', async (t) => {
  const { upstream, client } = await openForwarding(t, { rule: { responseTimeoutMs: 300 } });
  client.send(handshake);
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  t.ok([502, 504].includes((await client.readMessage()).status));
});

t.test('a caller that floods the handshake is made to wait', async (t) => {
  const { upstream, client } = await openForwarding(t);
  client.send(handshake);
  const connection = await upstream.accept();
  await connection.readHead();
  const piece = Buffer.alloc(1_000_000);
  let sent = 0;
  const pump = (): void => {
    do sent += piece.length;
    while (sent < 100_000_000 && client.send(piece));
  };
  client.socket.on('drain', pump);
  pump();
  await settled(() => sent);
  t.ok(sent < 40_000_000, `held back after ${sent} bytes`);
});

t.test('a side of a tunnel that takes nothing is cut off; a silent tunnel is not', async (t) => {
  const silent = await openTunnel(t, { writeStallTimeoutMs: 100 });
  const stalled = await openTunnel(t, { writeStallTimeoutMs: 100 });
  stalled.client.pause();
  const piece = Buffer.alloc(1_000_000);
  const pump = (): void => {
    while (!stalled.connection.socket.destroyed && stalled.connection.send(piece));
  };
  stalled.connection.socket.on('drain', pump);
  pump();
  t.match(await stalled.proxy.nextEnd(), { status: 101, failure: 'client_gone' });
  await stalled.connection.closed;
  silent.client.send('still here');
  t.equal(await silent.connection.readBytes(10), 'still here');
});

t.test('no more tunnels than connectionsMax', async (t) => {
  const { upstream, proxy, client } = await openForwarding(t, { upstream: { connectionsMax: 1 } });
  client.send(handshake);
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send(switching);
  await client.readHead();
  t.equal((await exchangeRaw(proxy.port, handshake)).status, 503);
  client.reset();
  await connection.closed;
  const third = await connectRaw(proxy.port);
  t.teardown(() => third.socket.destroy());
  while (proxy.upgrader.size > 0) await new Promise((resolve) => setImmediate(resolve));
  third.send(handshake);
  await (await upstream.accept()).readHead();
});

t.test('a header that cannot be sent is a bug, and leaves nothing behind', async (t) => {
  const { upstream, proxy } = await openForwarding(t, { headers: ['X-Bad', 'a\nb'] });
  t.equal((await exchangeRaw(proxy.port, handshake)).status, 502);
  t.match(proxy.bugs, [{ code: 'ERR_INVALID_CHAR' }]);
  t.equal(proxy.upgrader.size, 0);
  t.equal(upstream.requests.length, 0);
  const [connection] = upstream.connections;
  await connection?.closed;
});
