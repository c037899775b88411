// A route refuses in its own dialect, on the wire: responses, WebSocket handshakes, and requests that meet no route.

import t, { type Test } from 'tap';
import { outage } from '../../src/decision/outcome.ts';
import { type EdgeOptions, startEdge } from '../support/edge.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const setScene = async (t: Test, options: EdgeOptions) => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  return (line: string, ...lines: readonly string[]) =>
    exchangeRaw(edge.port, [`${line} HTTP/1.1`, 'Host: api', ...lines, '', ''].join('\r\n'));
};

const scopes = ['things:read'];
const routes = [
  aRule({ name: 'xml', path: '/api/*', scopes, errors: 'vcd' }),
  aRule({ name: 'json', path: '/cloudapi/*', scopes: ['things:admin'], errors: 'vcd' }),
  aRule({ name: 'csp', path: '/csp/*', scopes, errors: 'csp' }),
  aRule({ name: 'astra', path: '/accounts/*', scopes, errors: 'astra', upgrade: true }),
  aRule({ name: 'own', path: '/things/*', scopes }),
];
const good = 'Authorization: Bearer good';

t.test('each route refuses in its own dialect', async (t) => {
  const send = await setScene(t, { routes });
  const xml = await send('GET /api/vdc/9?a=1', 'X-Vmware-Vcloud-Client-Request-Id: client-7');
  t.match(xml, { status: 401, body: /^<\?xml .*\n<Error xmlns="[^"]+" majorErrorCode="401"/ });
  t.match(xml.header('content-type'), /^application\/vnd\.vmware\.vcloud\.error\+xml/);
  t.equal(xml.header('www-authenticate'), 'Basic realm="vCloud", Bearer realm="vCloud"');
  t.equal(xml.header('x-vmware-vcloud-request-id'), 'client-7');
  const json = await send('GET /cloudapi/1.0.0/vdcs', good);
  t.equal(json.status, 403);
  t.match(JSON.parse(json.body), { minorErrorCode: 'ACCESS_TO_RESOURCE_IS_FORBIDDEN' });
  t.equal(
    json.header('x-vmware-vcloud-request-id'),
    json.header('x-request-id'),
    'pyvcloud fails on an error without it',
  );
  const accepted = await send('GET /api/vdc/9', 'Accept: application/*+json;version=36.0');
  t.match(JSON.parse(accepted.body), { minorErrorCode: 'NOT_AUTHENTICATED' });
  const csp = await send('GET /csp/x', 'X-Request-Id: 0123456789abcdef');
  t.equal(csp.status, 401);
  t.match(JSON.parse(csp.body), { statusCode: 401, requestId: '0123456789abcdef' });
  const astra = await send('GET /accounts/a/apps');
  t.match(JSON.parse(astra.body), { status: '401', type: /problems\/3$/ });
  const own = await send('GET /things/7');
  t.match(JSON.parse(own.body), { status: 401, type: 'about:blank' });
});

t.test('HEAD has no body, and a refused WebSocket handshake speaks the dialect too', async (t) => {
  const send = await setScene(t, { routes });
  t.match(await send('HEAD /api/vdc/9'), { status: 401, body: '' });
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  const astra = await send('GET /accounts/a/events', ...upgrade);
  t.equal(astra.status, 401);
  t.match(JSON.parse(astra.body), { status: '401', title: 'Missing bearer token' });
  t.match(await send('GET /api/events', good, ...upgrade), { status: 403, body: /<Error .*"403"/ });
});

t.test('an outage keeps its status and Retry-After in every dialect', async (t) => {
  const send = await setScene(t, { routes, answers: { good: outage('store_unavailable') } });
  for (const path of ['/api/x', '/cloudapi/x', '/csp/x', '/accounts/a/x', '/things/x']) {
    const reply = await send(`GET ${path}`, good);
    t.equal(reply.status, 503, path);
    t.equal(reply.header('retry-after'), '1', path);
    t.equal(reply.header('www-authenticate'), undefined, path);
  }
});

t.test('what meets no route is refused in the dialect of the whole file', async (t) => {
  const send = await setScene(t, { routes, errors: 'vcd' });
  for (const [line, status] of [
    ['GET /elsewhere/api', 403],
    ['PROPFIND /api/vdc/9', 405],
    ['GET /api//vdc', 400],
    ['GET /api/vdc%2f9', 400],
  ] as const)
    t.match(await send(line, good), { status, body: new RegExp(`<Error [^>]*"${status}"`) }, line);
  t.match(await send('GET /api/x', good, 'X-A: 1', 'Authorization: Bearer twice'), {
    status: 400,
    body: /<Error /,
  });
  const elsewhere = await send('GET /elsewhere', good);
  t.match(JSON.parse(elsewhere.body), { minorErrorCode: 'ACCESS_TO_RESOURCE_IS_FORBIDDEN' });
});
