// Shadow mode: every decision is made, counted and recorded, and the request goes on with what it carries.

import t, { type Test } from 'tap';
import { patternOf } from '../../src/decision/path-pattern.ts';
import { denial, outage } from '../../src/decision/outcome.ts';
import { type EdgeOptions, startEdge } from '../support/edge.ts';
import { anIdentity } from '../support/identity.ts';
import { connectRaw, exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const setScene = async (t: Test, options: EdgeOptions) => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  const send = (startLine: string, ...lines: readonly string[]) =>
    exchangeRaw(edge.port, [`${startLine} HTTP/1.1`, 'Host: api', ...lines, '', ''].join('\r\n'));
  return { edge, upstream, send };
};

const shadowRule = (change: Parameters<typeof aRule>[0] = {}) =>
  aRule({ mode: 'shadow', scopes: ['things:read'], ...change });
const bearer = (value: string): string => `Authorization: Bearer ${value}`;

t.test(
  'every request goes on with its own credential, and what is decided is counted and recorded',
  async (t) => {
    const { edge, upstream, send } = await setScene(t, {
      routes: [
        shadowRule(),
        shadowRule({ name: 'tenant', path: '/accounts/:org', scopes: [], tenantParameter: 'org' }),
        shadowRule({ name: 'people', path: '/me', scopes: [], sessions: 'interactive' }),
      ],
      answers: {
        revoked: denial('token_revoked', 't-1'),
        flood: denial('rate_limited'),
        unlucky: outage('store_unavailable', new Error('ECONNREFUSED')),
        late: () => Promise.resolve(outage('store_unavailable')),
        expired: anIdentity({ expiresAtMs: 1 }),
        weak: anIdentity({ scopes: new Set() }),
      },
    });
    for (const [path, credential, verdict, route] of [
      ['/things/1', 'good', 'permit', 'things'],
      ['/things/1', undefined, 'credential_missing', 'things'],
      ['/things/1', 'bad\\', 'credential_malformed', 'things'],
      ['/things/1', 'nobody', 'token_unknown', 'things'],
      ['/things/1', 'revoked', 'token_revoked', 'things'],
      ['/things/1', 'flood', 'rate_limited', 'things'],
      ['/things/1', 'unlucky', 'store_unavailable', 'things'],
      ['/things/1', 'late', 'store_unavailable', 'things'],
      ['/things/1', 'expired', 'token_expired', 'things'],
      ['/things/1', 'weak', 'scope_missing', 'things'],
      ['/accounts/acme', 'good', 'permit', 'tenant'],
      ['/accounts/other', 'good', 'tenant_mismatch', 'tenant'],
      ['/me', 'good', 'session_kind_refused', 'people'],
    ] as const) {
      const sentence = `${path} with ${credential}: ${verdict}`;
      const lines = credential === undefined ? [] : [bearer(credential)];
      t.equal((await send(`GET ${path}`, ...lines, 'X-Identity-User: mallory')).status, 200, sentence);
      const request = upstream.requests.at(-1)!;
      t.equal(request.startLine, `GET ${path} HTTP/1.1`, sentence);
      t.same(
        request.all('authorization'),
        credential === undefined ? [] : [`Bearer ${credential}`],
        sentence,
      );
      t.same(request.all('x-identity-user'), verdict === 'permit' ? ['alice'] : [], sentence);
      t.same(edge.shadowed.at(-1), [route, verdict], sentence);
      const outcome = await edge.nextOutcome();
      t.match(outcome, { route, result: 'permit', status: 200, reason: undefined }, sentence);
      t.match(outcome.shadow, verdict === 'permit' ? 'permit' : { reason: verdict }, sentence);
    }
  },
);

