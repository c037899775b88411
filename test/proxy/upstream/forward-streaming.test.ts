// Long and large bodies: streamed whole, with bounded memory whichever side is slow, and ended when their identity falls.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import t from 'tap';
import { openForwarding, startForwarding } from '../../support/forwarding.ts';
import { anIdentity } from '../../support/identity.ts';
import { connectRaw } from '../../support/raw-client.ts';
import { settled } from '../../support/settled.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const alice = anIdentity({ tokenId: 't1', expiresAtMs: 2_000_000 });

t.test('30 MB up and back down arrive unchanged, chunked and with a length', async (t) => {
  const echo = createServer((request, response) => {
    const length = request.headers['content-length'];
    if (length !== undefined) response.setHeader('content-length', length);
    request.pipe(response);
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  t.teardown(() => new Promise((resolve) => echo.close(resolve)));
  const address = echo.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const proxy = await startForwarding(
    { origin: `http://127.0.0.1:${port}` },
    { rule: { requestBodyBytesMax: 40_000_000 } },
  );
  t.teardown(() => proxy.close());
  const piece = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 31) % 251));
  for (const isChunked of [false, true]) {
    const sent = createHash('sha256');
    const received = createHash('sha256');
    const headers = isChunked ? {} : { 'content-length': String(piece.length * 300) };
    const request = httpRequest({ port: proxy.port, method: 'PUT', headers });
    const done = once(request, 'response').then(async ([response]) => {
      for await (const chunk of response) received.update(chunk);
      return response;
    });
    for (let count = 0; count < 300; count += 1) {
      sent.update(piece);
      if (!request.write(piece)) await once(request, 'drain');
    }
    request.end();
    const response = await done;
    t.equal(received.digest('hex'), sent.digest('hex'));
    t.equal(response.headers['content-length'] === undefined, isChunked);
  }
});

t.test('a slow reader holds the upstream back; nothing piles up in between', async (t) => {
  const { upstream, client } = await openForwarding(t);
  client.send(get);
  const connection = await upstream.accept();
  await connection.readHead();
  client.pause();
  connection.send('HTTP/1.1 200 OK\r\nContent-Length: 400000000\r\n\r\n');
  const before = process.memoryUsage().rss;
  const piece = Buffer.alloc(1_000_000);
  let sent = 0;
  const pump = (): void => {
    do sent += piece.length;
    while (sent < 400_000_000 && connection.send(piece));
  };
  connection.socket.on('drain', pump);
  pump();
  await settled(() => sent);
  t.ok(sent < 40_000_000, `held back after ${sent} bytes, most of them in the kernel`);
  t.ok(process.memoryUsage().rss - before < 100_000_000);
  const resumed = once(connection.socket, 'drain');
  client.discard();
  await resumed;
  t.pass('and flows again when read');
});

t.test('a slow upstream holds an upload back', async (t) => {
  const { upstream, client } = await openForwarding(t, { rule: { requestBodyBytesMax: 500_000_000 } });
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000000\r\n\r\n');
  const piece = Buffer.alloc(1_000_000);
  let sent = 0;
  const pump = (): void => {
    do sent += piece.length;
    while (sent < 400_000_000 && client.send(piece));
  };
  client.socket.on('drain', pump);
  pump();
  const connection = await upstream.accept();
  connection.pause();
  await settled(() => sent);
  t.ok(sent < 40_000_000, `held back after ${sent} bytes`);
});

t.test('a caller that reads nothing is cut off, and the upstream with it', async (t) => {
  const { upstream, proxy, client } = await openForwarding(t, { writeStallTimeoutMs: 200 });
  client.send(get);
  const connection = await upstream.accept();
  await connection.readHead();
  client.pause();
  connection.send('HTTP/1.1 200 OK\r\nContent-Length: 400000000\r\n\r\n');
  const piece = Buffer.alloc(1_000_000);
  const pump = (): void => {
    while (!connection.socket.destroyed && connection.send(piece));
  };
  connection.socket.on('drain', pump);
  pump();
  t.match(await proxy.nextEnd(), { status: 200, failure: 'client_gone' });
  await connection.closed;
});

t.test('also when the whole answer has come, and only the caller is missing', async (t) => {
  const { upstream, proxy, client } = await openForwarding(t, { writeStallTimeoutMs: 300 });
  client.send(get);
  const connection = await upstream.accept();
  await connection.readHead();
  client.pause();
  const size = 12_000_000;
  connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
  connection.send(Buffer.alloc(size));
  t.match(await proxy.nextEnd(), { status: 200, failure: 'client_gone' });
  client.discard();
  await client.closed;
});

t.test('a streaming response ends when its identity falls', async (t) => {
  const standings = {
    revoked: 'token_revoked',
    ended: 'session_ended',
    outdated: 'session_ended',
  } as const;
  for (const [standing, reason] of Object.entries(standings)) {
    const { upstream, proxy, client } = await openForwarding(t, { identity: alice });
    client.send(get);
    const connection = await upstream.accept();
    await connection.readHead();
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    await client.readHead();
    t.equal(proxy.live.size, 1);
    t.equal(
      proxy.live.sweep(() => 'live', 1_000_000),
      0,
    );
    t.equal(
      proxy.live.sweep(() => standing as 'revoked', 1_000_000),
      1,
      standing,
    );
    t.match(await proxy.nextEnd(), { status: 200, responded: true, failure: { reason } });
    await Promise.all([client.closed, connection.closed]);
    t.notMatch(client.received, /\r\n0\r\n/);
    t.equal(proxy.live.size, 0);
  }
});

