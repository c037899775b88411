import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { isDenial } from '../../src/decision/outcome.ts';
import { createHeaderClassifier, headerClass } from '../../src/proxy/header-class.ts';
import { inspectHeaders } from '../../src/proxy/hygiene.ts';
import type { Peer } from '../../src/proxy/peer.ts';
import { createRequestHeaders, type RequestHeaderParts } from '../../src/proxy/request-headers.ts';

const classify = createHeaderClassifier({
  credential: { headers: ['X-Api-Key'] },
  identity: { headers: {}, strip: ['X-Account', 'X-Pcloud-UserId'], keep: ['X-Envoy-Retry-On'] },
});
const untrusted: Peer = {
  address: '198.51.100.7',
  isTrusted: false,
  proto: 'http',
  forwardedFor: '198.51.100.7',
};
const trusted: Peer = { ...untrusted, isTrusted: true, proto: 'https' };

const build = (lines: readonly string[], more: Partial<RequestHeaderParts> = {}): string[] => {
  const rawHeaders = ['Host: api:8080', ...lines].flatMap((line) => line.split(/: ?(.*)/s).slice(0, 2));
  const facts = inspectHeaders(rawHeaders, '1.1', 100, classify);
  if (isDenial(facts)) throw new Error(facts.evidence);
  const pairs = createRequestHeaders(classify, {
    cookieName: 'session',
    protocolPrefix: 'bearer.',
    pseudonym: undefined,
    ownCookies: '__Host-own',
  })({
    rawHeaders,
    httpVersion: '1.1',
    facts,
    peer: untrusted,
    host: 'api:8080',
    requestId: 'r-1',
    identityPairs: ['X-Identity-User', 'alice'],
    keepsCredential: false,
    accessToken: undefined,
    ...more,
  });
  return pairs.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${pairs[at + 1]}`] : []));
};
const without = (lines: readonly string[], ...prefixes: readonly string[]): string[] =>
  lines.filter((line) => !prefixes.some((prefix) => line.toLowerCase().startsWith(prefix)));
const ours = ['host', 'x-forwarded-', 'forwarded', 'x-request-id', 'traceparent', 'x-identity-user'];

t.test('what goes on keeps its order, spelling and repetition', async (t) => {
  const lines = [
    'accept: a',
    'ACCEPT: b',
    'X-Odd_Name: 1',
    'x-odd_name: 2',
    'Cookie: a=1',
    'X-Empty: ',
    'Range: bytes=0-',
  ];
  t.same(without(build(lines), ...ours), lines);
});

t.test('the credential is gone, wherever it stood', async (t) => {
  const lines = [
    'Authorization: Bearer abc',
    'csp-auth-token: abc',
    'X-VMWARE-VCLOUD-ACCESS-TOKEN: abc',
    'x-api-key: abc',
    'X_Api_Key: abc',
    'csp_auth_token: abc',
    'Cookie: session=abc',
    'Cookie: a=1; session=abc; b=2',
  ];
  t.same(without(build(lines), ...ours), ['Cookie: a=1; b=2']);
  t.same(without(build(['Authorization: Basic YTpi']), ...ours), [], 'another scheme is removed too');
  const kept = without(build(lines, { keepsCredential: true }), ...ours);
  t.same(kept, without(lines, 'x_api', 'csp_auth'), 'a rule that keeps it keeps it as it came');
});

t.test('an access token can stand in for it', async (t) => {
  const lines = build(['Authorization: Bearer abc', 'csp-auth-token: abc'], { accessToken: 'x.y.z' });
  t.same(without(lines, ...ours), ['Authorization: Bearer x.y.z']);
});

t.test('only ours says who the caller is', async (t) => {
  const spoofs = [
    'X-Identity: root',
    'X_Identity: root',
    'x-IDENTITY-user: root',
    'X-Identity-Admin: 1',
    'X_ACCOUNT: root',
    'x-pcloud-userid: root',
  ];
  t.same(without(build(spoofs), ...ours.slice(0, -1)), ['X-Identity-User: alice']);
  t.same(without(build(spoofs, { identityPairs: [] }), ...ours.slice(0, -1)), [], 'or nobody does');
});

t.test('what APIs believe of proxies and gateways comes from no caller, however it is spelled', async (t) => {
  const identity = [
    'Remote-User: root',
    'REMOTE_USER: root',
    'X-Remote-User: root',
    'X-Remote-Group: wheel',
    'X-Auth-Request-Email: root@example.com',
    'X_Auth_Request_User: root',
    'Impersonate-User: root',
    'Impersonate-Extra-scopes: all',
    'X-Middleware-Subrequest: middleware',
    'X-Consumer-Username: root',
    'X-MS-CLIENT-PRINCIPAL: e30=',
  ];
  const proxy = [
    'Client-Cert: :MII=:',
    'Client-Cert-Chain: :MII=:',
    'X-SSL-Client-S-DN: CN=root',
    'X-SSL-Client-Verify: SUCCESS',
    'X-Envoy-Original-Path: /admin',
    'X-Original-URL: /admin',
    'X-Rewrite-URL: /admin',
    'X-Host: evil',
    'X-HTTP-Host-Override: evil',
    'X-ARR-ClientCert: MII=',
  ];
  t.same(without(build([...identity, ...proxy]), ...ours), []);
  t.same(
    without(build([...identity, ...proxy], { peer: trusted }), ...ours),
    proxy,
    'a trusted proxy speaks of itself',
  );
  t.same(
    without(build(['X-Envoy-Retry-On: 5xx', 'X_Envoy_Retry_On: 5xx']), ...ours).length,
    2,
    'unless it is kept',
  );
});

t.test('hop-by-hop headers stay here, framing is left to the forwarder', async (t) => {
  const lines = [
    'Connection: keep-alive, X-Private, upgrade',
    'X-Private: 1',
    'x-PRIVATE: 2',
    'Keep-Alive: timeout=5',
    'Proxy: http://evil',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic x',
    'TE: trailers',
    'Trailer: X-T',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    'Content-Length: 3',
    'Expect: 100-continue',
  ];
  t.same(without(build(lines), ...ours), []);
  t.same(without(build(['Transfer-Encoding: chunked']), ...ours), []);
});

t.test('an untrusted peer says nothing of who stands behind it', async (t) => {
  const lies = [
    'X-Forwarded-For: 1.1.1.1',
    'x_forwarded_for: 1.1.1.1',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: evil',
    'X-Forwarded-Port: 443',
    'X-Forwarded-Prefix: /admin',
    'Forwarded: for=1.1.1.1',
    'X-Real-IP: 1.1.1.1',
    'X-Original-URL: /admin',
    'X-Rewrite-URL: /admin',
    'True-Client-IP: 1.1.1.1',
    'CF-Connecting-IP: 1.1.1.1',
    'Client_IP: 1.1.1.1',
    'Fastly-Client-IP: 1.1.1.1',
    'X-Override-URL: /admin',
  ];
  t.same(without(build(lies), 'host', 'x-request-id', 'traceparent', 'x-identity-user'), [
    'X-Forwarded-For: 198.51.100.7',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Host: api:8080',
    'Forwarded: for=198.51.100.7;host="api:8080";proto=http',
  ]);
});

t.test('a trusted peer is believed, and its chain goes on', async (t) => {
  const lines = [
    'X-Forwarded-For: 203.0.113.9',
    'X-Forwarded-For: 10.0.0.2',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Host: shop.example',
    'X-Forwarded-Port: 443',
    'Forwarded: for=203.0.113.9',
  ];
  t.same(without(build(lines, { peer: trusted }), 'host', 'x-request-id', 'traceparent', 'x-identity-user'), [
    'X-Forwarded-Port: 443',
    'X-Forwarded-For: 203.0.113.9, 10.0.0.2, 198.51.100.7',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Host: shop.example',
    'Forwarded: for=203.0.113.9, for=198.51.100.7;host="api:8080";proto=https',
  ]);
  t.same(without(build([], { peer: trusted }), 'host', 'x-request-id', 'traceparent', 'x-identity-user'), [
    'X-Forwarded-For: 198.51.100.7',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: api:8080',
    'Forwarded: for=198.51.100.7;host="api:8080";proto=https',
  ]);
});

t.test('a trace is carried when it is one, else begun', async (t) => {
  const traceparent = 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const carried = build([traceparent, 'tracestate: a=1', 'tracestate: b=2']);
  t.same(
    carried.filter((line) => line.startsWith('trace')),
    ['tracestate: a=1', 'tracestate: b=2', traceparent],
  );
  for (const bad of [['traceparent: nonsense'], [traceparent, traceparent], []]) {
    const begun = build([...bad, 'tracestate: a=1']).filter((line) => line.startsWith('trace'));
    t.equal(begun.length, 1);
    t.match(begun[0], /^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    t.not(begun[0], traceparent);
  }
});

t.test('Host comes first, once, and X-Request-Id is the one of our records', async (t) => {
  const lines = build(['X-Request-Id: theirs'], { host: 'upstream.internal' });
  t.equal(lines[0], 'Host: upstream.internal');
  t.equal(lines.filter((line) => line.startsWith('Host')).length, 1);
  t.same(
    lines.filter((line) => /^x-request-id/i.test(line)),
    ['X-Request-Id: r-1'],
  );
});

t.test('a long name is classified and not remembered', async (t) => {
  setFlagsFromString('--expose_gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no gc');
  const heapBytes = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const learns = createHeaderClassifier({
    credential: { headers: [] },
    identity: { headers: {}, strip: [], keep: [] },
  });
  const before = heapBytes();
  const found = new Set<number>();
  for (let n = 0; n < 2_000; n++) found.add(learns(Buffer.alloc(15_000, `x${n}-`).toString('latin1')));
  t.same([...found], [headerClass.pass]);
  t.equal(learns(`X-Identity-${'a'.repeat(15_000)}`), headerClass.identity);
  t.ok(heapBytes() - before < 10_000_000, 'thirty million bytes of names are gone');
});

t.test('cookies of Tollgate itself never go on, whatever the route keeps', async (t) => {
  for (const keepsCredential of [false, true]) {
    const cookies = (...lines: readonly string[]): readonly string[] =>
      build(lines, { keepsCredential }).filter((line) => line.startsWith('Cookie'));
    t.same(cookies('Cookie: a=1; __Host-own=x; b=2'), ['Cookie: a=1; b=2']);
    t.same(cookies('Cookie: __Host-own=x; __Host-own-other=y'), []);
    t.same(cookies('Cookie: a=__Host-own; x__Host-own=1'), ['Cookie: a=__Host-own; x__Host-own=1']);
    t.same(cookies('Cookie: __Host-own=x', 'Cookie: c=3'), ['Cookie: c=3']);
    t.same(cookies('Cookie: a=1;__Host-own=x=y;  b=2'), ['Cookie: a=1;  b=2']);
  }
});
