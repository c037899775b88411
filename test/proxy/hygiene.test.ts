import t from 'tap';
import { isDenial } from '../../src/decision/outcome.ts';
import { createHeaderClassifier, headerClass } from '../../src/proxy/header-class.ts';
import { asksForWebSocket, inspectHeaders } from '../../src/proxy/hygiene.ts';

const classify = createHeaderClassifier({
  credential: { headers: ['X-Api-Key'] },
  identity: { headers: {}, strip: ['X-Account'], keep: [] },
});
const inspect = (...lines: string[]): ReturnType<typeof inspectHeaders> =>
  inspectHeaders(
    lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
    '1.1',
    100,
    classify,
  );

t.test('one pass finds what the later steps need', async (t) => {
  t.match(
    inspect(
      'HOST: api.example.com:8080',
      'authorization: Bearer abc',
      'CSP-Auth-Token: abc',
      'x-api-key: abc',
      'Cookie: a=1',
      'Cookie: b=2',
      'Content-Length: 12',
      'X-Forwarded-For: 10.0.0.1',
      'X-Forwarded-For: 10.0.0.2',
      'X-Request-Id: r-1',
      'traceparent: tp',
      'X-HTTP-Method-Override: DELETE',
    ),
    {
      host: 'api.example.com:8080',
      authorization: 'Bearer abc',
      bareCredentials: ['abc', 'abc'],
      cookies: ['a=1', 'b=2'],
      contentLength: 12,
      isChunked: false,
      connectionNames: undefined,
      forwardedFor: '10.0.0.1, 10.0.0.2',
      requestId: 'r-1',
      traceparent: 'tp',
      methodOverrides: ['DELETE'],
    },
  );
  t.match(inspect('Host: a', 'Transfer-Encoding: Chunked'), { isChunked: true, contentLength: -1 });
});