t.test('a request whose answer or upload is awaited ends when its identity falls', async (t) => {
  const standings = {
    revoked: 'token_revoked',
    ended: 'session_ended',
    outdated: 'store_unavailable',
  } as const;
  const upload = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nonly this';
  for (const [standing, reason] of Object.entries(standings))
    for (const bytes of [get, upload]) {
      const { upstream, proxy, client } = await openForwarding(t, { identity: alice });
      client.send(bytes);
      const connection = await upstream.accept();
      await connection.readUntil('\r\n\r\n');
      proxy.live.sweep(() => 'live', alice.expiresAtMs);
      t.equal(proxy.ends.length, 0, 'it is not ended by age');
      proxy.live.sweep(() => standing as 'revoked', 0);
      t.match(await proxy.nextEnd(), { status: 0, responded: false, failure: { reason } });
      await connection.closed;
      const answer = await client.readHead();
      t.notMatch(answer.startLine, /200/);
      t.equal(
        proxy.live.sweep(() => 'revoked', 0),
        0,
        'and is forgotten',
      );
    }
});

t.test('so does one that waits for a connection to the upstream, and a handshake', async (t) => {
  const { upstream, proxy, client } = await openForwarding(t, {
    identity: alice,
    upstream: { connectionsMax: 1 },
  });
  client.send(get);
  await (await upstream.accept()).readHead();
  const second = await connectRaw(proxy.port);
  t.teardown(() => second.socket.destroy());
  second.send(get);
  while (proxy.requestCount < 2) await new Promise(setImmediate);
  t.equal(
    proxy.live.sweep(() => 'revoked', 0),
    2,
  );
  t.match([await proxy.nextEnd(), await proxy.nextEnd()], [{ responded: false }, { responded: false }]);
  t.equal((await second.readMessage()).status, 401);
  const third = await connectRaw(proxy.port);
  t.teardown(() => third.socket.destroy());
  third.send('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const handshake = await upstream.accept();
  await handshake.readHead();
  t.equal(
    proxy.live.sweep(() => 'revoked', 0),
    1,
  );
  t.match(await proxy.nextEnd(), { status: 0, failure: { reason: 'token_revoked' } });
  await handshake.closed;
});

t.test('a streaming response ends when its token expires, and at shutdown', async (t) => {
  for (const end of ['expiry', 'shutdown']) {
    const { upstream, proxy, client } = await openForwarding(t, { identity: alice });
    client.send(get);
    const connection = await upstream.accept();
    await connection.readHead();
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    await client.readHead();
    if (end === 'expiry') proxy.live.sweep(() => 'live', alice.expiresAtMs);
    else proxy.live.endAll();
    await Promise.all([client.closed, connection.closed]);
    const reason = end === 'expiry' ? 'token_expired' : 'shutting_down';
    t.match(await proxy.nextEnd(), { failure: { reason } });
  }
});

t.test('a response that is over, or came at once, is not registered', async (t) => {
  const { upstream, proxy, client } = await openForwarding(t, { identity: alice });
  client.send(get);
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await client.readMessage();
  t.equal(proxy.live.size, 0);
  client.send(get);
  await connection.readHead();
  connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
  await client.readHead();
  t.equal(proxy.live.size, 1, 'while the body is missing it is');
  connection.send('ok');
  await client.readBytes(2);
  await proxy.nextEnd();
  await proxy.nextEnd();
  t.equal(proxy.live.size, 0);
});

t.test('in shadow mode no revocation and no expiry ends a request, a stream or a tunnel', async (t) => {
  const { upstream, proxy, client } = await openForwarding(t, {
    identity: alice,
    rule: { mode: 'shadow', upgrade: false },
  });
  const sweep = (): number => proxy.live.sweep(() => 'revoked', alice.expiresAtMs);
  client.send(get);
  const connection = await upstream.accept();
  await connection.readHead();
  t.equal(sweep(), 0, 'a request');
  connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n');
  await client.readUntil('ab');
  while (proxy.live.size === 0) await new Promise(setImmediate);
  t.equal(sweep(), 0, 'a stream');
  const second = await connectRaw(proxy.port);
  t.teardown(() => second.socket.destroy());
  second.send('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const handshake = await upstream.accept();
  await handshake.readHead();
  t.equal(sweep(), 0, 'a handshake');
  handshake.send('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  t.match((await second.readHead()).startLine, /101/);
  t.equal(sweep(), 0, 'a tunnel');
  t.equal(proxy.live.size, 2);
  proxy.live.endAll();
  await Promise.all([client.closed, second.closed]);
  t.equal(proxy.live.size, 0, 'the shutdown ends them');
});
