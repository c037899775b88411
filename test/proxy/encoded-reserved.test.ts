// Issue 9, number 3: escapes of reserved characters pass byte for byte where a route says so, and are refused elsewhere. Whichever
// of them a server behind decodes, it reads a path that this caller may call: no encoding reaches a stricter rule.

import { assert, constantFrom, property, stringMatching, uniqueArray } from 'fast-check';
import t, { type Test } from 'tap';
import { isDenial } from '../../src/decision/outcome.ts';
import { normalTarget } from '../../src/decision/normal-path.ts';
import { parseTarget } from '../../src/decision/path.ts';
import { patternOf } from '../../src/decision/path-pattern.ts';
import { PathTree } from '../../src/decision/path-tree.ts';
import { decodedReadings } from '../../src/decision/reserved-escapes.ts';
import { createRouter } from '../../src/proxy/routing/router.ts';
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

const pass = { encodedReserved: 'pass' } as const;
const open = { public: true } as const;

t.test('the normal form of a path is judged and forwarded', async (t) => {
  const { send, reached, edge } = await setScene(t, {
    routes: [
      aRule({ path: '/files/*', ...open }),
      aRule({ name: 'admin', path: '/admin', scopes: ['things:admin'] }),
    ],
    surface: { path: '/oauth2/token', handle: (request, response) => void response.end(request.url) },
  });
  for (const [target, forwarded] of [
    ['/files/%7Eann/%41?%41=%2f', '/files/~ann/A?%41=%2f'],
    ['/f%69les/caf%c3%a9', '/files/caf%C3%A9'],
    ['http://api/files/%2D', '/files/-'],
  ] as const) {
    t.equal((await send(`GET ${target}`)).status, 200, target);
    t.equal(reached.at(-1)!.startLine, `GET ${forwarded} HTTP/1.1`);
  }
  t.equal((await send('GET /%61dmin')).status, 401, 'it is the path of that rule');
  t.match(edge.outcomes.at(-1), { route: 'admin', path: '/admin' });
  t.equal((await send('GET /oauth2/%74oken')).body, '/oauth2/token', 'and that of a token endpoint');
  for (const target of ['/files/%2e%2e/admin', '/files/%2E/x', '/%2e%2e%2fadmin'])
    t.equal((await send(`GET ${target}`)).status, 400, target);
});

t.test('elsewhere each is refused, and the body says which character and which setting', async (t) => {
  for (const errors of ['problem', 'csp', 'astra', 'vcd'] as const) {
    const { send, reached, edge } = await setScene(t, {
      routes: [aRule({ path: '/files/*', errors, ...open })],
      errors,
    });
    for (const [target, escape, character] of [
      ['/files/a%2Fb', '%2F', '/'],
      ['/files/a%2fb%3F', '%2F', '/'],
      ['/files/a%5Cb', '%5C', '\\'],
      ['/files/a%3bb', '%3B', ';'],
      ['/files/a%3F', '%3F', '?'],
      ['/files/%23', '%23', '#'],
      ['/nothing%2Fhere', '%2F', '/'],
    ] as const) {
      const answer = await send(`GET ${target}`);
      t.equal(answer.status, 400, target);
      const { detail, message } = JSON.parse(answer.body) as { detail?: string; message?: string };
      const said = detail ?? message ?? '';
      t.ok(said.includes(`${escape}, an escaped "${character}"`), said);
      t.match(said, /encodedReserved: pass/);
      t.match(await edge.nextOutcome(), { reason: 'path_ambiguous', status: 400 });
    }
    t.equal(reached.length, 0);
  }
});

t.test('a route that says so passes them byte for byte', async (t) => {
  const { send, reached } = await setScene(t, {
    routes: [
      aRule({ path: '/files/*', ...open, ...pass }),
      aRule({ name: 'api', path: '/api/*', scopes: ['things:read'] }),
      aRule({ name: 'project', path: '/api/projects/{id}/files', scopes: ['things:read'], ...pass }),
    ],
  });
  const good = 'Authorization: Bearer good';
  for (const [target, forwarded] of [
    ['/files/a%2Fb%5C%3B%3F%23?q=%2f', '/files/a%2Fb%5C%3B%3F%23?q=%2f'],
    ['/files/a%2fb', '/files/a%2Fb'],
    ['/files/https%3A%2F%2Fapi.example%2Fx%3Fy', '/files/https%3A%2F%2Fapi.example%2Fx%3Fy'],
    ['/files/%2Fa', '/files/%2Fa'],
    // In a parameter, because another rule that asks no more covers what it may be read as.
    ['/api/projects/group%2Fproject/files', '/api/projects/group%2Fproject/files'],
  ] as const) {
    t.equal((await send(`GET ${target}`, good)).status, 200, target);
    t.equal(reached.at(-1)!.startLine, `GET ${forwarded} HTTP/1.1`);
  }
  for (const target of [
    '/files/a%2F..%2F..%2Fadmin',
    '/files/..%5Cx',
    '/files/..%3B/x',
    '/files/.%3Fx',
    '/files/%252F',
    '/files/a%2F%20..%2Fb',
    '/api/a%2Fb',
    '/files%2Fa',
    '/%2Ffiles/a',
  ])
    t.equal((await send(`GET ${target}`, good)).status, 400, target);
});

