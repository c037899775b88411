// Number 13 of issue 9 on the wire: the password of Basic, the WebSocket's subprotocol, and the cookie of a page that may not use it.

import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { accessLine } from '../../src/observe/access-line.ts';
import { createSecret } from '../../src/tokens/api-token.ts';
import { type EdgeOptions, startEdge } from '../support/edge.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { type RawUpstreamOptions, startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const routes = [
  aRule({ scopes: ['things:read'], upgrade: true }),
  aRule({ name: 'kept', path: '/kept/*', scopes: [], upgrade: true, forwardCredential: 'keep' }),
  aRule({
    name: 'swapped',
    path: '/swapped/*',
    scopes: [],
    upgrade: true,
    forwardCredential: 'access-token',
  }),
  aRule({ name: 'open', path: '/open', public: true }),
  aRule({ name: 'vendor', path: '/api/*', scopes: [], errors: 'vcd' }),
];
const ok: RawUpstreamOptions = { answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' };

const setScene = async (t: Test, options: EdgeOptions = {}, upstreamOptions: RawUpstreamOptions = ok) => {
  const upstream = await startRawUpstream(upstreamOptions);
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, { routes, ...options });
  t.teardown(() => edge.close());
  const send = (line: string, ...lines: readonly string[]) =>
    exchangeRaw(edge.port, [`${line} HTTP/1.1`, 'Host: api.example.com', ...lines, '', ''].join('\r\n'));
  return { edge, upstream, send };
};

const basic = (pair: string): string => `Authorization: Basic ${Buffer.from(pair).toString('base64')}`;

t.test(
  '13: a client that knows only Basic is asked for it, and sends its API token as password',
  async (t) => {
    const { edge, upstream, send } = await setScene(t, { credential: { basic: true } });
    const asked = await send('GET /things/1');
    t.equal(asked.status, 401);
    t.same(asked.all('www-authenticate'), [
      'Bearer realm="tollgate"',
      'Basic realm="tollgate", charset="UTF-8"',
    ]);
    t.equal((await send('GET /things/1', basic('git:good'))).status, 200);
    t.same(upstream.requests[0]?.all('authorization'), [], 'it goes no further');
    t.equal((await send('GET /kept/1', basic('git:good'))).status, 200);
    t.same(
      upstream.requests[1]?.all('authorization'),
      [basic('git:good').slice(15)],
      'unless the route keeps it',
    );
    const unknown = await send('GET /things/1', basic('git:no-such-token'));
    t.match([unknown.status, unknown.all('www-authenticate').length], [401, 2]);
    t.equal((await send('GET /things/1', basic('git:a.b.c'))).status, 401, 'an access token is no password');
    t.equal((await send('GET /open', basic('git:no-such-token'))).status, 200);
    t.same((await send('GET /api/1')).all('www-authenticate'), [
      'Basic realm="vCloud", Bearer realm="vCloud"',
    ]);
    t.notMatch(JSON.stringify(edge.outcomes), /no-such|Z2l0/, 'no password is in a record');
  },
);

t.test('13: Basic is off by default', async (t) => {
  const { send } = await setScene(t);
  const answer = await send('GET /things/1', basic('git:good'));
  t.match([answer.status, answer.all('www-authenticate')], [401, ['Bearer realm="tollgate"']]);
});

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const webSocket = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${key}`,
];
const accepted: RawUpstreamOptions = {
  answer: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`,
};
const protocols = (value: string): string => `Sec-WebSocket-Protocol: ${value}`;

