// Issue 9, number 10: Location, Content-Location, Set-Cookie Path and Domain are mapped back (setting). The values are what nginx 1.22
// makes of them by proxy_redirect, proxy_cookie_path and proxy_cookie_domain, but that the API's own address becomes a path alone
// (RFC 9110 section 10.2.2 allows a relative reference), which holds behind whatever ends TLS.

import t, { type Test } from 'tap';
import { patternOf } from '../../src/decision/path-pattern.ts';
import { compileRewrite, isRewriteFault, type RewriteSettings } from '../../src/decision/path-rewrite.ts';
import { answerMapOf, mapAnswer } from '../../src/decision/response-mapping.ts';
import { startEdge } from '../support/edge.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const rewriteOf = (path: string, written: Omit<RewriteSettings, 'path'>) => {
  const rewrite = compileRewrite({ path: patternOf(path), ...written });
  if (isRewriteFault(rewrite)) throw new Error(rewrite.fault);
  return rewrite;
};

/** The files of an API at api.internal:8081, which callers see below /files of gate.example. */
const files = answerMapOf(
  { rewrite: rewriteOf('/files/*', { stripPrefix: '/files' }) },
  '/files/a?b',
  '/a?b',
  'http://api.internal:8081',
  'gate.example:8443',
);
const mapped = (name: string, value: string, map = files): string => {
  const pairs = ['X-Before', 'http://api.internal:8081/', name, value];
  mapAnswer(pairs, map);
  t.equal(pairs[1], 'http://api.internal:8081/', 'other fields stay');
  return pairs[3] ?? '';
};

t.test('Location and Content-Location name the caller’s paths', async (t) => {
  for (const [value, expected] of [
    ['/login?next=/a#x', '/files/login?next=/a#x'],
    ['/', '/files/'],
    ['http://api.internal:8081/login', '/files/login'],
    ['HTTP://API.internal:8081', '/files/'],
    ['//api.internal:8081/x?y', '/files/x?y'],
    // The caller's own host stays: an API that redirects to https says so.
    ['https://gate.example:8443/x', 'https://gate.example:8443/files/x'],
    // What is not the API is nobody's to change.
    ['http://api.internal/x', 'http://api.internal/x'],
    ['https://api.internal:8081/x', 'https://api.internal:8081/x'],
    ['http://user@api.internal:8081/x', 'http://user@api.internal:8081/x'],
    ['https://login.example/x', 'https://login.example/x'],
    ['//evil.example/x', '//evil.example/x'],
    ['next', 'next'],
    ['?page=2', '?page=2'],
    ['#part', '#part'],
    ['', ''],
    ['mailto:ann@example.com', 'mailto:ann@example.com'],
  ] as const)
    for (const name of ['Location', 'content-location'])
      t.equal(mapped(name, value), expected, `${name}: ${value}`);
});

t.test('a path of the API never becomes the name of another host', async (t) => {
  const api = answerMapOf(
    { rewrite: rewriteOf('/*', { addPrefix: '/api' }) },
    '/a',
    '/api/a',
    'http://api.internal',
    'gate.example',
  );
  const plain = answerMapOf({ rewrite: undefined }, '/a', '/a', 'http://api.internal', 'gate.example');
  for (const [map, value, expected] of [
    [api, '/api//evil.example/x', '/.//evil.example/x'],
    [api, '/api/\\evil.example', '/./\\evil.example'],
    [api, '/api/\t/evil.example', '/./\t/evil.example'],
    [api, 'http://api.internal/api//evil.example', '/.//evil.example'],
    [plain, 'http://api.internal//evil.example?x', '/.//evil.example?x'],
    [plain, '//api.internal/\\evil.example', '/./\\evil.example'],
    [api, 'https://gate.example/api//evil.example', 'https://gate.example//evil.example'],
  ] as const) {
    t.equal(mapped('Location', value, map), expected, value);
    t.equal(new URL(expected, 'https://gate.example/').host, 'gate.example', 'as browsers read it');
  }
});