t.test('a path that may be read as one of a stricter rule, of no rule or of ours is refused', async (t) => {
  const routes = [
    aRule({ name: 'all', path: '/*', ...open, ...pass }),
    aRule({ name: 'admin', path: '/admin/*', scopes: ['things:admin'] }),
    aRule({ name: 'secret', path: '/a/{id}/secret', scopes: ['things:admin'] }),
    aRule({ name: 'org', path: '/orgs/{org}/x', tenantParameter: 'org' }),
    aRule({ name: 'write', path: '/w/{id}', methods: ['PROPFIND'], ...pass, ...open }),
  ];
  const { send, reached } = await setScene(t, { routes, owned: [patternOf('/oauth2/token')] });
  for (const target of [
    '/admin%2Fx',
    '/admin%5Cx',
    '/ADMIN%2Fx',
    '/%2Fadmin/x',
    '/%2F%2Fadmin%2Fx',
    '/admin%3Bx/y',
    '/admin%3Bx%2Fy',
    '/admin/%3Fx',
    '/admin%2F%23',
    '/a/b%2Fsecret',
    '/a/b%5Csecret',
    '/a%2Fb%2Fsecret%3Fx',
    '/a/b/secret%3Bv=1',
    '/a/b/Secret%23',
    '/a/b%2Fc/secret',
    '/orgs%2Facme/x',
    '/orgs/acme/x%3Fy',
    '/oauth2%2Ftoken',
    '/oauth2/token%3Fx',
    '/OAuth2/token%3B',
  ]) {
    const answer = await send(`GET ${target}`);
    t.equal(answer.status, 400, target);
    t.match(answer.body, /may be a path of another rule|Only a route/);
  }
  t.equal(
    (await send('PROPFIND /w/a%2Fb')).status,
    400,
    'no rule covers /w/a/b for PROPFIND: that path was never opened',
  );
  t.equal(reached.length, 0);
  for (const target of ['/b%2Fadmin', '/adminx%2Fy', '/a%2Fb', '/a/b%3Fsecret', '/a/b%2Fsecret2'])
    t.equal((await send(`GET ${target}`)).status, 200, target);
});

t.test('in shadow mode a path with one goes on only where it would pass', async (t) => {
  const { send } = await setScene(t, {
    mode: 'shadow',
    routes: [aRule({ path: '/files/*', mode: 'shadow', scopes: ['things:read'] })],
  });
  t.equal((await send('GET /files/a%2Fb')).status, 400);
  t.equal((await send('GET /nothing%2Fhere')).status, 400);
  t.equal((await send('GET /files/a')).status, 200);
});

