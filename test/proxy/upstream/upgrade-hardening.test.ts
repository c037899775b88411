// What a request must survive, an upgrade must survive too: the hostile callers of request-hardening.test.ts and the
// broken upstreams of forward-responses.test.ts, on a WebSocket handshake through the whole edge.

import t, { type Test } from 'tap';
import { type Edge, type EdgeOptions, startEdge } from '../../support/edge.ts';
import { anIdentity } from '../../support/identity.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import type { RawMessage } from '../../support/raw-connection.ts';
import { type RawUpstream, type RawUpstreamOptions, startRawUpstream } from '../../support/raw-upstream.ts';
import { aRule } from '../../support/route-rule.ts';

const good = 'Authorization: Bearer good\r\n';
const upgrade =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';
const handshake = `GET /ws HTTP/1.1\r\nHost: api\r\n${good}${upgrade}\r\n`;

const routes = [
  aRule({ name: 'ws', path: '/ws', scopes: ['things:read'], upgrade: true }),
  aRule({ name: 'admin', path: '/admin', scopes: ['things:admin'], upgrade: true }),
  aRule({ name: 'public', path: '/public/*', public: true, upgrade: true }),
];

interface Scene {
  readonly edge: Edge;
  readonly upstream: RawUpstream;
  /** Sends bytes on a connection of their own; the first answer. */
  readonly send: (bytes: string) => Promise<RawMessage>;
}

const setScene = async (
  t: Test,
  options: EdgeOptions = {},
  upstreamOptions: RawUpstreamOptions = { answer: switching },
): Promise<Scene> => {
  const upstream = await startRawUpstream(upstreamOptions);
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, { routes, ...options });
  t.teardown(() => edge.close());
  return { edge, upstream, send: (bytes) => exchangeRaw(edge.port, bytes) };
};

