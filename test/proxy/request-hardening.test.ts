// What a hostile or broken client can send, byte by byte, through the real listener to a real upstream that records
// the bytes it gets. An advisory's test carries its id.

import t, { type Test } from 'tap';
import { aRule } from '../support/route-rule.ts';
import { defaultRoutes, type Edge, type EdgeOptions, startEdge } from '../support/edge.ts';
import { anIdentity } from '../support/identity.ts';
import { connectRaw, exchangeRaw } from '../support/raw-client.ts';
import type { RawMessage } from '../support/raw-connection.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';

interface Scene {
  readonly edge: Edge;
  readonly upstream: RawUpstream;
  /** Sends bytes on a connection of their own; the first answer. */
  readonly send: (bytes: string) => Promise<RawMessage>;
  /** Requests the upstream has read. */
  readonly reached: readonly RawMessage[];
}

const setScene = async (t: Test, options: EdgeOptions = {}): Promise<Scene> => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  return { edge, upstream, send: (bytes) => exchangeRaw(edge.port, bytes), reached: upstream.requests };
};

const good = 'Authorization: Bearer good\r\n';

t.test('CVE-2026-29057: a chunked DELETE or OPTIONS with a request in its body is one request', async (t) => {
  const { upstream, send, reached } = await setScene(t);
  const hidden = 'GET /admin HTTP/1.1\r\nHost: api\r\nX-Identity: root\r\n\r\n';
  for (const method of ['DELETE', 'OPTIONS', 'GET', 'POST', 'PATCH']) {
    const chunk = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
    const answer = await send(
      `${method} /things/7 HTTP/1.1\r\nHost: api\r\n${good}Transfer-Encoding: chunked\r\n\r\n${chunk}`,
    );
    t.equal(answer.status, 200, method);
    const request = reached.at(-1)!;
    t.equal(request.startLine, `${method} /things/7 HTTP/1.1`);
    t.equal(request.body, hidden, 'the hidden request is the body');
    t.not(request.framing, 'none');
  }
  t.equal(reached.length, 5);
  t.notMatch(upstream.connections.map(({ unread }) => unread).join(''), /./, 'no byte is left over');
});

t.test('a DELETE with Content-Length keeps its body, and what follows it is judged by itself', async (t) => {
  const { edge, reached } = await setScene(t);
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send(`DELETE /things/7 HTTP/1.1\r\nHost: api\r\n${good}Content-Length: 5\r\n\r\nhello`);
  client.send('GET /admin HTTP/1.1\r\nHost: api\r\n\r\n');
  t.equal((await client.readMessage()).status, 200);
  t.equal((await client.readMessage()).status, 401);
  t.same(
    reached.map(({ startLine, body }) => [startLine, body]),
    [['DELETE /things/7 HTTP/1.1', 'hello']],
  );
});

t.test('CVE-2026-58044: framing behind a thousand junk headers is refused, not dropped', async (t) => {
  const { edge, upstream, send } = await setScene(t, { limits: { headerBytesMax: 65_536 } });
  for (const count of [1_000, 1_999, 2_000, 2_001, 3_000])
    for (const framing of ['Transfer-Encoding: chunked', 'Content-Length: 60']) {
      const junk = Array.from({ length: count }, (_, n) => `j${n}: 1\r\n`).join('');
      const answer = await send(
        `POST /things/7 HTTP/1.1\r\nHost: api\r\n${good}${junk}${framing}\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: api\r\n\r\n`,
      );
      t.equal(answer.status, 431, `${count} and ${framing}`);
      t.equal(answer.header('connection'), 'close');
    }
  t.equal(upstream.connections.length, 0, 'the upstream is untouched');
  t.ok(edge.outcomes.every(({ route, reason }) => route === '(invalid)' && reason === 'headers_too_large'));
  t.equal(edge.outcomes.length, 10);
});