t.test('a header section two parsers could read differently is refused', async (t) => {
  for (const [sentence, ...lines] of [
    ['two Host lines', 'Host: a', 'host: b'],
    ['two equal Host lines', 'Host: a', 'Host: a'],
    ['no Host', 'Accept: a'],
    ['an empty Host', 'Host:'],
    ['a Host with user information', 'Host: a@b'],
    ['a Host with a path', 'Host: a/b'],
    ['a Host list', 'Host: a, b'],
    ['a Host with a blank', 'Host: a b'],
    ['a Host with a port that is none', 'Host: a:b'],
    ['two Authorization lines', 'Host: a', 'Authorization: Bearer a', 'AUTHORIZATION: Bearer a'],
    ['Transfer-Encoding and Content-Length', 'Host: a', 'Transfer-Encoding: chunked', 'Content-Length: 1'],
    ['Content-Length and Transfer-Encoding', 'Host: a', 'Content-Length: 0', 'Transfer-Encoding: chunked'],
    ['two Content-Length lines', 'Host: a', 'Content-Length: 1', 'Content-Length: 1'],
    ['a Content-Length list', 'Host: a', 'Content-Length: 1, 1'],
    ['a negative Content-Length', 'Host: a', 'Content-Length: -1'],
    ['a Content-Length with a sign', 'Host: a', 'Content-Length: +1'],
    ['two Transfer-Encoding lines', 'Host: a', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    ['another coding before chunked', 'Host: a', 'Transfer-Encoding: gzip, chunked'],
    ['chunked twice', 'Host: a', 'Transfer-Encoding: chunked, chunked'],
    ['identity', 'Host: a', 'Transfer-Encoding: identity'],
    ['a coding that only looks like chunked', 'Host: a', 'Transfer-Encoding: xchunked'],
    ['Content_Length', 'Host: a', 'Content_Length: 1'],
    ['Transfer_Encoding', 'Host: a', 'transfer_encoding: chunked'],
  ])
    t.match(inspect(...lines), { kind: 'denial', reason: 'request_malformed' }, `${sentence}`);
});

t.test('HTTP/1.0 may come without Host, and never with a transfer coding', async (t) => {
  t.match(inspectHeaders([], '1.0', 100, classify), { host: undefined, contentLength: -1 });
  t.match(inspectHeaders(['Transfer-Encoding', 'chunked'], '1.0', 100, classify), {
    reason: 'request_malformed',
  });
});

t.test('no version but these two', async (t) => {
  for (const version of ['0.9', '2.0', '1.2', ''])
    t.match(inspectHeaders(['Host', 'a'], version, 100, classify), { reason: 'request_malformed' }, version);
});

t.test('Connection never removes a header that matters', async (t) => {
  for (const name of [
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Authorization',
    'Cookie',
    'csp-auth-token',
    'X-Api-Key',
    'X-Identity',
    'x_identity_user',
    'X-Account',
    'X-Forwarded-For',
    'Forwarded',
    'X-Request-Id',
    'traceparent',
    'Content-Type',
    'Content-Encoding',
    'X-HTTP-Method-Override',
    'Connection',
  ])
    for (const value of [name, `close, ${name}`, `keep-alive,${name.toLowerCase()} ,`])
      t.match(inspect('Host: a', `Connection: ${value}`), { reason: 'request_malformed' }, value);
  t.match(inspect('Host: a', 'Connection: close', 'Connection: Host'), { reason: 'request_malformed' });
  t.match(
    inspect('Host: a', 'Connection: "X-Private"'),
    { reason: 'request_malformed' },
    'a name that is none',
  );
});

t.test('Connection names headers for us alone', async (t) => {
  const names = (value: string): string[] => {
    const facts = inspect('Host: a', `Connection: ${value}`);
    if (isDenial(facts)) throw new Error(facts.evidence);
    return [...(facts.connectionNames ?? [])];
  };
  t.same(names('keep-alive'), []);
  t.same(names('close, Keep-Alive, UPGRADE, TE, HTTP2-Settings, ,'), []);
  t.same(names('X-Private, close, x-other'), ['x-private', 'x-other']);
});

t.test('more headers than the bound are too large, however many Node would have kept', async (t) => {
  const many = Array.from({ length: 100 }, (_, n) => `X-${n}: 1`);
  t.match(inspect('Host: a', ...many.slice(1)), { host: 'a' });
  t.match(inspect('Host: a', ...many), { reason: 'headers_too_large' });
});

t.test('only a WebSocket is an upgrade', async (t) => {
  t.ok(asksForWebSocket({ upgrade: 'WebSocket' }));
  for (const upgrade of [undefined, 'h2c', 'websocket, h2c', 'h2c, websocket', 'TLS/1.0', ''])
    t.notOk(asksForWebSocket({ upgrade }), `${upgrade}`);
});

t.test('a header is known by its name in any case, and a spoof by its folded name', async (t) => {
  for (const [name, kind] of [
    ['Accept', 'pass'],
    ['X-Custom_Thing', 'pass'],
    ['Sec-WebSocket-Key', 'pass'],
    ['hOsT', 'host'],
    ['aUTHORIZATION', 'authorization'],
    ['csp-AUTH-token', 'bareCredential'],
    ['X-Vmware-Vcloud-Access-Token', 'bareCredential'],
    ['x-api-key', 'bareCredential'],
    ['X_Api_Key', 'drop'],
    ['csp_auth_token', 'drop'],
    ['X_Identity', 'identity'],
    ['x-IDENTITY-user', 'identity'],
    ['x_account', 'identity'],
    ['X_Forwarded_For', 'drop'],
    ['X-Forwarded-Port', 'proxyWord'],
    ['X-Real-IP', 'proxyWord'],
    ['X-Original-URL', 'proxyWord'],
    ['X_Rewrite_Url', 'proxyWord'],
    ['X_Request_Id', 'drop'],
    ['Keep-Alive', 'drop'],
    ['Proxy', 'drop'],
    ['TE', 'drop'],
    ['Trailer', 'drop'],
    ['Expect', 'drop'],
    ['Proxy-Authorization', 'drop'],
    ['X_HTTP_Method_Override', 'methodOverride'],
    ['Content-Length', 'contentLength'],
    ['Content_Length', 'lookalike'],
    ['__proto__', 'pass'],
    ['constructor', 'pass'],
  ] as const)
    t.equal(classify(name), headerClass[kind], name);
});

t.test('a flood of invented names leaves the classifier as it was', async (t) => {
  for (let n = 0; n < 10_000; n++) classify(`X-Invented-${n}`);
  t.equal(classify('X_Identity'), headerClass.identity);
  t.equal(classify('Host'), headerClass.host);
});