t.test('Path and Domain of a cookie are the caller’s', async (t) => {
  for (const [value, expected] of [
    ['a=b', 'a=b'],
    ['a=b; Path=/', 'a=b; Path=/files'],
    ['a=b; path=/x; HttpOnly', 'a=b; path=/files/x; HttpOnly'],
    ['a=/; Path=/; Domain=api.internal; Secure', 'a=/; Path=/files; Domain=gate.example; Secure'],
    ['a=b;Domain=.API.internal;Path=/', 'a=b;Domain=gate.example;Path=/files'],
    ['a=b; Domain=other.internal', 'a=b; Domain=other.internal'],
    ['a=b; Path=x', 'a=b; Path=x'],
    ['Path=/; Path=/x', 'Path=/; Path=/files/x'],
    ['__Host-a=b; Path=/; Secure', '__Host-a=b; Path=/; Secure'],
    ['__Secure-a=b; Path=/; Secure', '__Secure-a=b; Path=/files; Secure'],
  ] as const)
    t.equal(mapped('Set-Cookie', value), expected, value);
  t.equal(
    mapped('set-cookie', 'a=b; Domain=api.internal; Path=/', { ...files, callerHost: '127.0.0.1:8080' }),
    'a=b; Path=/files',
    'an address has no domain',
  );
});

t.test('each rewrite is undone where it can be', async (t) => {
  for (const [path, written, caller, forwarded, from, to] of [
    [
      '/api/v1/*',
      { stripPrefix: '/api', addPrefix: '/rest' },
      '/api/v1/x',
      '/rest/v1/x',
      '/rest/v1/y',
      '/api/v1/y',
    ],
    [
      '/api/v1/*',
      { stripPrefix: '/api', addPrefix: '/rest' },
      '/api/v1/x',
      '/rest/v1/x',
      '/elsewhere',
      '/elsewhere',
    ],
    [
      '/api/v1/*',
      { stripPrefix: '/api', addPrefix: '/rest' },
      '/api/v1/x',
      '/rest/v1/x',
      '/restful',
      '/restful',
    ],
    ['/*', { addPrefix: '/in' }, '/x', '/in/x', '/in', '/'],
    ['/orgs/{org}/*', { stripPrefix: '/orgs/{org}' }, '/orgs/acme/x', '/x', '/y', '/orgs/acme/y'],
    [
      '/users/{id}/*',
      { rewrite: '/v2/users/{id}/*' },
      '/users/7/x',
      '/v2/users/7/x',
      '/v2/users/8/',
      '/users/8/',
    ],
    ['/users/{id}', { rewrite: '/v2/{id}.json' }, '/users/7', '/v2/7.json', '/v2/7.json', '/users/7'],
    ['/users/{id}', { rewrite: '/v2/{id}.json' }, '/users/7', '/v2/7.json', '/v2/8.json', '/v2/8.json'],
    ['/plain/*', {}, '/plain/x', '/plain/x', '/y', '/y'],
  ] as const) {
    const map = answerMapOf(
      { rewrite: rewriteOf(path, written) },
      caller,
      forwarded,
      'http://api',
      'gate.example',
    );
    t.equal(mapped('Location', from, map), to, `${path} ${from}`);
  }
});

const setScene = async (t: Test, mapResponses: boolean) => {
  const upstream = await startRawUpstream({
    answer: ({ startLine }) =>
      [
        startLine.includes('socket') ? 'HTTP/1.1 302 Found' : 'HTTP/1.1 201 Created',
        'Location: /made/1',
        'Content-Location: /made/1?x',
        'Set-Cookie: a=b; Path=/',
        'Set-Cookie: c=d; Path=/made',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
  });
  t.teardown(() => upstream.close());
  const rule = aRule({ path: '/files/*', public: true, upgrade: true, mapResponses });
  const edge = await startEdge(upstream, {
    routes: [{ ...rule, rewrite: rewriteOf('/files/*', { stripPrefix: '/files' }) }],
  });
  t.teardown(() => edge.close());
  return (...lines: readonly string[]) =>
    exchangeRaw(edge.port, [...lines, 'Host: api', '', ''].join('\r\n'));
};

t.test('on the wire, where the route says so', async (t) => {
  const send = await setScene(t, true);
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
  for (const answer of [
    await send('POST /files/x HTTP/1.1', 'Content-Length: 0'),
    await send('GET /files/socket HTTP/1.1', ...upgrade),
  ]) {
    t.equal(answer.header('location'), '/files/made/1');
    t.equal(answer.header('content-location'), '/files/made/1?x');
    t.same(answer.all('set-cookie'), ['a=b; Path=/files', 'c=d; Path=/files/made']);
  }
});

t.test('and nowhere else', async (t) => {
  const answer = await (await setScene(t, false))('GET /files/x HTTP/1.1');
  t.equal(answer.header('location'), '/made/1');
  t.same(answer.all('set-cookie'), ['a=b; Path=/', 'c=d; Path=/made']);
});