/** One kind of escapes alone. */
const stepwise: Readonly<Record<string, (path: string) => string>> = {
  slash: (path) => path.replaceAll('%2F', '/'),
  backslash: (path) => path.replaceAll('%5C', '/'),
  parameters: (path) => path.replaceAll(/(?:%3B|;)[^/]*/g, ''),
  query: (path) => path.replace(/(?:%3F|\?).*/, ''),
  fragment: (path) => path.replace(/(?:%23|#).*/, ''),
};

/** How servers read paths, each with a habit of its own; written without what the router reads by. */
const habits: Readonly<Record<string, (path: string) => string>> = {
  'decodes all, and the query begins again': (path) => decodeURIComponent(path).split(/[?#]/, 1)[0] ?? '',
  'decodes all, and everything is a path': (path) => decodeURIComponent(path),
  'decodes slashes alone': (path) => path.replaceAll('%2F', '/'),
  'decodes backslashes alone, as slashes': (path) => path.replaceAll('%5C', '/'),
  'decodes all, backslashes are slashes': (path) => decodeURIComponent(path).replaceAll('\\', '/'),
  'strips parameters of segments': (path) => decodeURIComponent(path).replaceAll(/;[^/]*/g, ''),
  'strips parameters, then ends at the query': (path) =>
    decodeURIComponent(path)
      .replaceAll(/;[^/]*/g, '')
      .split(/[?#]/, 1)[0] ?? '',
  'ends at the query, then strips parameters': (path) =>
    (decodeURIComponent(path).split(/[?#]/, 1)[0] ?? '').replaceAll(/;[^/]*/g, ''),
  'ends at a question mark alone': (path) => path.split('%3F', 1)[0] ?? '',
  'strips parameters, leaves slashes': (path) => path.replaceAll(/%3B[^/]*/g, ''),
  'is a browser': (path) => new URL(`http://h${decodeURIComponent(path).replaceAll(/^\/+/g, '/')}`).pathname,
  'merges slashes': (path) =>
    decodeURIComponent(path)
      .replaceAll('\\', '/')
      .replaceAll(/\/{2,}/g, '/'),
  'merges slashes that it decodes': (path) => path.replaceAll('%2F', '/').replaceAll(/\/{2,}/g, '/'),
};

/** One after the other, too: each reads what the one before it made of the path. */
const servers = Object.values(habits).flatMap((first) => [
  first,
  ...Object.values(stepwise).map((then) => (path: string) => then(first(path))),
  ...Object.values(stepwise).map((then) => (path: string) => first(then(path))),
]);

const patterns = [
  '/*',
  '/a',
  '/a/*',
  '/a/{x}',
  '/a/{x}/b',
  '/a/b',
  '/a/b/*',
  '/{x}',
  '/{x}/b',
  '/b/{x}/*',
  '/b',
  '/b/*',
];

t.test(
  'property: no encoding reaches a rule that the caller may not call, nor a path of no rule',
  async () => {
    const rules = uniqueArray(constantFrom(...patterns), { minLength: 1, maxLength: 5 });
    const paths = stringMatching(/^(\/(a|b|c|x)?((%2F|%2f|%5C|%3B|%3F|%23)(a|b|x)?){0,3}){1,3}\/?$/);
    let passed = 0;
    assert(
      property(rules, stringMatching(/^[01]{5}$/), paths, (chosen, strict, target) => {
        const routes = chosen.map((path, at) =>
          aRule({ name: path, path, ...pass, ...(strict[at] === '1' ? { scopes: ['strict'] } : open) }),
        );
        const parsed = parseTarget(normalTarget(target), 8_192);
        if (isDenial(parsed)) return true;
        const router = createRouter(routes, [patternOf('/c/a')]);
        const found = router.match('GET', parsed.path)?.rule;
        if (found === undefined) return true;
        if (parsed.path.includes('%')) passed += 1;
        const rulesAt = new PathTree(routes.map((rule) => [rule.path, rule] as const));
        return servers.every((read) => {
          const reading = read(parsed.path);
          // Without an escape it is answered here before it is routed.
          if (parsed.path.includes('%') && reading === '/c/a') return false;
          const at = rulesAt.find(reading)?.value;
          if (parsed.path.includes('%') && at === undefined) return false;
          return at === undefined || found.scopes.length > 0 || at.scopes.length === 0;
        });
      }),
      { numRuns: 6_000 },
    );
    t.ok(passed > 100, `${passed} paths with escapes passed`);
  },
);

t.test(
  'a path is read in each order, and a long one with many kinds of escapes is refused unread',
  async (t) => {
    for (let count = 1; count < 40; count++) {
      const path = `/x${'%3Ba%2Fb%5Cc%3Fd/%23e%3B'.repeat(count)}`;
      const readings = decodedReadings(path);
      if (readings !== undefined) t.ok(readings.join('').length <= 4 * 65_536 && readings.length < 200, path);
      else t.ok(path.length > 400, path);
    }
    t.equal(decodedReadings(`/${'a%2F'.repeat(2_000)}`)?.length, 2);
    t.same(
      decodedReadings('/c%3Bx%2Fy/z%2Fw')?.filter((reading) => reading === '/c/z/w'),
      ['/c/z/w'],
      'parameters stripped before slashes are decoded',
    );
    t.ok(
      decodedReadings('/c%3B%23/a%23')?.includes('/c/a'),
      'parameters stripped before the fragment is cut',
    );
    t.same(decodedReadings('/a%2Fb')?.toSorted(), ['/a%EE%80%80b', '/a/b']);
  },
);