t.test('a route that is enforced beside it refuses, and counts nothing as shadow', async (t) => {
  const { edge, send, upstream } = await setScene(t, {
    routes: [shadowRule({ path: '/*' }), aRule({ name: 'admin', path: '/admin', scopes: ['things:admin'] })],
  });
  t.equal((await send('GET /admin', bearer('good'))).status, 403);
  t.equal((await edge.nextOutcome()).shadow, undefined);
  t.same(edge.shadowed, []);
  for (const path of ['/Admin', '/admin/', '/admin.json', '/admin%2F', '/x%2Fadmin'])
    t.equal((await send(`GET ${path}`, bearer('good'))).status, 400, `${path} is no way round it`);
  t.equal((await send('GET /%61dmin', bearer('good'))).status, 403, 'it is that path');
  t.equal((await send('GET /things/1', 'X-HTTP-Method-Override: BREW', bearer('good'))).status, 403);
  t.same(upstream.requests, []);
});

t.test('a credential in the query, in a cookie or under another scheme stays where it is', async (t) => {
  const { upstream, send } = await setScene(t, {
    routes: [shadowRule({ credentialQueryParameter: 'access_token', forwardCredential: 'access-token' })],
    credential: { cookie: 'session' },
  });
  t.equal((await send('GET /things/1?a=1&access_token=good', 'Cookie: a=1; session=good')).status, 200);
  t.equal((await send('GET /things/2', 'Authorization: Basic YTpi', 'csp-auth-token: good')).status, 200);
  const [first, second] = upstream.requests;
  t.equal(first!.startLine, 'GET /things/1?a=1&access_token=good HTTP/1.1');
  t.same(first!.all('cookie'), ['a=1; session=good']);
  t.same(first!.all('x-identity-user'), ['alice']);
  t.same(second!.all('authorization'), ['Basic YTpi']);
  t.same(second!.all('csp-auth-token'), ['good']);
});

t.test('what two parsers could read differently stays refused', async (t) => {
  const { edge, upstream, send } = await setScene(t, { mode: 'shadow', routes: [shadowRule()] });
  for (const [startLine, ...lines] of [
    ['GET /things/../admin'],
    ['GET /things//1'],
    ['GET /things/%2e'],
    ['GET /things/1', 'Host: other'],
    ['POST /things/1', 'Content_Length: 4'],
  ] as const) {
    t.equal((await send(startLine, ...lines)).status, 400, startLine);
    t.match(await edge.nextOutcome(), { route: '(invalid)', result: 'denial', shadow: undefined });
  }
  t.same(edge.shadowed, []);
  t.same(upstream.requests, []);
});

t.test(
  'a path that may be read as another route in shadow mode goes on, and is counted as ambiguous',
  async (t) => {
    const { edge, send } = await setScene(t, {
      routes: [
        shadowRule({ path: '/*', scopes: [] }),
        shadowRule({ name: 'admin', path: '/admin', scopes: ['things:admin'] }),
      ],
      owned: [patternOf('/oauth2/token')],
    });
    t.equal((await send('GET /Admin', bearer('good'))).status, 200);
    t.same(edge.shadowed, [['things', 'path_ambiguous']]);
    t.equal((await send('POST /OAuth2/token')).status, 400, 'never as one that Tollgate answers itself');
    t.equal(edge.shadowed.length, 1);
  },
);

t.test('a method override between routes in shadow mode goes on, and is counted', async (t) => {
  const { edge, send } = await setScene(t, {
    routes: [
      shadowRule({ methods: ['GET'], scopes: [] }),
      shadowRule({ name: 'write', methods: ['DELETE'], scopes: ['things:write'] }),
    ],
  });
  t.equal((await send('GET /things/1?_method=DELETE', bearer('good'))).status, 200);
  t.same(edge.shadowed, [['things', 'method_refused']]);
  t.equal(
    (await send('GET /things/1?_method=PUT', bearer('good'))).status,
    403,
    'a method that no route covers',
  );
});