t.test('a handshake that two parsers could read differently is refused, and nothing is opened', async (t) => {
  const { edge, upstream, send } = await setScene(t, { limits: { headerBytesMax: 65_536 } });
  const head = `GET /ws HTTP/1.1\r\nHost: api\r\n${good}${upgrade}`;
  const junk = Array.from({ length: 2_001 }, (_, n) => `j${n}: 1\r\n`).join('');
  for (const [sentence, bytes, status] of [
    ['two lengths', `${head}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, 400],
    ['a length and chunks', `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['a blank before the colon', `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, 400],
    ['Content_Length', `${head}Content_Length: 5\r\n\r\nhello`, 400],
    ['a bare LF', `${head}X-A: b\n\r\n`, 400],
    ['a folded header', `${head}X-A: b\r\n c\r\n\r\n`, 400],
    ['\\r\\n\\rX', `${head}\rX\r\n\r\n`, 400],
    ['a Host that is none', head.replace('Host: api', 'Host: api/evil@x') + '\r\n', 400],
    ['two Authorizations', `${head}Authorization: Bearer admin\r\n\r\n`, 400],
    ['Connection naming Authorization', `${head}Connection: Authorization\r\n\r\n`, 400],
    ['Connection naming Host', `${head}Connection: close, Host\r\n\r\n`, 400],
    ['HTTP/1.0', `${head.replace('HTTP/1.1', 'HTTP/1.0')}\r\n`, 400],
    ['CVE-2026-58044: junk before a framing header', `${head}${junk}Content-Length: 5\r\n\r\nhello`, 431],
    ['a long target', `GET /ws?${'a'.repeat(9_000)} HTTP/1.1\r\nHost: api\r\n${good}${upgrade}\r\n`, 414],
  ] as const) {
    t.equal((await send(bytes)).status, status, sentence);
    t.match(await edge.nextOutcome(), { status, result: 'denial' });
  }
  t.equal(upstream.connections.length, 0);
});

t.test('a handshake has one grammar for its credential, and is refused before any look-up', async (t) => {
  const { edge, upstream, send } = await setScene(t);
  for (const header of [
    'Authorization: Bearer  good',
    'Authorization: Bearer\tgood',
    'Authorization: Bearer good,Bearer admin',
    `Authorization: Bearer a.${'b'.repeat(9_216)}.c`,
    `Authorization: Bearer ${'a'.repeat(600)}`,
    'Authorization: Bearer good\r\ncsp-auth-token: admin',
    'User-Agent: kube-probe/1.0',
  ])
    t.equal((await send(`GET /ws HTTP/1.1\r\nHost: api\r\n${header}\r\n${upgrade}\r\n`)).status, 401, header);
  t.same(edge.identifier.asked, []);
  t.equal(upstream.connections.length, 0);
});

t.test("a handshake's path reaches the API byte for byte as it was authorized, or not at all", async (t) => {
  const { upstream, send } = await setScene(t, {
    routes: [...routes, aRule({ name: 'rest', path: '/*', public: true, upgrade: true })],
  });
  for (const target of [
    '/public/../admin',
    '/public/%2e%2e/admin',
    '/public%2f..%2fadmin',
    '//admin',
    '/\\admin',
    '/admin#x',
    '/admin;x',
    '/admin%00',
    '/%61dmin/',
    '/ADMIN',
    '/admin/.',
    '/%252e',
    'http://x//admin',
    'http://user@x/admin',
    '*',
  ])
    t.equal((await send(`GET ${target} HTTP/1.1\r\nHost: api\r\n${upgrade}\r\n`)).status, 400, target);
  t.equal((await send(`GET /admin?/public HTTP/1.1\r\nHost: api\r\n${upgrade}\r\n`)).status, 401);
  t.equal(upstream.connections.length, 0);
  const target = '/public/%E2%80%A6/?x=%2e%2e/../admin;==&"{}|\\';
  t.equal((await send(`GET ${target} HTTP/1.1\r\nHost: api\r\n${upgrade}\r\n`)).status, 101);
  t.equal(upstream.requests[0]?.startLine, `GET ${target} HTTP/1.1`);
});

t.test('a handshake says nothing of who the caller is, nor of where it comes from', async (t) => {
  const { upstream, send } = await setScene(t);
  const lies = [
    'X-Identity: root',
    'X_Identity: root',
    'x-IDENTITY-user: root',
    'X-Identity-Token: root',
    'X-Forwarded-For: 6.6.6.6',
    'x_forwarded_for: 6.6.6.6',
    'Forwarded: for=6.6.6.6',
    'X-Real-Ip: 6.6.6.6',
    'Expect: 100-continue',
  ].join('\r\n');
  const head = (path: string, credential: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: api\r\n${lies}\r\n${credential}${upgrade}${lies}\r\n\r\n`;
  t.equal((await send(head('/ws', 'Authorization: Bearer a.b.c\r\n'))).status, 101);
  t.equal((await send(head('/public/x', ''))).status, 101);
  const [known, unknown] = upstream.requests;
  t.same(known?.all('x-identity-user'), ['alice']);
  t.same(known?.all('x-identity'), ['signed.identity.jwt']);
  for (const request of upstream.requests) {
    t.notMatch(request.headers.join('\n'), /root|6\.6\.6\.6|expect/i);
    t.same(request.all('x-forwarded-for'), ['127.0.0.1']);
    t.same(request.all('authorization'), []);
  }
  t.notMatch(unknown?.headers.join('\n'), /identity/i, 'without a credential nobody is named');
});

const broken: Readonly<Record<string, string>> = {
  'status 000': 'HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n',
  'status 099': 'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n',
  'status 999': 'HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n',
  'a control character in the reason': 'HTTP/1.1 403 N\u0001o\r\nContent-Length: 0\r\n\r\n',
  'a control character in a header of a 101': switching.replace('\r\n\r\n', '\r\nX-Bad: a\u0001b\r\n\r\n'),
  'headers of 70 KB': `HTTP/1.1 403 No\r\nX-Big: ${'x'.repeat(70_000)}\r\nContent-Length: 0\r\n\r\n`,
  'a 101 with headers of 70 KB': switching.replace('\r\n\r\n', `\r\nX-Big: ${'x'.repeat(70_000)}\r\n\r\n`),
  'a length and chunks':
    'HTTP/1.1 403 No\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two lengths': 'HTTP/1.1 403 No\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nno!',
  'two equal lengths': 'HTTP/1.1 403 No\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nno',
  garbage: 'SSH-2.0-OpenSSH_9.7\r\n\r\n',
  'half a head': 'HTTP/1.1 403 No\r\nContent-Le',
};

t.test('an answer to a handshake that is none becomes 502, and the next one is served', async (t) => {
  let answer = '';
  const { edge, send } = await setScene(
    t,
    {},
    {
      serve: async (connection) => {
        await connection.readMessage();
        connection.send(answer);
        connection.end();
      },
    },
  );
  for (const [name, bytes] of Object.entries(broken)) {
    answer = bytes;
    t.equal((await send(handshake)).status, 502, name);
    t.match(await edge.nextOutcome(), { status: 502, result: 'outage' }, name);
    answer = switching;
    t.equal((await send(handshake)).status, 101, `after ${name}`);
    await edge.nextOutcome();
  }
  t.ok(edge.outcomes.every(({ result }) => result !== 'bug'));
});

t.test('the reason phrase of a 101 is ours, whatever the API says', async (t) => {
  for (const reason of ['Swit\u0001ching', 'Sure\tthing', '\u00ff', '']) {
    const { send } = await setScene(t, {}, { answer: switching.replace('Switching Protocols', reason) });
    t.equal((await send(handshake)).startLine, 'HTTP/1.1 101 Switching Protocols', JSON.stringify(reason));
  }
});

t.test('100, 102 and 103 may come before the answer to a handshake', async (t) => {
  const interim =
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n';
  const { edge } = await setScene(t, {}, { answer: `${interim}${switching}hello` });
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send(handshake);
  t.equal((await client.readHead()).startLine, 'HTTP/1.1 101 Switching Protocols');
  t.equal(await client.readBytes(5), 'hello');
});

t.test('a redirect of a handshake passes through unfollowed', async (t) => {
  const { send, upstream } = await setScene(
    t,
    {},
    { answer: 'HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n' },
  );
  const answer = await send(handshake);
  t.equal(answer.status, 307);
  t.equal(answer.header('location'), 'http://127.0.0.1:1/elsewhere');
  t.equal(upstream.connections.length, 1);
});

t.test('what an API adds to a refused handshake reaches nobody', async (t) => {
  const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
  for (const [name, refusal, status] of [
    ['behind a length', 'HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno', 403],
    ['behind chunks', 'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n', 403],
    ['behind a 204', 'HTTP/1.1 204 None\r\n\r\n', 204],
    ['behind a 304', 'HTTP/1.1 304 Same\r\nContent-Length: 500\r\n\r\n', 304],
  ] as const) {
    const { edge, upstream } = await setScene(t, {}, { answer: refusal + evil });
    const client = await connectRaw(edge.port);
    t.teardown(() => client.socket.destroy());
    client.send(handshake + handshake);
    t.equal((await client.readMessage()).status, status, name);
    t.equal(await client.closed, 'end', 'the connection ends');
    t.notMatch(client.received, /evil/, name);
    const next = await exchangeRaw(edge.port, handshake);
    t.equal(next.status, status, 'the next handshake has an answer of its own');
    t.ok(upstream.connections.length >= 2, 'on a connection of its own');
  }
});

t.test('an HTTP/1.0 refusal whose body ends with its connection arrives whole', async (t) => {
  const { send } = await setScene(
    t,
    {},
    {
      serve: async (connection) => {
        await connection.readHead();
        connection.send('HTTP/1.0 403 Forbidden\r\n\r\nold but ');
        connection.send('gold');
        connection.end();
      },
    },
  );
  t.match(await send(handshake), { status: 403, body: 'old but gold' });
});

t.test('a caller that leaves while its handshake is looked up leaves nothing behind', async (t) => {
  for (const how of ['reset', 'end'] as const) {
    const found = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const slow = async () => {
      asked.resolve();
      await found.promise;
      return anIdentity({});
    };
    const { edge, upstream, send } = await setScene(t, { answers: { slow } });
    const client = await connectRaw(edge.port);
    t.teardown(() => client.socket.destroy());
    client.send(handshake.replace('good', 'slow'));
    await asked.promise;
    client[how]();
    if (how === 'reset') await untilNoneIsOpen(edge);
    found.resolve();
    const { status, reason } = await edge.nextOutcome();
    // A FIN is read behind the handshake: the tunnel may stand for a moment.
    if (how === 'reset' || status !== 101) t.match({ status, reason }, { status: 0, reason: 'client_gone' });
    if (how === 'reset') t.equal(upstream.connections.length, 0, 'it is not forwarded');
    await untilNoneIsOpen(edge);
    await Promise.all(upstream.connections.map(({ closed }) => closed));
    t.equal((await send(handshake)).status, 101, 'and the next caller is served');
  }
});

t.test('a refused handshake with a large body arrives whole, though its caller reads slowly', async (t) => {
  const size = 12_000_000;
  const { edge } = await setScene(
    t,
    {},
    { answer: `HTTP/1.1 403 No\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}` },
  );
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.pause();
  client.send(handshake);
  await new Promise((resolve) => setTimeout(resolve, 100));
  client.resume();
  const answer = await client.readMessage();
  t.equal(answer.status, 403);
  t.equal(answer.body.length, size);
  t.equal(await client.closed, 'end');
  t.match(await edge.nextOutcome(), { status: 403, result: 'permit', reason: undefined });
});

t.test('a refused handshake whose body takes longer than the answer may arrives whole', async (t) => {
  const { edge, upstream } = await setScene(t, {
    routes: [aRule({ path: '/ws', public: true, upgrade: true, responseTimeoutMs: 1_000 })],
  });
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send('GET /ws HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send('HTTP/1.1 403 No\r\nContent-Length: 8\r\n\r\nhalf');
  await client.readUntil('half');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  connection.send('half');
  await client.readUntil('half');
  t.equal(await client.closed, 'end');
  t.match(await edge.nextOutcome(), { status: 403, result: 'permit', reason: undefined });
});

t.test('a refused handshake whose body stops coming ends after the silence a body may have', async (t) => {
  const { edge, upstream } = await setScene(t, {
    routes: [aRule({ path: '/ws', public: true, upgrade: true })],
    upstream: { bodyIdleTimeoutMs: 300 },
  });
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send('GET /ws HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const connection = await upstream.accept();
  await connection.readHead();
  connection.send('HTTP/1.1 403 No\r\nContent-Length: 8\r\n\r\nhalf');
  await client.closed;
  t.match(await edge.nextOutcome(), { status: 403, reason: 'upstream_timeout' });
  await connection.closed;
});

t.test('a refusal that nobody reads does not keep the sockets', async (t) => {
  const size = 12_000_000;
  const { edge, upstream } = await setScene(
    t,
    { limits: { writeStallTimeoutMs: 300 } },
    { answer: `HTTP/1.1 403 No\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}` },
  );
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.pause();
  client.send(handshake);
  t.match(await edge.nextOutcome(), { reason: 'client_gone' });
  await upstream.connections[0]?.closed;
});

const untilNoneIsOpen = async (edge: Edge): Promise<void> => {
  const isNone = (): Promise<boolean> =>
    new Promise((resolve, reject) =>
      edge.listener.getConnections((error, count) => (error === null ? resolve(count === 0) : reject(error))),
    );
  while (!(await isNone())) await new Promise(setImmediate);
};
