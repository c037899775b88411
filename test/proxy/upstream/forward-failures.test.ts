// What becomes of a request when its upstream fails, and what becomes of the upstream's work when its caller leaves.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import t from 'tap';
import type { ForwardEnd } from '../../../src/proxy/upstream/exchange.ts';
import { watchReads } from '../../support/bytes-read.ts';
import { openForwarding, startForwarding } from '../../support/forwarding.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const failedWith = (end: ForwardEnd, reason: string): boolean =>
  typeof end.failure === 'object' && end.failure.reason === reason;

t.test('refused: 502', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  const proxy = await startForwarding({ origin: `http://127.0.0.1:${port}` });
  t.teardown(() => proxy.close());
  t.equal((await exchangeRaw(proxy.port, get)).status, 502);
  t.ok(failedWith(await proxy.nextEnd(), 'upstream_unreachable'));
});

t.test('no such name: 502', async (t) => {
  const proxy = await startForwarding({ origin: 'http://upstream.invalid:80' });
  t.teardown(() => proxy.close());
  t.equal((await exchangeRaw(proxy.port, get)).status, 502);
});

t.test('a missing unix socket: 502', async (t) => {
  const proxy = await startForwarding({
    origin: 'http://localhost',
    socketPath: '/tmp/tg-nothing-here.sock',
  });
  t.teardown(() => proxy.close());
  t.equal((await exchangeRaw(proxy.port, get)).status, 502);
});

for (const how of ['reset', 'end'] as const) {
  const name = how === 'reset' ? 'reset' : 'FIN';
  t.test(`${name} before the response: 502`, async (t) => {
    const { upstream, proxy, client } = await openForwarding(t);
    client.send(get);
    const connection = await upstream.accept();
    await connection.readHead();
    connection[how]();
    t.equal((await client.readMessage()).status, 502);
    t.ok(failedWith(await proxy.nextEnd(), 'upstream_unreachable'));
  });

  t.test(`${name} in the middle of the head: 502`, async (t) => {
    const isRead = watchReads(t);
    const { upstream, proxy, client } = await openForwarding(t);
    client.send(get);
    const connection = await upstream.accept();
    await connection.readHead();
    connection.send('HTTP/1.1 200 OK\r\nX-Ha');
    await isRead(connection);
    connection[how]();
    t.equal((await client.readMessage()).status, 502);
    t.ok(failedWith(await proxy.nextEnd(), 'upstream_invalid'));
  });

  for (const framing of ['Content-Length: 100', 'Transfer-Encoding: chunked'])
    t.test(`${name} in the middle of a body (${framing}): the caller's socket is destroyed`, async (t) => {
      const { upstream, proxy, client } = await openForwarding(t);
      client.send(get);
      const connection = await upstream.accept();
      await connection.readHead();
      connection.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nhello`);
      await client.readUntil('hello');
      connection[how]();
      await client.closed;
      t.notMatch(client.received, /\r\n0\r\n/, 'no clean end');
      const end = await proxy.nextEnd();
      t.match(end, { status: 200, responded: true });
      t.ok(typeof end.failure === 'object');
    });
}

t.test('an HTTP/1.0 caller sees a reset, not an end, when the body breaks off', async (t) => {
  const { upstream, client } = await openForwarding(t);
  client.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  await client.readUntil('hello');
  connection.reset();
  t.equal(await client.closed, 'reset');
});

t.test('a broken chunk in the body breaks the connection', async (t) => {
  const { upstream, client } = await openForwarding(t);
  client.send(get);
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  await client.readUntil('hello');
  connection.send('zz\r\n');
  await client.closed;
  t.notMatch(client.received, /\r\n0\r\n/);
});

t.test(
  'a hang, and a hang in the middle of the head: 504, and the upstream socket is destroyed',
  async (t) => {
    const { upstream, proxy, client } = await openForwarding(t, { rule: { responseTimeoutMs: 300 } });
    const other = await connectRaw(proxy.port);
    t.teardown(() => other.socket.destroy());
    client.send(get);
    const silent = await upstream.accept();
    other.send(get);
    const slow = await upstream.accept();
    slow.send('HTTP/1.1 200 OK\r\nX-Half');
    const drip = setInterval(() => slow.send('x'), 100);
    t.teardown(() => clearInterval(drip));
    t.equal((await client.readMessage()).status, 504);
    await silent.closed;
    t.equal((await other.readMessage()).status, 504, 'bytes of a head that never ends do not prolong it');
    await slow.closed;
    t.ok(failedWith(await proxy.nextEnd(), 'upstream_timeout'));
  },
);

t.test('an upload the upstream does not read: 504', async (t) => {
  const { upstream, client } = await openForwarding(t, {
    rule: { responseTimeoutMs: 300, requestBodyBytesMax: 100_000_000 },
  });
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
  const upload = Buffer.alloc(1_000_000);
  const pump = (): void => {
    while (!client.socket.destroyed && client.send(upload));
  };
  client.socket.on('drain', pump);
  pump();
  const connection = await upstream.accept();
  connection.pause();
  t.equal((await client.readMessage()).status, 504);
});

t.test('a connect that hangs: 504', async (t) => {
  // A stopped process with a full backlog: the kernel neither accepts nor refuses.
  const listening = `net.createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    console.log(this.address().port);
  })`;
  const child = spawn(process.execPath, ['-e', listening], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  const port = Number(String(line));
  child.kill('SIGSTOP');
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  t.teardown(() => fillers.forEach((socket) => socket.destroy()));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const origin = `http://127.0.0.1:${port}`;
  const proxy = await startForwarding({ origin }, { upstream: { connectTimeoutMs: 300 } });
  t.teardown(() => proxy.close());
  t.equal((await exchangeRaw(proxy.port, get)).status, 504);
  t.ok(failedWith(await proxy.nextEnd(), 'upstream_timeout'));
});

