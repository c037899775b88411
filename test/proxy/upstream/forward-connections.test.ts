// Connections to the upstream: reuse, their limit, the one safe retry, foreign bytes on them, unix sockets and TLS.

import { once } from 'node:events';
import t, { type Test } from 'tap';
import { watchReads } from '../../support/bytes-read.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { type ForwardingOptions, startForwarding } from '../../support/forwarding.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import { type RawUpstreamOptions, startRawUpstream } from '../../support/raw-upstream.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const setUp = async (t: Test, upstreamOptions: RawUpstreamOptions = {}, options: ForwardingOptions = {}) => {
  const upstream = await startRawUpstream(upstreamOptions);
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream, options);
  t.teardown(() => proxy.close());
  return { upstream, proxy };
};

t.test('one connection serves many callers, one after the other', async (t) => {
  const { upstream, proxy } = await setUp(t, { answer: ok });
  for (let count = 0; count < 10; count += 1) await exchangeRaw(proxy.port, get);
  t.equal(upstream.connections.length, 1);
});

t.test('an upstream that closes after each answer is given a new connection each time', async (t) => {
  const { upstream, proxy } = await setUp(t, {
    serve: async (connection) => {
      await connection.readMessage();
      connection.send('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
      connection.end();
    },
  });
  for (let count = 0; count < 5; count += 1) t.equal((await exchangeRaw(proxy.port, get)).body, 'ok');
  t.equal(upstream.connections.length, 5);
});

t.test('an idle connection is closed after our time, or sooner when the upstream says so', async (t) => {
  const { upstream, proxy } = await setUp(t, { answer: ok }, { upstream: { keepAliveTimeoutMs: 100 } });
  await exchangeRaw(proxy.port, get);
  await upstream.connections[0]!.closed;
  const second = await setUp(t, { answer: ok.replace('\r\n', '\r\nKeep-Alive: timeout=1\r\n') });
  await exchangeRaw(second.proxy.port, get);
  await second.upstream.connections[0]!.closed;
  t.pass('both closed by us');
});

t.test('connectionsMax is kept; a request waits its turn', async (t) => {
  const { upstream, proxy } = await setUp(t, {}, { upstream: { connectionsMax: 1 } });
  const [one, two] = [await connectRaw(proxy.port), await connectRaw(proxy.port)];
  one.send(get);
  const connection = await upstream.accept();
  await connection.readHead();
  two.send('GET /two HTTP/1.1\r\nHost: a\r\n\r\n');
  while (proxy.requestCount < 2) await once(proxy.server, 'request');
  t.same(proxy.forwarder.reading(), { api: { busy: 1, idle: 0, waiting: 1, callersAtShare: 0 } });
  connection.send(ok);
  t.equal((await one.readMessage()).body, 'ok');
  t.match(await connection.readHead(), { startLine: 'GET /two HTTP/1.1' });
  connection.send(ok);
  t.equal((await two.readMessage()).body, 'ok');
  t.equal(upstream.connections.length, 1);
  while (proxy.forwarder.reading()['api']?.busy !== 0) await new Promise(setImmediate);
  t.same(proxy.forwarder.reading(), { api: { busy: 0, idle: 1, waiting: 0, callersAtShare: 0 } });
});

t.test('too many waiting, or waiting too long: 503 overloaded', async (t) => {
  const { upstream, proxy } = await setUp(
    t,
    {},
    { upstream: { connectionsMax: 1, connectTimeoutMs: 1_000 } },
  );
  const clients = await Promise.all([1, 2, 3].map(() => connectRaw(proxy.port)));
  for (const client of clients) {
    const before = proxy.requestCount;
    client.send(get);
    while (proxy.requestCount === before) await once(proxy.server, 'request');
  }
  t.equal((await clients[2]!.readMessage()).status, 503, 'the queue holds as many as there are connections');
  t.equal((await clients[1]!.readMessage()).status, 503, 'and no longer than a connect may take');
  t.match(proxy.ends[0], { failure: { reason: 'overloaded' } });
  const connection = await upstream.accept();
  connection.send(ok);
  t.equal((await clients[0]!.readMessage()).status, 200);
});

t.test(
  'a stale connection: a request that is safe to repeat is repeated once, unseen by the caller',
  async (t) => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PUT']) {
      let served = 0;
      const { upstream, proxy } = await setUp(t, {
        serve: async (connection) => {
          await connection.readMessage();
          served += 1;
          connection.send(ok);
          // The next request meets a server that has just decided to close.
          if (served > 1) return;
          await connection.readHead();
          connection.reset();
        },
      });
      t.equal((await exchangeRaw(proxy.port, get)).status, 200);
      t.equal((await exchangeRaw(proxy.port, `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)).status, 200, method);
      t.equal(upstream.connections.length, 2);
    }
  },
);

t.test('a stale connection: what is not safe to repeat is not', async (t) => {
  const requests = [
    'POST / HTTP/1.1\r\nHost: a\r\n\r\n',
    'PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx',
    'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx',
    'DELETE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  ];
  for (const request of requests) {
    const { upstream, proxy } = await setUp(t, {
      serve: async (connection) => {
        await connection.readMessage();
        connection.send(ok);
        await connection.readHead();
        connection.reset();
      },
    });
    await exchangeRaw(proxy.port, get);
    t.equal((await exchangeRaw(proxy.port, request)).status, 502, request.slice(0, 6));
    t.equal(upstream.connections.length, 1);
  }
});

t.test('a request is repeated once, never on a fresh connection, never after the answer began', async (t) => {
  const fresh = await setUp(t, {
    serve: async (connection) => {
      await connection.readHead();
      connection.reset();
    },
  });
  t.equal((await exchangeRaw(fresh.proxy.port, get)).status, 502);
  t.equal(fresh.upstream.connections.length, 1, 'fresh: not repeated');

  const isRead = watchReads(t);
  const begun = await setUp(t, {
    serve: async (connection) => {
      await connection.readHead();
      connection.send(ok);
      await connection.readHead();
      connection.send('HTTP/1.');
      await isRead(connection);
      connection.reset();
    },
  });
  await exchangeRaw(begun.proxy.port, get);
  t.equal((await exchangeRaw(begun.proxy.port, get)).status, 502);
  t.equal(begun.upstream.connections.length, 1, 'begun: not repeated');

  let isDown = false;
  const down = await setUp(t, {
    serve: async (connection) => {
      await connection.readHead();
      if (isDown) return connection.reset();
      connection.send(ok);
      await connection.readHead();
      isDown = true;
      connection.reset();
    },
  });
  await exchangeRaw(down.proxy.port, get);
  t.equal((await exchangeRaw(down.proxy.port, get)).status, 502);
  t.equal(down.upstream.connections.length, 2, 'repeated once');
});

t.test('of many stale connections one is tried, then a fresh one', async (t) => {
  const isServed = Promise.withResolvers<void>();
  let attempts = 0;
  const { upstream, proxy } = await setUp(t, {
    serve: async (connection) => {
      await connection.readHead();
      await isServed.promise;
      connection.send(ok);
      await connection.readHead();
      attempts += 1;
      connection.reset();
    },
  });
  const clients = await Promise.all(Array.from({ length: 5 }, () => connectRaw(proxy.port)));
  for (const client of clients) client.send(get);
  for (const _ of clients) await upstream.accept();
  isServed.resolve();
  for (const client of clients) t.equal((await client.readMessage()).status, 200);
  t.equal((await exchangeRaw(proxy.port, get)).status, 200);
  t.equal(attempts, 1);
  t.equal(upstream.connections.length, clients.length + 1);
  for (const client of clients) client.socket.destroy();
});

t.test('a restarted upstream: every idle connection is stale, no caller notices', async (t) => {
  const { upstream, proxy } = await setUp(t, { answer: ok });
  const clients = await Promise.all(Array.from({ length: 8 }, () => connectRaw(proxy.port)));
  const ask = () =>
    Promise.all(
      clients.map(async (client) => {
        client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx');
        return (await client.readMessage()).status;
      }),
    );
  await ask();
  for (const connection of upstream.connections) connection.end();
  await Promise.all(upstream.connections.map(({ closed }) => closed));
  t.strictSame(new Set(await ask()), new Set([200]), 'not even of requests that cannot be repeated');
});

t.test('bytes after a response never reach another caller', async (t) => {
  const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
  for (const extra of [
    evil,
    'x',
    '\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    `HTTP/1.1 100 Continue\r\n\r\n${evil}`,
  ]) {
    let count = 0;
    const { proxy } = await setUp(t, { answer: () => (count++ === 0 ? ok + extra : ok) });
    t.equal((await exchangeRaw(proxy.port, get)).body, 'ok');
    t.match(await exchangeRaw(proxy.port, get), { status: 200, body: 'ok' }, JSON.stringify(extra));
  }
  const { upstream, proxy } = await setUp(t, { answer: ok });
  await exchangeRaw(proxy.port, get);
  upstream.connections[0]!.send(evil);
  await upstream.connections[0]!.closed;
  t.match(await exchangeRaw(proxy.port, get), { status: 200, body: 'ok' }, 'sent while idle');
});

t.test('nor the one that waits for just this connection', async (t) => {
  const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
  // In one piece with the response: what comes once the next request is out, nobody could tell from its answer.
  for (const extra of [evil, evil + evil, 'x', '\r\n', `HTTP/1.1 103 Early\r\n\r\n${evil}`]) {
    const isAwaited = Promise.withResolvers<void>();
    let count = 0;
    const { proxy } = await setUp(
      t,
      {
        serve: async (connection) => {
          for (;;) {
            await connection.readMessage();
            await isAwaited.promise;
            connection.send(count++ === 0 ? ok + extra : ok);
          }
        },
      },
      { upstream: { connectionsMax: 1 } },
    );
    const clients = [await connectRaw(proxy.port), await connectRaw(proxy.port)];
    for (const client of clients) client.send(get);
    while (proxy.requestCount < 2) await once(proxy.server, 'request');
    isAwaited.resolve();
    for (const client of clients)
      t.match(await client.readMessage(), { status: 200, body: 'ok' }, JSON.stringify(extra));
    for (const client of clients) client.socket.destroy();
  }
});

t.test('a unix socket', async (t) => {
  const { upstream, proxy } = await setUp(t, { unix: true, answer: ok });
  t.equal((await exchangeRaw(proxy.port, get)).body, 'ok');
  t.equal((await exchangeRaw(proxy.port, get)).body, 'ok');
  t.equal(upstream.connections.length, 1);
});

t.test('https: the certificate is verified, by its signer and by its name', async (t) => {
  const certificates = makeCertificates();
  const { ca, localhost, elsewhere, address } = certificates;
  const tls = localhost;
  const good = await setUp(t, { tls, answer: ok }, { upstream: { ca } });
  t.equal((await exchangeRaw(good.proxy.port, get)).body, 'ok', 'signed by the CA, for this name');
  t.equal((await exchangeRaw(good.proxy.port, get)).body, 'ok');
  t.equal(good.upstream.connections.length, 1, 'and kept alive');
  t.equal(
    (await exchangeRaw(good.proxy.port, 'GET / HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n')).body,
    'ok',
    "whatever the caller's Host says",
  );
  t.equal(good.upstream.connections.length, 1, 'on the same connection');

  const unknown = await setUp(t, { tls, answer: ok });
  t.equal((await exchangeRaw(unknown.proxy.port, get)).status, 502, 'signed by a CA nobody knows');

  const wrongName = await setUp(t, { tls: elsewhere, answer: ok }, { upstream: { ca } });
  t.equal((await exchangeRaw(wrongName.proxy.port, get)).status, 502, 'made for another name');
  t.equal(
    (await exchangeRaw(wrongName.proxy.port, 'GET / HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n')).status,
    502,
    "which the caller's Host cannot excuse",
  );
  t.equal(wrongName.upstream.requests.length, 0, 'no request was sent');

  const byAddress = await startRawUpstream({ tls: address, answer: ok });
  t.teardown(() => byAddress.close());
  const origin = `https://127.0.0.1:${byAddress.port}`;
  const proxy = await startForwarding({ origin }, { upstream: { ca } });
  t.teardown(() => proxy.close());
  t.equal((await exchangeRaw(proxy.port, get)).body, 'ok', 'an address in the certificate');
  const nameOnly = await startRawUpstream({ tls: localhost, answer: ok });
  t.teardown(() => nameOnly.close());
  const refusing = await startForwarding(
    { origin: `https://127.0.0.1:${nameOnly.port}` },
    { upstream: { ca } },
  );
  t.teardown(() => refusing.close());
  t.equal((await exchangeRaw(refusing.port, get)).status, 502, 'an address that is not in it');
});

t.test('an upstream that does not speak TLS: 502', async (t) => {
  const plain = await startRawUpstream({ serve: async (connection) => void connection.send(ok) });
  t.teardown(() => plain.close());
  const proxy = await startForwarding({ origin: `https://localhost:${plain.port}` });
  t.teardown(() => proxy.close());
  t.equal((await exchangeRaw(proxy.port, get)).status, 502);
});