t.test('framing that two parsers could read differently is 400', async (t) => {
  const { edge, upstream, send } = await setScene(t);
  const head = `POST /things/7 HTTP/1.1\r\nHost: api\r\n${good}`;
  for (const [sentence, bytes] of [
    [
      'Transfer-Encoding and Content-Length',
      `${head}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    ],
    [
      'Content-Length and Transfer-Encoding',
      `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two Content-Lengths', `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
    ['two equal Content-Lengths', `${head}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
    ['a Content-Length list', `${head}Content-Length: 5, 5\r\n\r\nhello`],
    ['a signed Content-Length', `${head}Content-Length: +5\r\n\r\nhello`],
    ['a hexadecimal Content-Length', `${head}Content-Length: 0x5\r\n\r\nhello`],
    ['a blank before the colon', `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
    ['Content_Length', `${head}Content_Length: 5\r\n\r\nhello`],
    ['Transfer_Encoding', `${head}Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n`],
    [
      'two Transfer-Encodings',
      `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    ],
    ['another coding', `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['chunked not last', `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ['a coding with a vertical tab', `${head}Transfer-Encoding: \u000bchunked\r\n\r\n0\r\n\r\n`],
    [
      'a chunked HTTP/1.0',
      `POST /things/7 HTTP/1.0\r\nHost: api\r\n${good}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a bare LF after the request line', `GET /things/7 HTTP/1.1\nHost: api\r\n${good}\r\n`],
    ['a bare LF after a header', `GET /things/7 HTTP/1.1\r\nHost: api\n${good}\r\n`],
    [
      'a bare CR in a header',
      `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}X-A: b\rX-Identity: root\r\n\r\n`,
    ],
    ['obs-fold', `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}X-A: b\r\n c\r\n\r\n`],
    ['a folded first header', `GET /things/7 HTTP/1.1\r\n Host: api\r\n${good}\r\n`],
    ['NUL in a header', `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}X-A: b\u0000c\r\n\r\n`],
    [
      'a control character in a header',
      `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}X-A: b\u0001c\r\n\r\n`,
    ],
    ['a header without a name', `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}: b\r\n\r\n`],
    ['a name with a quote', `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}X"A: b\r\n\r\n`],
    ['a chunk extension with a bare LF', `${head}Transfer-Encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n`],
    ['a chunk size that ends in a bare LF', `${head}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`],
    [
      'a chunk whose end is \\r\\n\\rX',
      `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\rX\r\n\r\n`,
    ],
    ['a head whose end is \\r\\n\\rX', `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}\rX\r\n\r\n`],
    ['a chunk size that is no number', `${head}Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n`],
    [
      'a chunk size beyond 64 bits',
      `${head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n`,
    ],
    ['a chunk longer than it says', `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`],
    ['no Host', `GET /things/7 HTTP/1.1\r\n${good}\r\n`],
    ['two Hosts', `GET /things/7 HTTP/1.1\r\nHost: api\r\nHost: evil\r\n${good}\r\n`],
    ['two Hosts in other case', `GET /things/7 HTTP/1.1\r\nHost: api\r\nhOST: evil\r\n${good}\r\n`],
    ['a Host that is none', `GET /things/7 HTTP/1.1\r\nHost: api/evil@x\r\n${good}\r\n`],
    [
      'two Authorizations',
      `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}Authorization: Bearer admin\r\n\r\n`,
    ],
    ['two equal Authorizations', `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}${good}\r\n`],
    ['another expectation', `POST /things/7 HTTP/1.1\r\nHost: api\r\n${good}Expect: 200-ok\r\n\r\n`],
    ['HTTP/2 prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP/0.9', 'GET /things/7\r\n\r\n'],
    ['HTTP/0.9 in so many words', `GET /things/7 HTTP/0.9\r\nHost: api\r\n${good}\r\n`],
    ['HTTP/2.0', `GET /things/7 HTTP/2.0\r\nHost: api\r\n${good}\r\n`],
    ['HTTP/1.2', `GET /things/7 HTTP/1.2\r\nHost: api\r\n${good}\r\n`],
    ['a blank in the target', `GET /things/7 /x HTTP/1.1\r\nHost: api\r\n${good}\r\n`],
    ['a method that is none', `GETT /things/7 HTTP/1.1\r\nHost: api\r\n${good}\r\n`],
    ['a TLS greeting', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'],
  ] as const) {
    const answer = await send(bytes);
    t.equal(answer.status, 400, sentence);
    t.equal(answer.header('connection'), 'close', `${sentence}: and the connection ends`);
    t.equal(answer.header('content-type'), 'application/problem+json');
    const outcome = await edge.nextOutcome();
    t.match(
      outcome,
      { status: 400, result: 'denial', reason: 'request_malformed' },
      `${sentence}: one outcome`,
    );
  }
  // A broken body may have begun to flow: then its request is broken off, never completed.
  for (const { unread } of upstream.connections) t.notMatch(unread, /0\r\n\r\n$/);
  t.equal(upstream.requests.length, 0, 'no request reaches the upstream whole');
});

t.test('blanks in the request line that only widen it are gone in what the API receives', async (t) => {
  const { send, reached } = await setScene(t);
  await send(`GET   /things/7   HTTP/1.1\r\nHost: api\r\n${good}\r\n`);
  t.equal(reached[0]?.startLine, 'GET /things/7 HTTP/1.1');
});

t.test('the parser keeps its strictness for header sections that grow too large', async (t) => {
  const { edge, upstream, send } = await setScene(t);
  const answer = await send(
    `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}X-Long: ${'a'.repeat(20_000)}\r\n\r\n`,
  );
  t.equal(answer.status, 431);
  t.match(await edge.nextOutcome(), { route: '(invalid)', status: 431, reason: 'headers_too_large' });
  const target = await send(`GET /things/${'a'.repeat(9_000)} HTTP/1.1\r\nHost: api\r\n${good}\r\n`);
  t.equal(target.status, 414);
  t.equal(upstream.connections.length, 0);
});

t.test('a spoofed identity never reaches the API: ours or none', async (t) => {
  const { send, reached } = await setScene(t);
  const spoofs = [
    'X-Identity: root',
    'X_Identity: root',
    'x-IDENTITY-user: root',
    'X-Identity-User: root',
    'x_identity_user: root',
    'X-Identity-Token: root',
    'X-IDENTITY-TOKEN: root',
    'X-Identity-Is-Admin: 1',
    'X.Identity.User: root',
  ].join('\r\n');
  const identityOf = (request: RawMessage): string[] =>
    request.headers.filter(([name]) => /x.identity/i.test(name)).map(([name, value]) => `${name}: ${value}`);

  await send(
    `GET /things/7 HTTP/1.1\r\nHost: api\r\n${spoofs}\r\nAuthorization: Bearer a.b.c\r\n${spoofs}\r\n\r\n`,
  );
  t.same(
    identityOf(reached.at(-1)!),
    [
      'X-Identity: signed.identity.jwt',
      'X-Identity-User: alice',
      'X-Identity-Org: acme',
      'X-Identity-Scopes: things:read',
    ],
    'this session has no token id, and nobody else may give it one',
  );

  await send(`GET /public/x HTTP/1.1\r\nHost: api\r\n${spoofs}\r\n\r\n`);
  t.same(identityOf(reached.at(-1)!), [], 'a caller without a credential has none');

  const chunked = 'Transfer-Encoding: chunked\r\nTrailer: X-Identity-User\r\n\r\n2\r\nhi\r\n0\r\n';
  await send(
    `POST /things/7 HTTP/1.1\r\nHost: api\r\n${good}${chunked}X-Identity-User: root\r\nX_Identity: root\r\n\r\n`,
  );
  const request = reached.at(-1)!;
  t.equal(request.body, 'hi');
  t.same(request.trailers, [], 'nor in a trailer');
  t.same(request.all('x-identity-user'), ['alice']);
  t.notMatch(request.headers.join(), /root/);
});

t.test('whatever an identity is called, the API reads it as one line that is nobody else', async (t) => {
  const names = [
    'admin',
    ' admin',
    'admin ',
    'bob, admin',
    'bob',
    '\u7528\u6237',
    '\u{1F600}',
    'a\r\nX-Identity-User: root',
    'a\nb',
    'a\u0000b',
    'a\u007fb',
    'a%00b',
    '\u00e9',
    'e\u0301',
  ];
  const named = (id: string) => anIdentity({ user: { id, name: id, roles: [] } });
  const answers = Object.fromEntries(names.map((id, at) => [`t${at}`, named(id)]));
  const { edge, send, reached } = await setScene(t, {
    answers: { ...answers, empty: named(''), huge: named('x'.repeat(70_000)) },
    identityHeaders: { 'X-Identity-User': 'user.id', 'X-Name': 'user.name' },
  });
  const seen = new Map<string, string>();
  for (const [at, id] of names.entries()) {
    const answer = await send(`GET /things/7 HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer t${at}\r\n\r\n`);
    t.equal(answer.status, 200, JSON.stringify(id));
    const request = reached.at(-1)!;
    const [value, ...more] = request.all('x-identity-user');
    t.same(more, [], 'one line');
    t.match(value, /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/);
    t.equal(decodeURIComponent(value!), id, 'and can be read back');
    t.equal(request.all('x-name')[0], value);
    t.notOk(seen.has(value!), `${value} is nobody else`);
    seen.set(value!, id);
  }
  const before = reached.length;
  for (const token of ['empty', 'huge']) {
    const answer = await send(
      `GET /things/7 HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    t.equal(answer.status, 401, `an id that is ${token} is none`);
  }
  t.equal(reached.length, before);
  t.ok(edge.outcomes.every(({ result }) => result !== 'bug'));
});

t.test('a renamed identity header is as well guarded, and the default family too', async (t) => {
  const { send, reached } = await setScene(t, { identityHeaders: { 'x-pcloud-accountid': 'org.id' } });
  const spoofs = 'X_PCloud_AccountId: root\r\nX-PCLOUD-ACCOUNTID: root\r\nX-Identity-User: root\r\n';
  await send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${spoofs}${good}\r\n`);
  t.same(reached[0]!.all('x-pcloud-accountid'), ['acme']);
  t.notMatch(reached[0]!.headers.join(), /root/);
});

t.test('a header that only the API knows can be kept from callers without mapping it', async (t) => {
  const { send, reached } = await setScene(t, { identityStrip: ['x-pcloud-userid', 'X-Role'] });
  const spoofs = 'X_PCloud_UserId: root\r\nx-pcloud-userid: root\r\nX-ROLE: root\r\nX-Roles: kept\r\n';
  await send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${spoofs}${good}\r\n`);
  t.notMatch(reached[0]!.headers.join(), /root/);
  t.same(reached[0]!.all('x-roles'), ['kept']);
  const hop = await send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}Connection: close, x-role\r\n\r\n`);
  t.equal(hop.status, 400);
});

t.test('Expect: 100-continue with a spoofed identity: the spoof is gone', async (t) => {
  const { edge, reached } = await setScene(t);
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send(
    `POST /things/7 HTTP/1.1\r\nHost: api\r\n${good}X-Identity: root\r\nX_Identity_User: root\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
  );
  t.equal((await client.readHead()).startLine, 'HTTP/1.1 100 Continue');
  client.send('hi');
  t.equal((await client.readMessage()).status, 200);
  t.equal(reached[0]!.body, 'hi');
  t.same(reached[0]!.all('x-identity'), ['signed.identity.jwt']);
  t.same(reached[0]!.all('expect'), ['100-continue'], "it is the API's to answer (RFC 9110 section 10.1.1)");
  t.notMatch(reached[0]!.headers.join(), /root/);
});

t.test(
  'Expect: 100-continue: 401, 403 and 413 come before 100 Continue, and end the connection',
  async (t) => {
    const { edge, upstream } = await setScene(t, {
      routes: [aRule({ scopes: ['things:read'], requestBodyBytesMax: 10 }), ...defaultRoutes.slice(1)],
    });
    for (const [path, credential, status] of [
      ['/things/7', '', 401],
      ['/things/7', 'Authorization: Bearer wrong\r\n', 401],
      ['/admin', good, 403],
      ['/nowhere', good, 403],
      ['/things/7', good, 413],
    ] as const) {
      const client = await connectRaw(edge.port);
      t.teardown(() => client.socket.destroy());
      client.send(
        `POST ${path} HTTP/1.1\r\nHost: api\r\n${credential}Expect: 100-continue\r\nContent-Length: 11\r\n\r\n`,
      );
      const answer = await client.readMessage();
      t.equal(answer.status, status);
      t.equal(answer.header('connection'), 'close', 'the body that may follow cannot become a request');
      t.equal(await client.closed, 'end');
      t.match(await edge.nextOutcome(), { status });
    }
    t.equal(upstream.connections.length, 0);
  },
);

t.test('Connection cannot take a header away that matters', async (t) => {
  const { edge, send, reached, upstream } = await setScene(t);
  for (const options of [
    'close, X-Identity',
    'close, x_identity_user',
    'upgrade, X-Identity\r\nUpgrade: h2c',
    'close, Host',
    'close, Content-Length',
    'close, Transfer-Encoding',
    'close, Authorization',
    'close, X-Forwarded-For',
    'close, Cookie',
    'close, Content-Type',
  ]) {
    const answer = await send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}Connection: ${options}\r\n\r\n`);
    t.equal(answer.status, 400, options);
    t.match(await edge.nextOutcome(), { reason: 'request_malformed' });
  }
  t.equal(upstream.connections.length, 0);
  await send(
    `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}Connection: close, X-Hop\r\nX-Hop: 1\r\nX-Other: 2\r\n\r\n`,
  );
  t.same(reached[0]!.all('x-hop'), [], "one that is nobody else's goes no further");
  t.same(reached[0]!.all('x-other'), ['2']);
});

t.test('h2c is an ordinary request', async (t) => {
  const { send, reached } = await setScene(t);
  const h2c =
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n';
  t.equal((await send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}${h2c}\r\n`)).status, 200);
  t.notMatch(reached[0]!.headers.join(), /h2c|http2|upgrade/i);
  t.equal(
    (await send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${h2c}\r\n`)).status,
    401,
    'and is judged like one',
  );
});

t.test('a path reaches the API byte for byte as it was authorized, or not at all', async (t) => {
  const { edge, send, reached } = await setScene(t, {
    routes: [...defaultRoutes, aRule({ name: 'rest', path: '/*', public: true })],
  });
  for (const target of [
    '/public/../admin',
    '/public/%2e%2e/admin',
    '/public/%2E./admin',
    '/%2e%2e%2fadmin',
    '/public%2f..%2fadmin',
    '//admin',
    '//evil/admin',
    '/\\admin',
    '/public/\\..\\admin',
    '/admin#x',
    '/admin;x',
    '/admin;x=/public/',
    '/public/..;/admin',
    '/admin%00',
    '/%00',
    '/%41DMIN',
    '/admin/.',
    '/./admin',
    '/public/x/../../admin',
    '/%252e%252e/admin',
    '/%252e',
    '/admin%3Fx',
    '/admin%23x',
    '/admin%3Bx',
    '/things/admin%3B/x',
    '/public/..%3B/things/admin/x',
    '/public/..%3f/admin',
    '/public/..%20/admin',
    '/ADMIN',
    '/Admin',
    '/admin/',
    '/admin.',
    '/admin%20',
    '/%c0%ae%c0%ae/admin',
    'http://x/public/../admin',
    'http://user@api/public/x',
    'ftp://api/public/x',
    '*',
    'admin',
    '/public/x?\u00e9',
    '/public/\u00e9',
  ]) {
    const answer = await send(`GET ${target} HTTP/1.1\r\nHost: api\r\n\r\n`);
    t.equal(answer.status, 400, target);
    t.match(await edge.nextOutcome(), { result: 'denial', status: 400 });
  }
  t.equal(reached.length, 0);
  for (const [target, credential] of [
    ['/OTHER', ''],
    ['/other/', ''],
    ['/other.', ''],
    ['/admins', ''],
    ['/admin/Below/', ''],
    ['/public/urn%3Avcloud%3Atoken/', ''],
    ['/public/%E2%80%A6?x=%2e%2e/../admin;', ''],
    ['/things/7?/../admin', good],
    ['/things/a:b@c,d', good],
    ['/public/x?', ''],
    ['/public/x?%zz&"{}|\\', ''],
  ] as const) {
    t.equal((await send(`GET ${target} HTTP/1.1\r\nHost: api\r\n${credential}\r\n`)).status, 200, target);
    t.equal(reached.at(-1)!.startLine, `GET ${target} HTTP/1.1`);
  }
  t.equal((await send('GET /admin?/public HTTP/1.1\r\nHost: api\r\n\r\n')).status, 401, 'a query is no path');
});

t.test('a method that no route names is refused', async (t) => {
  const { edge, send, upstream } = await setScene(t, {
    routes: [
      aRule({ path: '/*', public: true }),
      aRule({ name: 'dav', path: '/dav', methods: ['PROPFIND'], public: true }),
    ],
  });
  for (const bytes of [
    'CONNECT api:443 HTTP/1.1\r\nHost: api\r\n\r\n',
    'CONNECT /things HTTP/1.1\r\nHost: api\r\n\r\n',
  ]) {
    t.equal((await send(bytes)).status, 403, bytes.split('\r')[0]!);
    t.match(await edge.nextOutcome(), { result: 'denial', reason: 'method_refused', status: 403 });
  }
  for (const bytes of [
    'TRACE /things HTTP/1.1\r\nHost: api\r\n\r\n',
    'PROPFIND /things HTTP/1.1\r\nHost: api\r\n\r\n',
    'QUERY /things HTTP/1.1\r\nHost: api\r\n\r\n',
  ]) {
    t.equal((await send(bytes)).status, 405, bytes.split('\r')[0]!);
    t.match(await edge.nextOutcome(), { result: 'denial', reason: 'method_not_allowed', status: 405 });
  }
  for (const method of ['get', 'Get', 'FOO', 'GET\u0000', '"GET"'])
    t.equal((await send(`${method} /things HTTP/1.1\r\nHost: api\r\n\r\n`)).status, 400, method);
  t.equal(upstream.connections.length, 0);
  t.equal((await send('PROPFIND /dav HTTP/1.1\r\nHost: api\r\n\r\n')).status, 200, 'unless a route names it');
});

const writeAndDelete = [
  aRule({ name: 'write', methods: ['POST', 'PUT'], scopes: ['things:read'] }),
  aRule({ name: 'delete', methods: ['DELETE'], scopes: ['things:admin'] }),
];

t.test('a header cannot ask for a method that another rule would judge', async (t) => {
  const { edge, send, reached } = await setScene(t, { routes: writeAndDelete });
  for (const name of ['X-HTTP-Method-Override', 'x-http-method', 'X_Method_Override']) {
    const post = (method: string): Promise<RawMessage> =>
      send(`POST /things/7 HTTP/1.1\r\nHost: api\r\n${good}${name}: ${method}\r\nContent-Length: 0\r\n\r\n`);
    t.equal((await post('DELETE')).status, 403, name);
    t.match(await edge.nextOutcome(), { reason: 'method_refused' });
    t.equal((await post('delete')).status, 403, name);
    await edge.nextOutcome();
    t.equal((await post('PUT')).status, 200, `${name}: one that the same rule judges goes on`);
    await edge.nextOutcome();
  }
  t.equal(reached.length, 3);
});

t.test('a query cannot ask for a method that another rule judges', async (t) => {
  const { edge, send, reached } = await setScene(t, { routes: writeAndDelete });
  const post = (query: string): Promise<RawMessage> =>
    send(`POST /things/7?${query} HTTP/1.1\r\nHost: api\r\n${good}Content-Length: 0\r\n\r\n`);
  for (const query of [
    '_method=DELETE',
    'a=1&_method=delete',
    '_METHOD=DELETE',
    '%5fmethod=DELETE',
    '_m%65thod=D%45LETE',
    'a=1;_method=DELETE',
    '.method=DELETE',
    '+_method=DELETE',
    '%20.method=DELETE',
    '[method=DELETE',
    '_method[]=DELETE',
    '_method',
    '%ff&_method=DELETE',
    '_method=PUT&_method=DELETE',
    '_method=%ffDELETE',
  ]) {
    t.equal((await post(query)).status, 403, query);
    t.match(await edge.nextOutcome(), { reason: 'method_refused' }, query);
  }
  for (const query of [
    '_method=PUT',
    'method=DELETE',
    'a=_method',
    '_=1',
    'x_method=DELETE',
    'a%20b=DELETE',
  ]) {
    t.equal((await post(query)).status, 200, query);
    await edge.nextOutcome();
  }
  t.equal(reached.length, 6, 'what the same rule judges goes on as it came');
});

t.test('one grammar for credentials: 401 before any look-up', async (t) => {
  const { edge, send, upstream } = await setScene(t);
  for (const [sentence, header] of [
    ['two blanks', 'Authorization: Bearer  good'],
    ['a tab', 'Authorization: Bearer\tgood'],
    ['a list', 'Authorization: Bearer good,Bearer admin'],
    ['a list with blanks', 'Authorization: Bearer good, Bearer admin'],
    ['a JWT of 9 KB', `Authorization: Bearer a.${'b'.repeat(9_216)}.c`],
    ['an opaque token of 600 bytes', `Authorization: Bearer ${'a'.repeat(600)}`],
    ['no token', 'Authorization: Bearer'],
    ['parameters', 'Authorization: Bearer token="good"'],
    ['a byte above ASCII', 'Authorization: Bearer g\u00f6\u00f6d'],
    ['Basic', 'Authorization: Basic Z29vZDpnb29k'],
    ['nothing', 'X-Nothing: 1'],
    ['two different credentials', 'Authorization: Bearer good\r\ncsp-auth-token: admin'],
    ['the probe of an orchestrator', 'User-Agent: kube-probe/1.0'],
  ] as const) {
    const answer = await send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${header}\r\n\r\n`);
    t.equal(answer.status, 401, sentence);
    t.match(answer.header('www-authenticate'), /^Bearer realm="tollgate"/);
    t.match(await edge.nextOutcome(), { route: 'things', status: 401, result: 'denial' });
  }
  t.same(edge.identifier.asked, [], 'nobody was asked');
  t.equal(upstream.connections.length, 0);
  t.equal(
    (
      await send(
        `GET /things/7 HTTP/1.1\r\nHost: api\r\nauthorization: bEaReR good\r\nCSP-Auth-Token: good\r\n\r\n`,
      )
    ).status,
    200,
  );
});

t.test('X-Forwarded-* and Forwarded of an untrusted peer are overwritten', async (t) => {
  const { send, reached } = await setScene(t);
  const lies =
    'X-Forwarded-For: 1.1.1.1\r\nx_forwarded_for: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nX-Real-Ip: 1.1.1.1\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\n';
  await send(`GET /things/7 HTTP/1.1\r\nHost: api:1\r\n${good}${lies}\r\n`);
  const request = reached[0]!;
  t.same(request.all('x-forwarded-for'), ['127.0.0.1']);
  t.same(request.all('x-forwarded-proto'), ['http']);
  t.same(request.all('x-forwarded-host'), ['api:1']);
  t.same(request.all('forwarded'), ['for=127.0.0.1;host="api:1";proto=http']);
  t.notMatch(request.headers.join(), /1\.1\.1\.1|evil/);
});

t.test('whatever callers send, records speak a closed vocabulary', async (t) => {
  const { edge } = await setScene(t);
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  const methods = ['GET', 'POST', 'PROPFIND', 'DELETE', 'QUERY'];
  const count = 2_000;
  for (let n = 0; n < count; n += 50) {
    const batch = Array.from({ length: 50 }, (_, i) => {
      const word = Math.random().toString(36).slice(2);
      return `${methods[(n + i) % 5]} /${i % 2 === 0 ? 'things/' : ''}${word}?${word} HTTP/1.1\r\nHost: ${word}\r\nAuthorization: Bearer ${word}\r\nContent-Length: 0\r\n\r\n`;
    });
    client.send(batch.join(''));
    for (let i = 0; i < 50; i++) await client.readMessage();
  }
  t.equal(edge.outcomes.length, count);
  t.same([...new Set(edge.outcomes.map(({ route }) => route))].toSorted(), ['(none)', 'things']);
  t.same([...new Set(edge.outcomes.map(({ reason }) => String(reason)))].toSorted(), [
    'method_not_allowed',
    'method_refused',
    'route_unknown',
    'token_unknown',
  ]);
});
