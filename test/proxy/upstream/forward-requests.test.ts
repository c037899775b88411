// What the upstream receives: targets byte for byte, headers as given, bodies in one framing.

import { once } from 'node:events';
import t, { type Test } from 'tap';
import { startForwarding } from '../../support/forwarding.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import { startRawUpstream } from '../../support/raw-upstream.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const setUp = async (t: Test, options: Parameters<typeof startForwarding>[1] = {}) => {
  const upstream = await startRawUpstream({ answer: ok });
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream, options);
  t.teardown(() => proxy.close());
  return { upstream, proxy };
};

t.test('a target reaches the upstream byte for byte', async (t) => {
  const targets = [
    '/things?filter=(name==a;b==c)',
    '/things?&leading=1',
    '/a//b///c?x=//y',
    '/urn%3Avcloud%3Atoken%3A1/',
    '/a/./b/../c',
    '/%2e%2e/%2F%61?%00',
    '/!$&\'()*+,;=:@~-._?q={}|^`[]"<>\\',
    '/trailing/?',
    '/http://elsewhere/',
  ];
  const { upstream, proxy } = await setUp(t);
  for (const target of targets) {
    const answer = await exchangeRaw(proxy.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    t.equal(answer.status, 200, target);
    t.equal(upstream.requests.at(-1)?.startLine, `GET ${target} HTTP/1.1`);
  }
});

t.test(
  'headers arrive as given, in order, spelling, number and Latin-1 bytes; nothing of our own but Connection',
  async (t) => {
    const { upstream, proxy } = await setUp(t, {
      headers: ['X-Identity', 'ours', 'x-IDENTITY-user', 'u\u00fc'],
    });
    await exchangeRaw(
      proxy.port,
      'GET / HTTP/1.1\r\nX-First: 1\r\nHost: api.example:81\r\naccept: a\r\nACCEPT: b\r\nX-Latin: \u00e9\u00ff\r\nX-Empty:\r\n\r\n',
    );
    t.strictSame(upstream.requests[0]?.headers, [
      ['X-First', '1'],
      ['Host', 'api.example:81'],
      ['accept', 'a'],
      ['ACCEPT', 'b'],
      ['X-Latin', '\u00e9\u00ff'],
      ['X-Empty', ''],
      ['X-Identity', 'ours'],
      ['x-IDENTITY-user', 'u\u00fc'],
      ['connection', 'keep-alive'],
    ]);
  },
);

t.test('a body of known length is sent with that length', async (t) => {
  const { upstream, proxy } = await setUp(t);
  for (const method of ['POST', 'PUT', 'PATCH', 'GET', 'DELETE', 'OPTIONS']) {
    await exchangeRaw(proxy.port, `${method} /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`);
    const request = upstream.requests.at(-1);
    t.equal(request?.startLine, `${method} /x HTTP/1.1`);
    t.equal(request?.framing, 'content-length', method);
    t.equal(request?.body, 'hello');
  }
});

t.test('a JSON body {} on a GET is forwarded', async (t) => {
  const { upstream, proxy } = await setUp(t);
  await exchangeRaw(
    proxy.port,
    'GET /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  );
  t.equal(upstream.requests[0]?.body, '{}');
});

t.test('a request without a body stays one', async (t) => {
  const { upstream, proxy } = await setUp(t);
  await exchangeRaw(proxy.port, 'POST /csp HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal(upstream.requests[0]?.header('transfer-encoding'), undefined);
  t.equal(upstream.requests[0]?.header('content-length'), '0', 'RFC 9110 section 8.6: a POST says so');
  await exchangeRaw(proxy.port, 'POST /csp HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  t.equal(upstream.requests[1]?.header('content-length'), '0');
  await exchangeRaw(proxy.port, 'DELETE /csp HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal(upstream.requests[2]?.framing, 'none');
  await exchangeRaw(
    proxy.port,
    'GET /csp HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  );
  t.equal(upstream.requests[3]?.framing, 'none');
});

t.test(
  'CVE-2026-29057: a chunked DELETE or OPTIONS with a second request in its body reaches the upstream as one request',
  async (t) => {
    const { upstream, proxy } = await setUp(t);
    const inner = 'GET /admin HTTP/1.1\r\nHost: a\r\nX-Identity: forged\r\n\r\n';
    for (const method of ['DELETE', 'OPTIONS', 'GET', 'POST']) {
      const before = upstream.requests.length;
      const client = await connectRaw(proxy.port);
      t.teardown(() => client.socket.destroy());
      client.send(`${method} /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
      client.send(`${inner.length.toString(16)}\r\n${inner}\r\n`);
      await new Promise((resolve) => setImmediate(resolve));
      client.send('0\r\n\r\n');
      t.equal((await client.readMessage()).status, 200);
      t.equal(upstream.requests.length, before + 1, method);
      t.equal(upstream.requests.at(-1)?.body, inner);
    }
  },
);

t.test('a chunked body streams: its first chunk is at the upstream before the last is sent', async (t) => {
  const upstream = await startRawUpstream();
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n');
  const connection = await upstream.accept();
  t.match(await connection.readUntil('one'), /transfer-encoding: chunked\r\n\r\n3\r\none$/);
  client.send('3\r\ntwo\r\n0\r\nX-Identity: forged-in-a-trailer\r\n\r\n');
  t.match(await connection.readUntil('0\r\n\r\n'), /3\r\ntwo\r\n0\r\n\r\n$/);
  connection.send(ok);
  t.equal((await client.readMessage()).body, 'ok');
  t.notMatch(connection.received, /forged/, 'trailers of requests go no further');
});

t.test(
  'a body over the route limit is refused: at once when its length says so, else when it gets there',
  async (t) => {
    const upstream = await startRawUpstream();
    t.teardown(() => upstream.close());
    const proxy = await startForwarding(upstream, { rule: { requestBodyBytesMax: 10 } });
    t.teardown(() => proxy.close());
    const announced = await exchangeRaw(
      proxy.port,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n',
    );
    t.equal(announced.status, 413);
    t.equal(upstream.connections.length, 0);
    t.match(await proxy.nextEnd(), { status: 0, responded: false, failure: { reason: 'request_too_large' } });

    const client = await connectRaw(proxy.port);
    t.teardown(() => client.socket.destroy());
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsixsix\r\n');
    const connection = await upstream.accept();
    await connection.readUntil('sixsix');
    client.send('5\r\nfives\r\n');
    t.equal((await client.readMessage()).status, 413);
    await connection.closed;
    t.notMatch(connection.received, /0\r\n\r\n$/, 'the upstream does not take it for a whole request');
    client.send('0\r\n\r\n');
  },
);

t.test('a body over the limit after the response began breaks the response', async (t) => {
  const upstream = await startRawUpstream();
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream, { rule: { requestBodyBytesMax: 10 } });
  t.teardown(() => proxy.close());
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsixsix\r\n');
  const connection = await upstream.accept();
  await connection.readUntil('sixsix');
  connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\necho\r\n');
  await client.readUntil('echo');
  client.send('6\r\nsixsix\r\n');
  await client.closed;
  t.notMatch(client.received, /\r\n0\r\n\r\n$/);
});

t.test('an upstream that answers before the upload ends is heard, and the connection lives on', async (t) => {
  const upstream = await startRawUpstream();
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send('POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nfirst');
  const connection = await upstream.accept();
  await connection.readUntil('first');
  connection.send('HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\nno');
  t.equal((await client.readMessage()).status, 422);
  client.send('x'.repeat(100_000 - 5));
  client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
  const next = await upstream.accept();
  t.match(await next.readHead(), { startLine: 'GET /next HTTP/1.1' });
  next.send(ok);
  t.equal((await client.readMessage()).body, 'ok');
});

t.test('when the upstream fails during an upload, the caller reads why', async (t) => {
  const upstream = await startRawUpstream();
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send('POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nfirst');
  const connection = await upstream.accept();
  await connection.readUntil('first');
  connection.reset();
  t.equal((await client.readMessage()).status, 502);
  client.send('x'.repeat(100_000 - 5));
  t.match(await proxy.nextEnd(), { failure: { reason: 'upstream_unreachable' }, responded: false });
});

t.test('pipelined requests are answered in order', async (t) => {
  const { upstream, proxy } = await setUp(t);
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send(
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  for (let count = 0; count < 3; count += 1) t.equal((await client.readMessage()).body, 'ok');
  t.equal(upstream.requests.length, 3);
});

t.test('a permit that authorize did not make is a bug', async (t) => {
  const { proxy } = await setUp(t);
  const forged = { rule: { upstream: 'api' }, identity: undefined, target: '/' };
  proxy.server.removeAllListeners('request');
  proxy.server.on('request', (request, response) => {
    t.throws(
      () =>
        proxy.forwarder.forward(
          {
            permit: forged as never,
            request,
            response,
            headers: [],
            framing: 'none',
            expectsContinue: false,
            requestId: 'request-1',
            answerPairs: [],
            addressBlock: '127.0.0.1',
          },
          () => undefined,
        ),
      /permit made by authorize/,
    );
    response.end();
  });
  const done = once(proxy.server, 'request');
  await exchangeRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await done;
});

t.test('a header that cannot be sent is reported as a bug and answered', async (t) => {
  const { proxy } = await setUp(t, { headers: ['Transfer-Encoding', 'chunked'] });
  const answer = await exchangeRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal(answer.status, 502);
  t.equal(proxy.bugs.length, 1);
});