t.test('no override and no reading leads round an enforced route, whatever stands beside it', async (t) => {
  const { edge, upstream, send } = await setScene(t, {
    routes: [
      shadowRule({ path: '/*', methods: ['GET', 'PATCH'], scopes: [] }),
      shadowRule({ name: 'odd', path: '/odd', methods: ['GET', 'PATCH'], scopes: ['things:odd'] }),
      shadowRule({ name: 'write', path: '/*', methods: ['DELETE'], scopes: [] }),
      aRule({ name: 'put', path: '/*', methods: ['PUT'], scopes: ['things:admin'] }),
    ],
  });
  for (const [sentence, startLine, ...lines] of [
    [
      'behind an override between routes in shadow mode',
      'GET /a',
      'X-HTTP-Method: DELETE',
      'X-Method-Override: PUT',
    ],
    ['before one', 'GET /a', 'X-Method-Override: PUT', 'X-HTTP-Method: DELETE'],
    ['on an ambiguous path', 'GET /Odd?_method=PUT'],
  ] as const)
    t.equal((await send(startLine, ...lines, bearer('good'))).status, 403, sentence);
  t.same(edge.shadowed, []);
  t.same(upstream.requests, []);
  t.equal((await send('GET /Odd?_method=PATCH', bearer('good'))).status, 200);
  t.same(edge.shadowed, [['things', 'path_ambiguous']]);
});

t.test('what no route covers goes on only where everything is in shadow mode', async (t) => {
  const routes = [shadowRule({ methods: ['GET'] })];
  const one = await setScene(t, { routes });
  t.equal((await one.send('GET /elsewhere')).status, 403);
  t.equal((await one.send('DELETE /things/1')).status, 405);
  t.same(one.edge.shadowed, []);
  const all = await setScene(t, {
    routes,
    mode: 'shadow',
    surface: { path: '/oauth2/token', handle: (_request, response) => void response.writeHead(204).end() },
    owned: [patternOf('/oauth2/token')],
  });
  t.equal((await all.send('GET /elsewhere?a=1', bearer('good'), 'X-Identity: me')).status, 200);
  t.equal((await all.send('DELETE /things/1', bearer('good'))).status, 200);
  const [first] = all.upstream.requests;
  t.equal(first!.startLine, 'GET /elsewhere?a=1 HTTP/1.1');
  t.same(first!.all('authorization'), ['Bearer good']);
  t.same(first!.all('x-identity'), []);
  t.same(all.edge.shadowed, [
    ['(none)', 'route_unknown'],
    ['(none)', 'method_not_allowed'],
  ]);
  t.match(await all.edge.nextOutcome(), { route: '(none)', shadow: { reason: 'route_unknown' } });
  t.equal((await all.send('POST /oauth2/token')).status, 204, 'what Tollgate answers is answered as always');
  t.equal((await all.send('POST /OAuth2/token')).status, 403, 'what only looks like that goes nowhere');
  t.equal(all.upstream.requests.length, 2);
});

t.test('a body over the limit of the route goes on', async (t) => {
  const { edge, upstream, send } = await setScene(t, { routes: [shadowRule({ requestBodyBytesMax: 4 })] });
  const sized = await exchangeRaw(
    edge.port,
    `POST /things/1 HTTP/1.1\r\nHost: api\r\n${bearer('good')}\r\nContent-Length: 8\r\n\r\n12345678`,
  );
  t.equal(sized.status, 200);
  t.same(edge.shadowed, [['things', 'request_too_large']]);
  t.equal((await send('POST /things/1', 'Transfer-Encoding: chunked', '', '8', '12345678', '0')).status, 200);
  t.same(
    upstream.requests.map(({ body }) => body),
    ['12345678', '12345678'],
  );
});

t.test('a WebSocket goes on, on a route that knows none and without a credential', async (t) => {
  const upstream = await startRawUpstream({});
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, { routes: [shadowRule()] });
  t.teardown(() => edge.close());
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send(
    'GET /things/ws HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\nX-Identity-User: mallory\r\nAuthorization: Bearer nobody\r\n\r\n',
  );
  const connection = await upstream.accept();
  const head = await connection.readHead();
  t.same(head.all('authorization'), ['Bearer nobody']);
  t.same(head.all('x-identity-user'), []);
  connection.send('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  t.equal((await client.readHead()).startLine, 'HTTP/1.1 101 Switching Protocols');
  t.same(edge.shadowed, [['things', 'token_unknown']], 'counted while it is open');
  const body = await exchangeRaw(
    edge.port,
    'GET /things/ws HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx',
  );
  t.equal(body.status, 400, 'one with a body stays refused');
});
