// What the caller receives: statuses, headers, framing, interim responses, trailers; and what of an upstream's answer is
// refused instead of passed on.

import { request as httpRequest } from 'node:http';
import t, { type Test } from 'tap';
import { startForwarding } from '../../support/forwarding.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import { startRawUpstream } from '../../support/raw-upstream.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const setUp = async (t: Test, answer: string) => {
  const upstream = await startRawUpstream({ answer });
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  return { upstream, proxy };
};

t.test('headers come back in order, spelling and number, hop-by-hop ones removed', async (t) => {
  const { proxy } = await setUp(
    t,
    'HTTP/1.1 200 Fine\r\nServer: legacy/1\r\nset-COOKIE: a=1\r\nSet-Cookie: b=2\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n' +
      'Connection: keep-alive, X-Hop, Date, Content-Length\r\nX-Hop: gone\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\nUpgrade: h2c\r\n' +
      'TE: trailers\r\nX-Latin: \u00e9\u00ff\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok',
  );
  const answer = await exchangeRaw(proxy.port, get);
  t.equal(answer.startLine, 'HTTP/1.1 200 Fine');
  t.strictSame(answer.headers.slice(0, -2), [
    ['Server', 'legacy/1'],
    ['set-COOKIE', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['Date', 'Mon, 01 Jan 2024 00:00:00 GMT'],
    ['X-Latin', '\u00e9\u00ff'],
    ['X-Empty', ''],
    ['Content-Length', '2'],
    ['X-Request-Id', 'request-1'],
  ]);
  t.strictSame(answer.headers.at(-2), ['Connection', 'keep-alive'], 'ours');
  t.equal(answer.all('connection').length, 1);
});

t.test('a field that Connection alone names goes no further, however short its name', async (t) => {
  for (const options of ['X-A', 'close, X-A', 'x-a', 'CLOSE,X-A']) {
    const { proxy } = await setUp(
      t,
      `HTTP/1.1 200 OK\r\nConnection: ${options}\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 0\r\n\r\n`,
    );
    const answer = await exchangeRaw(proxy.port, get);
    t.equal(answer.header('x-a'), undefined, options);
    t.equal(answer.header('x-b'), '2');
  }
});

t.test("an API's own X-Request-Id is what the caller sees", async (t) => {
  const { proxy } = await setUp(
    t,
    'HTTP/1.1 200 OK\r\nx-request-ID: of-the-api\r\nContent-Length: 0\r\n\r\n',
  );
  t.strictSame((await exchangeRaw(proxy.port, get)).all('x-request-id'), ['of-the-api']);
});

t.test('a redirect passes through unfollowed', async (t) => {
  const { upstream, proxy } = await setUp(
    t,
    'HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n',
  );
  const answer = await exchangeRaw(proxy.port, get);
  t.equal(answer.status, 307);
  t.equal(answer.header('location'), 'http://127.0.0.1:1/elsewhere');
  t.equal(upstream.requests.length, 1);
});

t.test('a range passes through', async (t) => {
  const { upstream, proxy } = await setUp(
    t,
    'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-2/5\r\nContent-Length: 2\r\n\r\nel',
  );
  const answer = await exchangeRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n\r\n');
  t.match(answer, { status: 206, body: 'el' });
  t.equal(answer.header('content-range'), 'bytes 1-2/5');
  t.equal(upstream.requests[0]?.header('range'), 'bytes=1-2');
});

t.test('HEAD: the length is told, no body is sent, and the connection goes on', async (t) => {
  const { proxy } = await setUp(t, 'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n');
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  for (let count = 0; count < 2; count += 1) {
    client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await client.readMessage({ bodiless: true });
    t.equal(answer.header('content-length'), '999');
  }
  t.equal(client.unread, '');
});

t.test('HEAD: a body sent all the same never reaches a caller', async (t) => {
  const { proxy } = await setUp(t, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal((await client.readMessage({ bodiless: true })).status, 200);
  client.send(get);
  t.equal((await client.readMessage()).body, 'evil', 'the second is its own answer');
  t.equal(client.unread, '');
});

t.test('204 with a body: the caller sees none and no length', async (t) => {
  const { proxy } = await setUp(t, 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil');
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  for (let count = 0; count < 2; count += 1) {
    client.send(get);
    const answer = await client.readMessage();
    t.equal(answer.status, 204);
    t.equal(answer.header('content-length'), undefined, 'RFC 9110 section 8.6');
    t.equal(answer.header('transfer-encoding'), undefined);
  }
  t.equal(client.unread, '');
});

t.test('304 with Content-Length keeps it and has no body', async (t) => {
  const { proxy } = await setUp(t, 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 500\r\n\r\n');
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  for (let count = 0; count < 2; count += 1) {
    client.send(get);
    const answer = await client.readMessage();
    t.equal(answer.status, 304);
    t.equal(answer.header('content-length'), '500');
  }
  t.equal(client.unread, '');
});

t.test('a chunked answer stays chunked, with its trailers', async (t) => {
  const { proxy } = await setUp(
    t,
    'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\nSet-Cookie: x\r\nCache-Control: x\r\n\r\n',
  );
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  for (let count = 0; count < 2; count += 1) {
    client.send(get);
    const answer = await client.readMessage();
    t.match(answer, { status: 200, framing: 'chunked', body: 'hello' });
    t.equal(answer.header('trailer'), 'X-Sum');
    t.strictSame(answer.trailers, [['X-Sum', '42']], 'fields that frame or route a message are not trailers');
  }
});

t.test('Trailer goes only where trailers can, and is no reason to refuse an answer', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (const [request, answer] of [
    ['HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', head],
    [get, head.replace('200 OK', '304 Not Modified')],
    ['GET / HTTP/1.0\r\nHost: a\r\n\r\n', `${head}5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n`],
  ] as const) {
    const { proxy } = await setUp(t, answer);
    const received = await exchangeRaw(proxy.port, request);
    t.equal(received.status, answer.includes('304') ? 304 : 200, request);
    t.equal(received.header('trailer'), undefined);
  }
});

t.test('an HTTP/1.0 upstream whose body ends with its connection arrives whole', async (t) => {
  const upstream = await startRawUpstream({
    serve: async (connection) => {
      await connection.readHead();
      connection.send('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold but ');
      connection.send('gold');
      connection.end();
    },
  });
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  const answer = await exchangeRaw(proxy.port, get);
  t.match(answer, { status: 200, framing: 'chunked', body: 'old but gold' });
});

t.test('an HTTP/1.0 caller gets no chunks, no interim response, and the end of the connection', async (t) => {
  const { proxy } = await setUp(
    t,
    'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
  );
  const answer = await exchangeRaw(proxy.port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n');
  t.match(answer, { status: 200, framing: 'close', body: 'hello' });
});

t.test('100 is swallowed, 103 is passed on, then comes the answer', async (t) => {
  const { proxy } = await setUp(
    t,
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nLink: </b>\r\nKeep-Alive: x\r\n\r\n' +
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  );
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send(get);
  const hints = await client.readMessage();
  t.equal(hints.status, 103);
  t.strictSame(hints.headers, [
    ['Link', '</a>; rel=preload'],
    ['Link', '</b>'],
  ]);
  t.equal((await client.readMessage()).status, 102);
  t.match(await client.readMessage(), { status: 200, body: 'ok' });
});

t.test('a 100 that comes byte by byte is swallowed too', async (t) => {
  const upstream = await startRawUpstream({
    serve: async (connection) => {
      await connection.readMessage();
      for (const byte of 'HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n') {
        connection.send(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      connection.send('ok');
    },
  });
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  const answer = await exchangeRaw(proxy.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx');
  t.match(answer, { status: 200, body: 'ok' });
});

t.test('a body that looks like 100 Continue is a body', async (t) => {
  const fake = 'HTTP/1.1 100 Continue\r\n\r\n';
  const upstream = await startRawUpstream({
    serve: async (connection) => {
      await connection.readMessage();
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${fake.length * 2}\r\n\r\n`);
      for (let count = 0; count < 2; count += 1) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        connection.send(fake);
      }
    },
  });
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  t.equal((await exchangeRaw(proxy.port, get)).body, fake + fake);
});

t.test('interim responses without end are cut short', async (t) => {
  const { proxy } = await setUp(t, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(200));
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send(get);
  await client.readUntil('HTTP/1.1 502');
  t.match(await proxy.nextEnd(), { failure: { reason: 'upstream_invalid' }, responded: false });
});

const refused: Readonly<Record<string, string>> = {
  'an unsolicited 101':
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'a 101 that names no protocol': 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'status 000': 'HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n',
  'status 099': 'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n',
  'status 999': 'HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n',
  'status 600': 'HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
  'a control character in the reason': 'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n',
  'DEL in the reason': 'HTTP/1.1 200 O\x7fK\r\nContent-Length: 0\r\n\r\n',
  'a control character in a header': 'HTTP/1.1 200 OK\r\nX-Bad: a\x01b\r\nContent-Length: 0\r\n\r\n',
  'a space before a colon': 'HTTP/1.1 200 OK\r\nX-Bad : a\r\nContent-Length: 0\r\n\r\n',
  'a folded line before the first header': 'HTTP/1.1 200 OK\r\n X-Bad: a\r\nContent-Length: 0\r\n\r\n',
  'headers of 65 KB': `HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(65_536)}\r\nContent-Length: 0\r\n\r\n`,
  'a reason phrase of 65 KB': `HTTP/1.1 200 ${'x'.repeat(65_536)}\r\nContent-Length: 0\r\n\r\n`,
  'Transfer-Encoding with Content-Length':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
  'Content-Length with Transfer-Encoding':
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two different Content-Lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!',
  'two equal Content-Lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok',
  'a list of Content-Lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok',
  'a negative Content-Length': 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok',
  'an endless Content-Length': `HTTP/1.1 200 OK\r\nContent-Length: ${'9'.repeat(30)}\r\n\r\nok`,
  'a coding other than chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'chunked twice': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n',
  garbage: 'SSH-2.0-OpenSSH_9.7\r\n\r\n',
  'an HTTP/2 preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'binary garbage': '\x16\x03\x01\x00\xff\x00\x00\r\n\r\n',
};

t.test('an answer that is none becomes 502, and the next one is served', async (t) => {
  let answer = '';
  const upstream = await startRawUpstream({ answer: () => answer });
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  for (const [name, bytes] of Object.entries(refused)) {
    answer = bytes;
    t.equal((await exchangeRaw(proxy.port, get)).status, 502, name);
    t.match(await proxy.nextEnd(), { status: 0, responded: false, failure: { reason: 'upstream_invalid' } });
    answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    t.match(await exchangeRaw(proxy.port, get), { status: 200, body: 'ok' }, `after ${name}`);
    t.match(await proxy.nextEnd(), { status: 200, failure: undefined });
  }
  t.equal(proxy.bugs.length, 0);
});

t.test('a reason phrase outside ASCII goes through byte for byte', async (t) => {
  const utf8 = Buffer.from('Gr\u00fcn').toString('latin1');
  const { proxy } = await setUp(t, `HTTP/1.1 200 ${utf8}\r\nContent-Length: 0\r\n\r\n`);
  t.equal((await exchangeRaw(proxy.port, get)).startLine, `HTTP/1.1 200 ${utf8}`);
  const second = await setUp(t, 'HTTP/1.1 404 \u00ff\u00fe\r\nContent-Length: 0\r\n\r\n');
  t.equal((await exchangeRaw(second.proxy.port, get)).startLine, 'HTTP/1.1 404 \u00ff\u00fe');
  const third = await setUp(t, 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n');
  t.equal((await exchangeRaw(third.proxy.port, get)).startLine, 'HTTP/1.1 200 ');
});

t.test('a head without a body yet is sent on at once', async (t) => {
  const upstream = await startRawUpstream();
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send(get);
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
  t.equal((await client.readHead()).header('content-type'), 'text/event-stream');
  connection.send('9\r\ndata: 1\n\n\r\n');
  await client.readUntil('data: 1\n\n');
  connection.send('0\r\n\r\n');
  await client.readUntil('\r\n0\r\n\r\n');
});

t.test('a real HTTP client over one connection sees keep-alive on both sides', async (t) => {
  const { upstream, proxy } = await setUp(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  for (let count = 0; count < 5; count += 1) {
    client.send(get);
    await client.readMessage();
  }
  t.equal(upstream.connections.length, 1);
  t.equal(upstream.requests.length, 5);
  const body = await new Promise((resolve) => {
    httpRequest({ port: proxy.port }, (response) => response.setEncoding('utf8').on('data', resolve)).end();
  });
  t.equal(body, 'ok');
});

t.test('every byte of a small body arrives as it was, and an empty one stays empty', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at)).toString('latin1');
  const { proxy } = await setUp(t, `HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n${bytes}`);
  t.equal((await exchangeRaw(proxy.port, get)).body, bytes);
  const large = 'x'.repeat(20_000) + bytes;
  const second = await setUp(t, `HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n${large}`);
  t.equal((await exchangeRaw(second.proxy.port, get)).body, large);
  const third = await setUp(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  t.match(await exchangeRaw(third.proxy.port, get), { framing: 'content-length', body: '' });
});

t.test('an answer pipelined behind a slow one waits for it, longer than a caller may stall', async (t) => {
  const upstream = await startRawUpstream();
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream, { writeStallTimeoutMs: 50 });
  t.teardown(() => proxy.close());
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /fast HTTP/1.1\r\nHost: a\r\n\r\n');
  const [slow, fast] = [await upstream.accept(), await upstream.accept()];
  await fast.readHead();
  fast.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfast');
  await new Promise((resolve) => setTimeout(resolve, 200));
  slow.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow');
  t.equal((await client.readMessage()).body, 'slow');
  t.equal((await client.readMessage()).body, 'fast');
});