t.test('13: a page sends its token as a subprotocol, which the API does not see', async (t) => {
  const { edge, upstream, send } = await setScene(
    t,
    { credential: { webSocketProtocol: 'bearer.' } },
    accepted,
  );
  const answer = await send('GET /things/1', ...webSocket, protocols('bearer.good, chat'));
  t.match(
    [answer.status, answer.all('sec-websocket-protocol')],
    [101, ['chat']],
    'the API’s own choice goes back',
  );
  t.same(upstream.requests[0]?.all('sec-websocket-protocol'), ['chat']);
  t.same(upstream.requests[0]?.all('x-identity-user'), ['alice']);
  await send(
    'GET /things/1',
    ...webSocket,
    protocols('chat'),
    protocols('Bearer.good'),
    protocols('superchat'),
  );
  t.same(upstream.requests[1]?.all('sec-websocket-protocol'), ['chat', 'superchat']);
  await send('GET /things/1', ...webSocket, protocols('bearer.good'));
  t.same(upstream.requests[2]?.all('sec-websocket-protocol'), []);
  await send('GET /kept/1', ...webSocket, protocols('bearer.good, chat'));
  t.same(
    upstream.requests[3]?.all('sec-websocket-protocol'),
    ['bearer.good, chat'],
    'where the route keeps it',
  );
  await send('GET /swapped/1', ...webSocket, protocols('bearer.good, chat'));
  t.match(upstream.requests[4]?.all('sec-websocket-protocol'), ['chat']);
  t.equal(upstream.requests[4]?.all('authorization').length, 1);
  // An API that folds names would take another spelling for the header.
  await send('GET /things/1', ...webSocket, protocols('bearer.good'), 'Sec_WebSocket_Protocol: bearer.good');
  t.same(upstream.requests[5]?.all('sec_websocket_protocol'), []);
  for (const lines of [
    [protocols('chat')],
    [protocols('bearer.unknown, chat')],
    [protocols('bearer.good, chat'), 'Authorization: Bearer admin'],
    [protocols('bearer.good, bearer.admin')],
  ])
    t.equal((await send('GET /things/1', ...webSocket, ...lines)).status, 401, lines.join());
  t.match(edge.outcomes.slice(-2), [{ reason: 'credential_conflict' }, { reason: 'credential_conflict' }]);
  t.equal(upstream.requests.length, 6);
  t.notMatch(JSON.stringify(edge.outcomes), 'bearer.', 'no subprotocol is in a record');
});

t.test('13: the subprotocol is off by default', async (t) => {
  const { upstream, send } = await setScene(t, {}, accepted);
  const lines = [...webSocket, protocols('bearer.good, chat')];
  t.equal((await send('GET /things/1', ...lines)).status, 401);
  t.equal((await send('GET /things/1', ...lines, 'Authorization: Bearer good')).status, 101);
  t.same(upstream.requests[0]?.all('sec-websocket-protocol'), ['bearer.good, chat'], 'and an ordinary one');
});

