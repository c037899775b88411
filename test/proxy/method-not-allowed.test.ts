// Issue 9, number 4: HEAD follows GET's rule unless a rule names it; a path that has rules for other methods answers 405 with
// Allow (RFC 9110 section 15.5.6); what no rule knows stays refused.

import t, { type Test } from 'tap';
import { patternOf } from '../../src/decision/path-pattern.ts';
import { type EdgeOptions, startEdge } from '../support/edge.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const setScene = async (t: Test, options: EdgeOptions) => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  const send = (line: string, ...lines: readonly string[]) =>
    exchangeRaw(edge.port, [`${line} HTTP/1.1`, 'Host: api', ...lines, '', ''].join('\r\n'));
  return { edge, send, reached: upstream.requests };
};

const routes = [
  aRule({ name: 'read', path: '/things/*', methods: ['GET'], scopes: ['things:read'] }),
  aRule({ name: 'write', path: '/things/{id}', methods: ['POST', 'DELETE'], scopes: ['things:read'] }),
  aRule({ name: 'head', path: '/report', methods: ['HEAD'], public: true }),
  aRule({ name: 'report', path: '/report', methods: ['GET'], scopes: ['things:admin'] }),
  aRule({ name: 'admin', path: '/admin', methods: ['GET'], scopes: ['things:admin'] }),
  aRule({ name: 'open', path: '/open/*', methods: ['PUT'], public: true }),
];

t.test('a path with rules for other methods is 405, and Allow names them all', async (t) => {
  const { edge, send, reached } = await setScene(t, { routes });
  for (const [line, allow] of [
    ['PUT /things/7', 'GET, POST, DELETE, HEAD'],
    ['POST /things/7/items', 'GET, HEAD'],
    ['OPTIONS /things/7/items', 'GET, HEAD'],
    ['TRACE /things/7/items', 'GET, HEAD'],
    ['PROPFIND /open/x', 'PUT'],
    ['GET /open/x', 'PUT'],
    ['PUT /report', 'GET, HEAD'],
    ['HEAD /open/x', 'PUT'],
  ] as const) {
    const answer = await send(line);
    t.equal(answer.status, 405, line);
    t.equal(answer.header('allow'), allow, line);
    t.equal(answer.all('allow').length, 1);
    t.match(await edge.nextOutcome(), { reason: 'method_not_allowed', status: 405, route: '(none)' });
  }
  const { body } = await send('PUT /things/7');
  t.match(JSON.parse(body), { title: 'Method Not Allowed', status: 405 });
  t.equal(reached.length, 0);
});

t.test('HEAD follows the rule of GET, unless a rule names it', async (t) => {
  const { edge, send } = await setScene(t, { routes });
  t.equal((await send('HEAD /things/7')).status, 401);
  t.match(await edge.nextOutcome(), { route: 'read' });
  t.equal((await send('HEAD /report')).status, 200);
  t.match(await edge.nextOutcome(), { route: 'head' });
});

t.test('what no rule knows stays refused, without Allow', async (t) => {
  const { edge, send, reached } = await setScene(t, { routes, owned: [patternOf('/oauth2/token')] });
  for (const [line, status, reason] of [
    ['GET /nothing', 403, 'route_unknown'],
    ['TRACE /nothing', 403, 'method_refused'],
    // CONNECT has no path (RFC 9110 section 9.3.6).
    ['CONNECT /things/7', 403, 'method_refused'],
    ['CONNECT api:443', 403, 'method_refused'],
    // What some servers read as /admin or as a path of ours says nothing of either.
    ['GET /Admin', 403, 'route_unknown'],
    ['POST /OAuth2/token', 403, 'route_unknown'],
  ] as const) {
    const answer = await send(line);
    t.equal(answer.status, status, line);
    t.equal(answer.header('allow'), undefined, line);
    t.match(await edge.nextOutcome(), { reason });
  }
  t.equal(
    (await send('POST /things/7?_method=PUT', 'Content-Length: 0')).status,
    403,
    'an override stays 403',
  );
  t.equal(reached.length, 0);
});

t.test('a path that is ambiguous for each method is not named', async (t) => {
  const { send } = await setScene(t, {
    routes: [
      aRule({ name: 'all', path: '/*', methods: ['GET'], public: true }),
      aRule({ name: 'admin', path: '/admin', methods: ['GET'], scopes: ['things:admin'] }),
    ],
  });
  t.equal((await send('GET /Admin')).status, 400);
  const answer = await send('PUT /Admin');
  t.equal(answer.status, 403);
  t.equal(answer.header('allow'), undefined);
});

t.test('405 speaks the dialect of the file', async (t) => {
  for (const [errors, body] of [
    ['problem', { status: 405, title: 'Method Not Allowed' }],
    ['csp', { statusCode: 405, message: /^invalid_request: / }],
    ['astra', { status: '405', title: 'Method Not Allowed' }],
    ['vcd', { minorErrorCode: 'METHOD_NOT_ALLOWED' }],
  ] as const) {
    const { send } = await setScene(t, { routes, errors });
    const answer = await send('PUT /things/7');
    t.equal(answer.status, 405, errors);
    t.equal(answer.header('allow'), 'GET, POST, DELETE, HEAD', errors);
    t.match(JSON.parse(answer.body), body, errors);
  }
});

t.test('a handshake to a path without GET is 405 too', async (t) => {
  const { send } = await setScene(t, { routes });
  const answer = await send('GET /open/x', 'Connection: Upgrade', 'Upgrade: websocket');
  t.equal(answer.status, 405);
  t.equal(answer.header('allow'), 'PUT');
});
