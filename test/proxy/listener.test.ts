import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { makeCertificates } from '../support/certificates.ts';
import { type Edge, type EdgeOptions, startEdge } from '../support/edge.ts';
import { connectRaw, exchangeRaw } from '../support/raw-client.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const setScene = async (
  t: Test,
  options: EdgeOptions = {},
): Promise<{ readonly edge: Edge; readonly upstream: RawUpstream }> => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  return { edge, upstream };
};

const good = 'Authorization: Bearer good\r\n';

t.test('every bound of the settings is set', async (t) => {
  const { edge } = await setScene(t, {
    limits: {
      connectionsMax: 17,
      headersTimeoutMs: 4_000,
      requestTimeoutMs: 9_000,
      keepAliveTimeoutMs: 3_000,
    },
  });
  t.match(edge.listener, {
    maxConnections: 17,
    headersTimeout: 4_000,
    requestTimeout: 9_000,
    keepAliveTimeout: 3_000,
    maxHeadersCount: 0,
    timeout: 0,
  });
});

t.test('headers that trickle in are 408, and the connection ends', async (t) => {
  const { edge, upstream } = await setScene(t, { limits: { headersTimeoutMs: 200, requestTimeoutMs: 400 } });
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send('GET /things/7 HTTP/1.1\r\nHost: api\r\nX-Slow:');
  const answer = await client.readMessage();
  t.equal(answer.status, 408);
  t.equal(await client.closed, 'end');
  t.match(await edge.nextOutcome(), { route: '(invalid)', status: 408, reason: 'request_timeout' });
  t.equal(upstream.connections.length, 0);
});

t.test('a body that trickles in is 408 with one outcome, and the upstream is let go', async (t) => {
  // Time enough for the headers, which come at once, to be read on a busy machine.
  const { edge, upstream } = await setScene(t, {
    limits: { headersTimeoutMs: 1_500, requestTimeoutMs: 1_500 },
  });
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send(`POST /things/7 HTTP/1.1\r\nHost: api\r\n${good}Content-Length: 10\r\n\r\nhell`);
  t.equal((await client.readMessage()).status, 408);
  t.match(await edge.nextOutcome(), { route: 'things', status: 408, reason: 'request_timeout' });
  await upstream.connections[0]?.closed;
  t.equal(edge.outcomes.length, 1);
});