t.test(
  '13: the cookie of a page that may not use it is refused on what is not safe, and on WebSockets',
  async (t) => {
    const credential = { cookie: 'session', cookieOrigins: ['https://app.example.com'] };
    const { edge, upstream, send } = await setScene(t, { credential, trustedProxies: ['127.0.0.2'] });
    const cookie = 'Cookie: session=good';
    const evil = ['Origin: https://evil.example', 'Sec-Fetch-Site: cross-site'];
    for (const [sentence, status, line, ...lines] of [
      ['reading is free', 200, 'GET /things/1', cookie, ...evil],
      ['writing is not', 403, 'DELETE /things/1', cookie, ...evil],
      ['by the origin alone', 403, 'DELETE /things/1', cookie, evil[0] ?? ''],
      ['by a method hidden in the query', 403, 'GET /things/1?_method=DELETE', cookie, ...evil],
      ['by one hidden in a header', 403, 'GET /things/1', cookie, 'X-HTTP-Method-Override: DELETE', ...evil],
      ['an own page', 200, 'DELETE /things/1', cookie, 'Sec-Fetch-Site: same-origin'],
      ['an own page by its origin', 200, 'DELETE /things/1', cookie, 'Origin: https://api.example.com'],
      [
        'a page that is named',
        200,
        'DELETE /things/1',
        cookie,
        'Origin: https://app.example.com',
        evil[1] ?? '',
      ],
      ['no browser', 200, 'DELETE /things/1', cookie],
      [
        'a page that has the token itself',
        200,
        'DELETE /things/1',
        cookie,
        'Authorization: Bearer good',
        ...evil,
      ],
      [
        'a caller that says it is a proxy',
        403,
        'DELETE /things/1',
        cookie,
        evil[0] ?? '',
        'X-Forwarded-Host: evil.example',
      ],
      ['a WebSocket', 403, 'GET /things/1', cookie, ...webSocket, ...evil],
      [
        'the key of one, where a proxy took Upgrade away',
        403,
        'GET /things/1',
        cookie,
        `Sec-WebSocket-Key: ${key}`,
        ...evil,
      ],
    ] as const)
      t.equal((await send(line, ...lines)).status, status, sentence);
    t.match(edge.outcomes[1], {
      reason: 'origin_refused',
      evidence: 'Sec-Fetch-Site: cross-site',
      identity: undefined,
    });
    t.match(edge.outcomes[2], { evidence: 'Origin: https://evil.example' });
    t.equal((await send('POST /open', cookie, 'Content-Length: 0', ...evil)).status, 200);
    t.same(upstream.requests.at(-1)?.all('x-identity-user'), [], 'on a public route it counts as none');
    const asked = edge.identifier.asked.length;
    await send('DELETE /things/1', cookie, ...evil);
    t.equal(edge.identifier.asked.length, asked, 'nobody is looked up');
    const secretly = await send(
      'DELETE /things/1',
      cookie,
      'Origin: https://tgSECRET0123456789abcdefghijklmnop',
    );
    t.equal(secretly.status, 403);
    t.match(edge.outcomes.at(-1), { evidence: 'Origin: another value' });
  },
);

t.test('13: behind a proxy that is trusted, the own host is the one that it names', async (t) => {
  const { send } = await setScene(t, { credential: { cookie: 'session' }, trustedProxies: ['127.0.0.1'] });
  const lines = ['Cookie: session=good', 'Origin: https://www.example.com', 'X-Forwarded-For: 192.0.2.7'];
  t.equal((await send('DELETE /things/1', ...lines, 'X-Forwarded-Host: www.example.com')).status, 200);
  t.equal((await send('DELETE /things/1', ...lines)).status, 403);
});

t.test('13: a password that a browser remembers is as a cookie', async (t) => {
  const { send } = await setScene(t, { credential: { basic: true } });
  const evil = ['Origin: https://evil.example', 'Sec-Fetch-Site: cross-site'];
  t.equal((await send('DELETE /things/1', basic('git:good'), ...evil)).status, 403);
  t.equal((await send('DELETE /things/1', basic('git:good'))).status, 200, 'git');
});

t.test(
  '13: no line of the log has a secret from any of these places, in whatever form it came',
  async (t) => {
    const { edge, send } = await setScene(t, {
      credential: { basic: true, webSocketProtocol: 'bearer.', cookie: 'session' },
    });
    const secret = createSecret({ shard: 3, length: 65 });
    const encoded = Buffer.from(`git:${secret}`).toString('base64');
    for (const lines of [
      [basic(`git:${secret}`)],
      [basic(`${secret}:`)],
      [basic(secret)],
      [`Authorization: Basic ${secret}`],
      [`Authorization: Basic ${encoded}, x`],
      [protocols(`bearer.${secret}, chat`)],
      [protocols(`chat, bearer.${secret}"`)],
      [protocols(`bearer.${secret}`), `Cookie: session=other`],
      [`Cookie: session=${secret}`, `Origin: https://${secret}`, `Sec-Fetch-Site: ${secret}`],
      [`Cookie: session=${secret}`, `Origin: ${secret}`],
    ])
      t.notMatch((await send('DELETE /things/1', ...lines)).status, 200);
    t.equal(edge.outcomes.length, 10);
    for (const outcome of edge.outcomes) {
      const line = accessLine(outcome, 0).toLowerCase();
      for (const part of [secret.slice(4, 30), encoded.slice(8, 40)])
        t.notOk(line.includes(part.toLowerCase()), line);
    }
  },
);