t.test('a body that falls silent: the connection breaks', async (t) => {
  const { upstream, proxy, client } = await openForwarding(t, { upstream: { bodyIdleTimeoutMs: 300 } });
  client.send(get);
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello');
  await client.readUntil('hello');
  await client.closed;
  await connection.closed;
  t.match(await proxy.nextEnd(), { status: 200, responded: true, failure: { reason: 'upstream_timeout' } });
});

t.test('a caller that leaves stops the work upstream', async (t) => {
  await t.test('while the upstream hangs', async (t) => {
    const { upstream, proxy, client } = await openForwarding(t);
    client.send(get);
    const connection = await upstream.accept();
    await connection.readHead();
    client.reset();
    await connection.closed;
    t.match(await proxy.nextEnd(), { status: 0, failure: 'client_gone' });
  });
  await t.test('with a FIN, too', async (t) => {
    const { upstream, proxy, client } = await openForwarding(t);
    client.send(get);
    const connection = await upstream.accept();
    await connection.readHead();
    client.end();
    await connection.closed;
    t.match(await proxy.nextEnd(), { status: 0, failure: 'client_gone' });
  });
  await t.test('during its upload', async (t) => {
    const { upstream, proxy, client } = await openForwarding(t);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello');
    const connection = await upstream.accept();
    await connection.readUntil('hello');
    client.reset();
    await connection.closed;
    t.match(await proxy.nextEnd(), { status: 0, failure: 'client_gone' });
  });
  await t.test('during its download', async (t) => {
    const { upstream, proxy, client } = await openForwarding(t);
    client.send(get);
    const connection = await upstream.accept();
    await connection.readHead();
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await client.readUntil('hello');
    client.reset();
    await connection.closed;
    t.match(await proxy.nextEnd(), { status: 200, failure: 'client_gone', responded: true });
    t.equal(proxy.live.size, 0);
  });
  await t.test('before its turn in the queue', async (t) => {
    const { upstream, proxy, client } = await openForwarding(t, { upstream: { connectionsMax: 1 } });
    client.send(get);
    const connection = await upstream.accept();
    const second = await connectRaw(proxy.port);
    second.send('GET /second HTTP/1.1\r\nHost: a\r\n\r\n');
    while (proxy.requestCount < 2) await once(proxy.server, 'request');
    second.reset();
    t.match(await proxy.nextEnd(), { failure: 'client_gone' });
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    t.equal((await client.readMessage()).body, 'ok');
    t.notMatch(connection.received, /second/);
  });
});

t.test('it stops within a second, whether the caller is reset or says goodbye', async (t) => {
  const upload = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello';
  const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n';
  const handshake = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  for (const [phase, request, reply] of [
    ['while the upstream hangs', get, ''],
    ['during its upload', upload, ''],
    ['during its download', get, answer],
    ['while its handshake hangs', handshake, ''],
  ] as const)
    for (const how of ['reset', 'end'] as const) {
      let fastestMs = Infinity;
      // The best of a few: a busy machine may hold up any one of them.
      for (let round = 0; round < 5 && fastestMs >= 1_000; round += 1) {
        const { upstream, client } = await openForwarding(t);
        client.send(request);
        const connection = await upstream.accept();
        await connection.readHead();
        connection.send(reply);
        if (reply !== '') await client.readUntil('hello');
        const startMs = performance.now();
        client[how]();
        await connection.closed;
        fastestMs = Math.min(fastestMs, performance.now() - startMs);
      }
      t.ok(fastestMs < 1_000, `${phase}, by ${how}: ${Math.round(fastestMs)} ms`);
    }
});

t.test('close ends what is under way: those who wait are answered, begun responses break', async (t) => {
  const { upstream, proxy, client } = await openForwarding(t, { upstream: { connectionsMax: 2 } });
  const [begun, waiting] = [await connectRaw(proxy.port), await connectRaw(proxy.port)];
  client.send(get);
  await (await upstream.accept()).readHead();
  begun.send(get);
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
  await begun.readUntil('hello');
  waiting.send(get);
  while (proxy.requestCount < 3) await once(proxy.server, 'request');
  await proxy.forwarder.close();
  t.equal((await waiting.readMessage()).status, 503);
  t.equal((await client.readMessage()).status, 503);
  await begun.closed;
  t.equal((await exchangeRaw(proxy.port, get)).status, 503, 'and later ones are answered, too');
});