t.test('an idle connection is closed', async (t) => {
  const { edge } = await setScene(t, { limits: { keepAliveTimeoutMs: 50 } });
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}\r\n`);
  t.equal((await client.readMessage()).status, 200);
  t.equal(await client.closed, 'end');
});

t.test('connections beyond the bound are dropped, and the others served on', async (t) => {
  const { edge } = await setScene(t, { limits: { connectionsMax: 2 } });
  const kept = [await connectRaw(edge.port), await connectRaw(edge.port)];
  for (const client of kept) t.teardown(() => client.socket.destroy());
  for (const client of kept) {
    client.send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}\r\n`);
    t.equal((await client.readMessage()).status, 200);
  }
  const extra = await connectRaw(edge.port);
  await extra.closed;
  t.equal(extra.received, '');
  kept[0]!.send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}\r\n`);
  t.equal((await kept[0]!.readMessage()).status, 200);
});

t.test('a caller that connects and leaves without a word is no request', async (t) => {
  const { edge } = await setScene(t);
  for (const bytes of ['', 'GET /things/7 HTTP/1.1\r\nHo']) {
    const socket: Socket = connect(edge.port, '127.0.0.1');
    await once(socket, 'connect');
    if (bytes !== '') await new Promise((resolve) => socket.write(bytes, resolve));
    socket.resetAndDestroy();
  }
  t.equal((await exchangeRaw(edge.port, `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}\r\n`)).status, 200);
  t.match(await edge.nextOutcome(), { route: 'things', status: 200 });
  t.equal(edge.outcomes.length, 1);
});

t.test('a caller that ends in the middle of its headers is answered 400', async (t) => {
  const { edge } = await setScene(t);
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send('GET /things/7 HTTP/1.1\r\nHost: api\r\n');
  client.end();
  t.equal((await client.readMessage()).status, 400);
  t.match(await edge.nextOutcome(), { route: '(invalid)', status: 400, reason: 'request_malformed' });
});

t.test('garbage is answered once, however many pieces it comes in', async (t) => {
  const { edge } = await setScene(t);
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  for (let n = 0; n < 5; n++) {
    client.send('\u0000\u0001garbage\r\n');
    await new Promise(setImmediate);
  }
  t.equal((await client.readMessage()).status, 400);
  await client.closed;
  t.equal(edge.outcomes.length, 1);
});

t.test('TLS callers are told apart from plain ones', async (t) => {
  const { ca, localhost } = makeCertificates();
  const { edge, upstream } = await setScene(t, { tls: localhost });
  const target = { port: edge.port, tls: { ca, servername: 'localhost' } };
  const answer = await exchangeRaw(target, `GET /things/7 HTTP/1.1\r\nHost: localhost\r\n${good}\r\n`);
  t.equal(answer.status, 200);
  t.same(upstream.requests[0]!.all('x-forwarded-proto'), ['https']);
  t.same(upstream.requests[0]!.all('forwarded'), ['for=127.0.0.1;host=localhost;proto=https']);
  const plain = await connectRaw(edge.port);
  t.teardown(() => plain.socket.destroy());
  plain.send('GET /things/7 HTTP/1.1\r\nHost: api\r\n\r\n');
  await plain.closed;
  t.equal((await exchangeRaw(target, 'GET /things/7 HTTP/1.1\r\nHost: localhost\r\n\r\n')).status, 401);
});

t.test('a TLS handshake that is begun, or not even begun, and never finished is given up', async (t) => {
  const { ca, localhost } = makeCertificates();
  const { edge } = await setScene(t, { tls: localhost, limits: { headersTimeoutMs: 300 } });
  for (const bytes of ['', '\u0016\u0003\u0001\u0002\u0000\u0001']) {
    const client = await connectRaw(edge.port);
    t.teardown(() => client.socket.destroy());
    client.send(bytes);
    await client.closed;
  }
  const target = { port: edge.port, tls: { ca, servername: 'localhost' } };
  t.equal((await exchangeRaw(target, 'GET /things/7 HTTP/1.1\r\nHost: localhost\r\n\r\n')).status, 401);
  t.ok(edge.outcomes.every(({ result }) => result !== 'bug'));
});

const upgrade =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const accepted =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

t.test(
  'an upgrade takes the same steps: refused with a whole response, or passed on with the identity',
  async (t) => {
    const upstream = await startRawUpstream({
      serve: async (connection) => {
        const head = await connection.readHead();
        t.same(head.all('x-identity-user'), ['alice']);
        t.same(head.all('authorization'), []);
        t.same(head.all('upgrade'), ['websocket']);
        connection.send(`${accepted}hello`);
        await connection.closed;
        connection.end();
      },
    });
    t.teardown(() => upstream.close());
    const edge = await startEdge(upstream, {
      routes: [
        aRule({ name: 'ws', path: '/ws', scopes: ['things:read'], upgrade: true }),
        aRule({ name: 'admin-ws', path: '/admin-ws', scopes: ['things:admin'], upgrade: true }),
        aRule({ name: 'plain', path: '/plain' }),
      ],
    });
    t.teardown(() => edge.close());
    const spoof = 'X-Identity-User: root\r\nx_identity_user: root\r\n';
    for (const [sentence, request, status, reason] of [
      ['no credential', `GET /ws HTTP/1.1\r\nHost: api\r\n${upgrade}\r\n`, 401, 'credential_missing'],
      [
        'a wrong one',
        `GET /ws HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer no\r\n${upgrade}\r\n`,
        401,
        'token_unknown',
      ],
      [
        'too few scopes',
        `GET /admin-ws HTTP/1.1\r\nHost: api\r\n${good}${upgrade}\r\n`,
        403,
        'scope_missing',
      ],
      [
        'a rule that does not pass upgrades on',
        `GET /plain HTTP/1.1\r\nHost: api\r\n${good}${upgrade}\r\n`,
        403,
        'upgrade_refused',
      ],
      ['no rule', `GET /nowhere HTTP/1.1\r\nHost: api\r\n${good}${upgrade}\r\n`, 403, 'route_unknown'],
      [
        'an ambiguous path',
        `GET /x/../ws HTTP/1.1\r\nHost: api\r\n${good}${upgrade}\r\n`,
        400,
        'path_ambiguous',
      ],
      [
        'a body',
        `GET /ws HTTP/1.1\r\nHost: api\r\n${good}${upgrade}Content-Length: 5\r\n\r\nhello`,
        400,
        'request_malformed',
      ],
      [
        'a chunked body',
        `GET /ws HTTP/1.1\r\nHost: api\r\n${good}${upgrade}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        400,
        'request_malformed',
      ],
      ['another method', `POST /ws HTTP/1.1\r\nHost: api\r\n${good}${upgrade}\r\n`, 400, 'request_malformed'],
      [
        'two Hosts',
        `GET /ws HTTP/1.1\r\nHost: api\r\nHost: api\r\n${good}${upgrade}\r\n`,
        400,
        'request_malformed',
      ],
      [
        'Connection naming our header',
        `GET /ws HTTP/1.1\r\nHost: api\r\n${good}${upgrade}Connection: X-Identity\r\n\r\n`,
        400,
        'request_malformed',
      ],
    ] as const) {
      const client = await connectRaw(edge.port);
      t.teardown(() => client.socket.destroy());
      client.send(request);
      const answer = await client.readMessage();
      t.equal(answer.status, status, sentence);
      t.equal(answer.header('connection'), 'close');
      t.ok(answer.header('x-request-id'));
      t.equal(answer.framing, 'content-length');
      t.equal(await client.closed, 'end');
      t.match(await edge.nextOutcome(), { status, reason });
    }
    t.equal(upstream.connections.length, 0);

    const client = await connectRaw(edge.port);
    t.teardown(() => client.socket.destroy());
    client.send(`GET /ws HTTP/1.1\r\nHost: api\r\n${spoof}${good}${upgrade}\r\n`);
    t.match((await client.readHead()).startLine, /^HTTP\/1\.1 101/);
    t.equal(await client.readBytes(5), 'hello');
    client.end();
    await client.closed;
    t.match(await edge.nextOutcome(), { route: 'ws', status: 101, result: 'permit' });
  },
);

t.test(
  'an upgrade behind a request that is still being answered does not take the connection over',
  async (t) => {
    const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
    t.teardown(() => upstream.close());
    const edge = await startEdge(upstream, { routes: [aRule({ path: '/*', upgrade: true })] });
    t.teardown(() => edge.close());
    const client = await connectRaw(edge.port);
    t.teardown(() => client.socket.destroy());
    const request = `GET /ws HTTP/1.1\r\nHost: api\r\n${good}`;
    client.send(`${request}\r\n${request}${upgrade}\r\n`);
    t.equal((await client.readMessage()).status, 200);
    t.equal((await client.readMessage()).status, 200, 'it is an ordinary request');
    t.same(
      upstream.requests.map((r) => r.all('upgrade')),
      [[], []],
    );
  },
);
