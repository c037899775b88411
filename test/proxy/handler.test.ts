import t, { type Test } from 'tap';
import { denial, outage } from '../../src/decision/outcome.ts';
import { defaultRoutes, type Edge, type EdgeOptions, startEdge } from '../support/edge.ts';
import { anIdentity } from '../support/identity.ts';
import { connectRaw, exchangeRaw } from '../support/raw-client.ts';
import type { RawMessage } from '../support/raw-connection.ts';
import { type RawUpstream, type RawUpstreamOptions, startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

interface Scene {
  readonly edge: Edge;
  readonly upstream: RawUpstream;
  readonly get: (path: string, ...lines: readonly string[]) => Promise<RawMessage>;
}

const ok: RawUpstreamOptions = { answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' };

const setScene = async (
  t: Test,
  options: EdgeOptions = {},
  upstreamOptions: RawUpstreamOptions = ok,
): Promise<Scene> => {
  const upstream = await startRawUpstream(upstreamOptions);
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  return {
    edge,
    upstream,
    get: (path, ...lines) =>
      exchangeRaw(edge.port, [`GET ${path} HTTP/1.1`, 'Host: api', ...lines, '', ''].join('\r\n')),
  };
};

const good = 'Authorization: Bearer good';

t.test('a permitted request reaches the API with the identity and without the credential', async (t) => {
  const { edge, upstream, get } = await setScene(t);
  const answer = await get('/things/7?a=1', good, 'X-Request-Id: r-7');
  t.equal(answer.status, 200);
  t.equal(answer.body, 'ok');
  const [request] = upstream.requests;
  t.equal(request!.startLine, 'GET /things/7?a=1 HTTP/1.1');
  t.same(request!.all('authorization'), []);
  t.same(request!.all('x-identity-user'), ['alice']);
  t.same(request!.all('x-request-id'), ['r-7']);
  t.match(await edge.nextOutcome(), {
    route: 'things',
    method: 'GET',
    path: '/things/7',
    status: 200,
    result: 'permit',
    reason: undefined,
    credentialKind: 'api_token',
    identity: { user: { id: 'alice' } },
    clientAddress: '127.0.0.1',
    requestId: 'r-7',
  });
});

t.test('a warm token is judged anew on every route: read does not open admin', async (t) => {
  const { get } = await setScene(t);
  for (const [path, credential, status] of [
    ['/things/7', 'good', 200],
    ['/admin', 'good', 403],
    ['/things/7', 'good', 200],
    ['/admin', 'admin', 200],
    ['/admin', 'good', 403],
  ] as const)
    t.equal((await get(path, `Authorization: Bearer ${credential}`)).status, status, `${credential} ${path}`);
});

t.test('every refusal carries the id of the request, an RFC 9457 body, and one outcome', async (t) => {
  const { edge, get, upstream } = await setScene(t, {
    answers: {
      revoked: denial('token_revoked', 't-1'),
      disabled: denial('user_disabled'),
      unlucky: outage('store_unavailable', new Error('ECONNREFUSED redis:6379')),
      flood: denial('rate_limited'),
      expired: anIdentity({ expiresAtMs: 1 }),
    },
  });
  for (const [path, credential, status, reason] of [
    ['/things/7', undefined, 401, 'credential_missing'],
    ['/things/7', 'unknown', 401, 'token_unknown'],
    ['/things/7', 'revoked', 401, 'token_revoked'],
    ['/things/7', 'expired', 401, 'token_expired'],
    ['/things/7', 'disabled', 401, 'user_disabled'],
    ['/things/7', 'flood', 429, 'rate_limited'],
    ['/things/7', 'unlucky', 503, 'store_unavailable'],
    ['/admin', 'good', 403, 'scope_missing'],
    ['/nowhere', 'good', 403, 'route_unknown'],
    ['/public/../x', undefined, 400, 'path_ambiguous'],
  ] as const) {
    const lines = credential === undefined ? [] : [`Authorization: Bearer ${credential}`];
    const answer = await get(path, ...lines, 'X-Request-Id: my-id');
    t.equal(answer.status, status, reason);
    t.equal(answer.header('x-request-id'), 'my-id');
    t.match(JSON.parse(answer.body), { status, title: String, detail: String });
    t.notMatch(answer.headers.join() + answer.body, /redis|t-1|things:admin|unlucky|revoked[^"]*t/);
    t.match(await edge.nextOutcome(), { status, reason });
  }
  t.equal(edge.outcomes.length, 10);
  t.equal(upstream.connections.length, 0);
});

t.test('what the change feed says is heard on every request', async (t) => {
  const { edge, get } = await setScene(t);
  for (const [standing, status, reason] of [
    ['live', 200, undefined],
    ['revoked', 401, 'token_revoked'],
    ['ended', 401, 'session_ended'],
    ['outdated', 503, 'store_unavailable'],
    ['unknown', 503, 'feed_stale'],
    ['live', 200, undefined],
  ] as const) {
    edge.identifier.setStanding(standing);
    t.equal((await get('/things/7', good)).status, status, standing);
    t.match(await edge.nextOutcome(), { status, reason });
  }
});

t.test('with `whenStale: serve` a silent feed lets the known through', async (t) => {
  const { edge, get } = await setScene(t, { whenStale: 'serve' });
  edge.identifier.setStanding('unknown');
  t.equal((await get('/things/7', good)).status, 200);
});

t.test(
  'on a public route a good credential adds the identity, a bad one is as none, an outage is an outage',
  async (t) => {
    const { edge, upstream, get } = await setScene(t, {
      answers: { unlucky: outage('store_unavailable') },
    });
    const users = (): readonly string[] => upstream.requests.at(-1)!.all('x-identity-user');
    for (const [sentence, lines, user] of [
      ['no credential', [], []],
      ['a good one', [good], ['alice']],
      ['an unknown one', ['Authorization: Bearer unknown'], []],
      ['a malformed one', ['Authorization: Bearer  good'], []],
      ['two different ones', [good, 'csp-auth-token: admin'], []],
      ['another scheme', ['Authorization: Basic YTpi'], []],
    ] as const) {
      t.equal((await get('/public/x', ...lines)).status, 200, sentence);
      t.same(users(), user, sentence);
      t.same(upstream.requests.at(-1)!.all('authorization'), [], 'the credential stays here');
      t.match(await edge.nextOutcome(), { result: 'permit' });
    }
    edge.identifier.setStanding('revoked');
    t.equal((await get('/public/x', good)).status, 200);
    t.same(users(), [], 'a revoked one is as none');
    t.match(await edge.nextOutcome(), { result: 'permit', identity: undefined });
    edge.identifier.setStanding('unknown');
    t.equal((await get('/public/x', good)).status, 503, 'a silent feed');
    t.equal((await get('/public/x', 'Authorization: Bearer unlucky')).status, 503, 'a store that is down');
  },
);

t.test('a tenant parameter must be the org of the caller', async (t) => {
  const { get } = await setScene(t, {
    routes: [aRule({ path: '/accounts/:org/*', tenantParameter: 'org' })],
  });
  for (const [path, status] of [
    ['/accounts/acme/tokens', 200],
    ['/accounts/other/tokens', 403],
    ['/accounts/ACME/tokens', 403],
    ['/accounts/acme%20/tokens', 403],
    ['/accounts/acm%65/tokens', 200],
    ['/accounts//tokens', 400],
    ['/accounts/acme/../other/tokens', 400],
    ['/accounts/other%2f..%2facme/tokens', 400],
  ] as const)
    t.equal((await get(path, good)).status, status, path);
});

t.test('a route may read the credential from the query, and the API does not see it', async (t) => {
  const routes = [
    aRule({ credentialQueryParameter: 'access_token', scopes: ['things:read'] }),
    aRule({ name: 'other', path: '/other', scopes: ['things:read'] }),
  ];
  const { get, upstream } = await setScene(t, { routes });
  t.equal((await get('/things/7?a=%7e&access_token=good&b=//')).status, 200);
  t.equal(upstream.requests.at(-1)!.startLine, 'GET /things/7?a=%7e&b=// HTTP/1.1');
  t.equal((await get('/things/7?access_token=good')).status, 200);
  t.equal(upstream.requests.at(-1)!.startLine, 'GET /things/7 HTTP/1.1');
  t.equal((await get('/things/7?access_token=admin', good)).status, 401, 'two different credentials');
  t.equal((await get('/other?access_token=good')).status, 401, 'another route does not');
});

t.test('cookie and configured header carry a credential too, and the API does not see them', async (t) => {
  const { get, upstream } = await setScene(t, { credential: { cookie: 'session', headers: ['X-Api-Key'] } });
  t.equal((await get('/things/7', 'Cookie: a=1; session=good; b=2')).status, 200);
  t.same(upstream.requests.at(-1)!.all('cookie'), ['a=1; b=2']);
  t.equal((await get('/things/7', 'x-api-key: good')).status, 200);
  t.same(upstream.requests.at(-1)!.all('x-api-key'), []);
});

t.test(
  'a rule says whether the API gets nothing, the credential, or an access token in its place',
  async (t) => {
    const { get, upstream } = await setScene(t, {
      routes: [
        aRule({ name: 'keep', path: '/keep', forwardCredential: 'keep' }),
        aRule({ name: 'swap', path: '/swap', forwardCredential: 'access-token' }),
        aRule({ name: 'swap-public', path: '/swap-public', forwardCredential: 'access-token', public: true }),
      ],
    });
    const sent = async (path: string, ...lines: readonly string[]): Promise<readonly string[]> => {
      await get(path, ...lines);
      return upstream.requests.at(-1)!.all('authorization');
    };
    t.same(await sent('/keep', good), ['Bearer good']);
    t.same(await sent('/swap', good), ['Bearer access.alice.default']);
    t.same(await sent('/swap-public', good), ['Bearer access.alice.default']);
    t.same(await sent('/swap-public', 'Authorization: Bearer unknown'), []);
  },
);

t.test(
  'while an identity is looked up, the request waits; a caller that leaves is not forwarded',
  async (t) => {
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const slow = async () => {
      asked.resolve();
      await gate.promise;
      return anIdentity({});
    };
    const { edge, upstream } = await setScene(t, { answers: { slow } });
    const waits = await connectRaw(edge.port);
    t.teardown(() => waits.socket.destroy());
    waits.send('GET /things/1 HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer slow\r\n\r\n');
    await asked.promise;
    const leaves = await connectRaw(edge.port);
    leaves.send('GET /things/2 HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer slow\r\n\r\n');
    while (edge.identifier.asked.length < 2) await new Promise(setImmediate);
    const closed = new Promise((resolve) => edge.listener.once('close', resolve));
    void closed;
    leaves.reset();
    while ((await countOpen(edge)) > 1) await new Promise(setImmediate);
    gate.resolve();
    t.equal((await waits.readMessage()).status, 200);
    const outcomes = [await edge.nextOutcome(), await edge.nextOutcome()];
    t.same(
      new Map(outcomes.map(({ path, status, reason }) => [path, [status, reason]])),
      new Map([
        ['/things/1', [200, undefined]],
        ['/things/2', [0, 'client_gone']],
      ]),
    );
    t.same(
      upstream.requests.map(({ startLine }) => startLine),
      ['GET /things/1 HTTP/1.1'],
    );
  },
);

t.test('a bug is a 500 with one outcome, and the process serves on', async (t) => {
  const { edge, get } = await setScene(t, {
    answers: { late: () => Promise.reject(new Error('a bug in a look-up')) },
    routes: [...defaultRoutes, aRule({ name: 'broken', path: '/broken', upstream: 'nowhere' })],
  });
  for (const [path, credential, message] of [
    ['/things/7', 'late', 'a bug in a look-up'],
    ['/broken', 'good', 'no upstream is named nowhere'],
  ] as const) {
    const answer = await get(path, `Authorization: Bearer ${credential}`);
    t.equal(answer.status, 500);
    t.notMatch(answer.body, message);
    t.match(await edge.nextOutcome(), { status: 500, result: 'bug', cause: { message } });
  }
  t.equal((await get('/things/7', good)).status, 200);
});

t.test('an upstream that fails is an outage with Retry-After, never a 401', async (t) => {
  const { edge, get, upstream } = await setScene(t);
  await upstream.close();
  const answer = await get('/things/7', good);
  t.equal(answer.status, 502);
  t.equal(answer.header('retry-after'), '1');
  t.match(await edge.nextOutcome(), { status: 502, result: 'outage', reason: 'upstream_unreachable' });
});

t.test('a body beyond the limit of the route is 413, announced or not', async (t) => {
  const { edge, upstream } = await setScene(t, { routes: [aRule({ requestBodyBytesMax: 10 })] });
  const head = `POST /things/7 HTTP/1.1\r\nHost: api\r\n${good}\r\n`;
  const announced = await exchangeRaw(edge.port, `${head}Content-Length: 11\r\n\r\nhello world`);
  t.equal(announced.status, 413);
  t.match(await edge.nextOutcome(), { status: 413, reason: 'request_too_large' });
  t.equal(upstream.connections.length, 0);
  const chunked = await exchangeRaw(
    edge.port,
    `${head}Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n`,
  );
  t.equal(chunked.status, 413);
  t.match(await edge.nextOutcome(), { status: 413, reason: 'request_too_large' });
  t.equal(upstream.requests.length, 0);
});

t.test('a refused caller can use its connection again, unless too much is still to come', async (t) => {
  const { edge } = await setScene(t);
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send('POST /things/7 HTTP/1.1\r\nHost: api\r\nContent-Length: 5\r\n\r\nhello');
  t.equal((await client.readMessage()).status, 401);
  client.send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}\r\n\r\n`);
  t.equal((await client.readMessage()).status, 200);
  const part = 'x'.repeat(65_536);
  client.send(`POST /things/7 HTTP/1.1\r\nHost: api\r\nContent-Length: ${part.length * 40}\r\n\r\n`);
  const answer = await client.readMessage();
  t.equal(answer.status, 401, 'the answer comes while the body is on its way');
  t.equal(answer.header('connection'), 'close');
  for (let n = 0; n < 40; n++) client.send(part);
  t.equal(await client.closed, 'end', 'and the body is read away before the end');
});

t.test('a refused caller that sends for ever is cut off', async (t) => {
  const { edge } = await setScene(t);
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send('POST /things/7 HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\n\r\n');
  t.equal((await client.readMessage()).status, 401);
  const timer = setInterval(() => client.send('1\r\nx\r\n'), 20);
  t.teardown(() => clearInterval(timer));
  await client.closed;
});

t.test('pipelined requests are judged one by one and answered in order', async (t) => {
  const { edge } = await setScene(t);
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  const request = (path: string, credential: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${credential}\r\n\r\n`;
  client.send(
    request('/things/1', 'good') +
      request('/admin', 'good') +
      request('/things/2', 'no') +
      request('/admin', 'admin'),
  );
  const statuses = [];
  for (let n = 0; n < 4; n++) statuses.push((await client.readMessage()).status);
  t.same(statuses, [200, 403, 401, 200]);
  t.equal(edge.outcomes.length, 4);
});

t.test('garbage behind a request does not cost its caller the answer', async (t) => {
  const garbage = Promise.withResolvers<void>();
  const serve: RawUpstreamOptions['serve'] = async (connection) => {
    await connection.readMessage();
    await garbage.promise;
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  };
  const { edge } = await setScene(t, {}, { serve });
  edge.listener.once('clientError', () => garbage.resolve());
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}\r\n\r\nGARBAGE\r\n\r\n`);
  t.equal((await client.readMessage()).status, 200);
  t.equal(await client.closed, 'end');
  t.match(await edge.nextOutcome(), { route: '(invalid)', status: 0 });
  t.match(await edge.nextOutcome(), { route: 'things', status: 200, reason: undefined });
});

t.test('bytes after `Connection: close` are not read, and cost nothing', async (t) => {
  const { edge, upstream } = await setScene(t);
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  const request = `GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}\r\nConnection: close\r\n\r\n`;
  client.send(request + request);
  t.equal((await client.readMessage()).status, 200);
  t.equal(await client.closed, 'end');
  t.equal(client.unread, '');
  t.equal(upstream.requests.length, 1);
});

t.test('HEAD, OPTIONS and HTTP/1.0 are answered as they must be', async (t) => {
  const { edge } = await setScene(t);
  const head = await exchangeRaw(edge.port, 'HEAD /things/7 HTTP/1.1\r\nHost: api\r\n\r\n');
  t.equal(head.status, 401);
  t.equal(head.body, '');
  const options = await exchangeRaw(
    edge.port,
    'OPTIONS /things/7 HTTP/1.1\r\nHost: api\r\nOrigin: x\r\n\r\n',
  );
  t.equal(options.status, 401);
  const old = await connectRaw(edge.port);
  t.teardown(() => old.socket.destroy());
  old.send(`GET /things/7 HTTP/1.0\r\n${good}\r\n\r\n`);
  t.equal((await old.readMessage()).status, 200);
  t.equal(await old.closed, 'end');
});

t.test('the paths of a surface are its own, after hygiene and before any rule', async (t) => {
  const handled: string[] = [];
  const { edge, get } = await setScene(t, {
    surface: {
      path: '/oauth2/token',
      handle: (request, response) => {
        handled.push(request.url ?? '');
        response.end('from the surface');
      },
    },
    routes: [aRule({ path: '/*', public: true, upgrade: true })],
  });
  t.equal((await get('/oauth2/token?x=1')).body, 'from the surface');
  t.equal((await get('/oauth2/token', 'Host: twice')).status, 400, 'hygiene comes first');
  t.equal((await get('/oauth2/../oauth2/token')).status, 400);
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
  t.equal((await get('/oauth2/token', ...upgrade)).status, 403, 'nothing to upgrade there');
  t.same(handled, ['/oauth2/token?x=1']);
  t.same(
    edge.outcomes.map(({ status }) => status),
    [400, 400, 403],
    'a surface records for itself',
  );
});

t.test('a surface is told who is calling: from headers only behind a trusted proxy', async (t) => {
  for (const [trustedProxies, lines, caller] of [
    [
      [],
      ['X-Forwarded-For: 203.0.113.9', 'X-Request-Id: r-1'],
      { clientAddress: '127.0.0.1', requestId: 'r-1' },
    ],
    [
      ['127.0.0.1'],
      ['X-Forwarded-For: 203.0.113.9'],
      { clientAddress: '203.0.113.9', requestId: /^[0-9a-f]{16}-/ },
    ],
    [
      ['127.0.0.1'],
      ['Forwarded: for="[2001:db8::9]:80"'],
      { clientAddress: '2001:db8::9', requestId: /^[0-9a-f]{16}-/ },
    ],
    [
      ['127.0.0.1'],
      ['X-Request-Id: a', 'X-Request-Id: b'],
      { clientAddress: '127.0.0.1', requestId: /^[0-9a-f]{16}-/ },
    ],
  ] as const) {
    const callers: unknown[] = [];
    const { get } = await setScene(t, {
      trustedProxies: [...trustedProxies],
      surface: {
        path: '/oauth2/token',
        handle: (_request, response, told) => {
          callers.push(told);
          response.end();
        },
      },
    });
    await get('/oauth2/token', ...lines);
    t.match(callers, [caller]);
  }
});

t.test('the caller is the one behind a trusted proxy', async (t) => {
  const { edge, get } = await setScene(t, { trustedProxies: ['127.0.0.0/8'] });
  await get('/things/7', good, 'X-Forwarded-For: 203.0.113.9');
  t.equal((await edge.nextOutcome()).clientAddress, '203.0.113.9');
  await get('/things/7', good, 'X-Forwarded-For: [2001:db8::9]:4711');
  t.equal((await edge.nextOutcome()).clientAddress, '2001:db8::9', 'in brackets, with a port');
  await get('/things/7', good, 'Forwarded: for="203.0.113.9:4711";proto=https');
  t.equal((await edge.nextOutcome()).clientAddress, '203.0.113.9', 'in Forwarded');
  await get('/things/7', good, 'X-Forwarded-For: 203.0.113.9', 'Forwarded: for=198.51.100.1');
  t.equal((await edge.nextOutcome()).clientAddress, 'unclear', 'not in one of two that contradict');
});

t.test('every answer has the id of its request: forwarded, refused, unreadable', async (t) => {
  const { edge, get } = await setScene(t);
  for (const [target, ...lines] of [
    ['/things/7', good],
    ['/things/7'],
    ['/nowhere'],
    ['/things/7', 'Host: twice'],
  ] as const) {
    const answer = await get(target, ...lines, 'X-Request-Id: my-id');
    const { requestId } = await edge.nextOutcome();
    t.strictSame(answer.all('x-request-id'), [requestId], target);
  }
  const broken = await exchangeRaw(edge.port, 'no request\r\n\r\n');
  t.equal(broken.header('x-request-id'), (await edge.nextOutcome()).requestId);
});

t.test("traceparent goes on with the caller's flags, whatever they are (W3C Trace Context)", async (t) => {
  const { get, upstream } = await setScene(t);
  const ids = '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7';
  // 01: sampled; 02: random, of level 2; the others mean nothing yet.
  for (const flags of ['00', '01', '02', '03', 'ff']) {
    await get('/things/7', good, `traceparent: 00-${ids}-${flags}`, 'tracestate: vendor=1');
    const received = upstream.requests.at(-1)!;
    t.strictSame(received.all('traceparent'), [`00-${ids}-${flags}`]);
    t.equal(received.header('tracestate'), 'vendor=1');
  }
});

t.test("the API can be told its own Host instead of the caller's", async (t) => {
  const { get, upstream } = await setScene(t, { upstream: { hostHeader: 'upstream' } });
  await get('/things/7', good);
  t.equal(upstream.requests[0]!.header('host'), `127.0.0.1:${upstream.port}`);
  t.equal(upstream.requests[0]!.header('x-forwarded-host'), 'api');
});

t.test('while shutting down, answers end their connections', async (t) => {
  const { edge } = await setScene(t);
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  const refused = await connectRaw(edge.port);
  t.teardown(() => refused.socket.destroy());
  edge.beginShutdown();
  client.send(`GET /things/7 HTTP/1.1\r\nHost: api\r\n${good}\r\n\r\n`);
  const answer = await client.readMessage();
  t.equal(answer.status, 200);
  t.equal(answer.header('connection'), 'close');
  t.equal(await client.closed, 'end');
  refused.send('GET /things/7 HTTP/1.1\r\nHost: api\r\n\r\n');
  t.equal((await refused.readMessage()).header('connection'), 'close');
  t.equal(await refused.closed, 'end');
});

const countOpen = (edge: Edge): Promise<number> =>
  new Promise((resolve, reject) =>
    edge.listener.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  );
