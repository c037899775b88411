// Issue 9, number 10: routes and upstreams by host name. The most exact path wins, then the more exact host; no spelling of Host is a
// way round a rule, and X-Forwarded-Host selects none.

import { assert, constantFrom, property, subarray } from 'fast-check';
import t, { type Test } from 'tap';
import { type HostPattern, parseHostPattern } from '../../../src/decision/host-pattern.ts';
import type { RouteRule } from '../../../src/decision/route-rule.ts';
import { createHostRouters, rulesOfHost } from '../../../src/proxy/routing/host-routes.ts';
import { type EdgeOptions, startEdge } from '../../support/edge.ts';
import { exchangeRaw } from '../../support/raw-client.ts';
import { startRawUpstream } from '../../support/raw-upstream.ts';
import { aRule } from '../../support/route-rule.ts';

const host = (written: string): HostPattern => {
  const pattern = parseHostPattern(written);
  if ('fault' in pattern) throw new Error(pattern.fault);
  return pattern;
};
const open = { public: true } as const;
const strict = { scopes: ['things:admin'] };

const nameOf = (rules: readonly RouteRule[], of: string | undefined, method: string, path: string) =>
  createHostRouters(rules)?.(of)?.match(method, path)?.rule.name;

t.test('the most exact path wins, then the more exact host', async (t) => {
  const rules = [
    aRule({ name: 'all', path: '/*', ...open }),
    aRule({ name: 'admin', path: '/admin', ...strict }),
    aRule({ name: 'wild', path: '/*', host: host('*.example.com'), scopes: [] }),
    aRule({ name: 'deep', path: '/*', host: host('*.eu.example.com'), scopes: [] }),
    aRule({ name: 'api', path: '/*', host: host('api.example.com'), scopes: ['a'], methods: ['GET'] }),
    aRule({ name: 'api-x', path: '/x', host: host('api.example.com'), scopes: ['a'] }),
  ];
  for (const [of, method, path, name] of [
    [undefined, 'GET', '/a', 'all'],
    ['other.example', 'GET', '/a', 'all'],
    ['example.com', 'GET', '/a', 'all'],
    ['api.example.com.evil', 'GET', '/a', 'all'],
    ['www.example.com', 'GET', '/a', 'wild'],
    ['a.b.example.com', 'GET', '/a', 'wild'],
    ['a.eu.example.com', 'GET', '/a', 'deep'],
    ['API.example.com.:8443', 'GET', '/a', 'api'],
    ['api.example.com', 'HEAD', '/a', 'api'],
    ['api.example.com', 'POST', '/a', 'wild'],
    ['api.example.com', 'GET', '/x', 'api-x'],
    // A rule for all hosts with a more exact path holds on each of them.
    ['api.example.com', 'GET', '/admin', 'admin'],
  ] as const)
    t.equal(nameOf(rules, of, method, path), name, `${of} ${method} ${path}`);
  t.equal(createHostRouters([aRule({})]), undefined, 'without hosts nothing is looked up');
});

t.test('HEAD of a rule for more hosts is no way round the GET of a stricter one', async (t) => {
  const rules = [
    aRule({ name: 'all', path: '/x', ...open }),
    aRule({ name: 'guarded', path: '/x', host: host('api.example.com'), methods: ['GET'], ...strict }),
  ];
  t.equal(nameOf(rules, 'api.example.com', 'HEAD', '/x'), 'guarded');
  t.equal(nameOf(rules, 'api.example.com', 'POST', '/x'), 'all');
});

const setScene = async (t: Test, options: EdgeOptions) => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  const send = (...lines: readonly string[]) => exchangeRaw(edge.port, [...lines, '', ''].join('\r\n'));
  return { edge, send, reached: upstream.requests };
};

const guarded = [
  aRule({ name: 'open', path: '/*', ...open }),
  aRule({ name: 'guarded', path: '/*', host: host('admin.example.com'), ...strict }),
  aRule({ name: 'below', path: '/*', host: host('*.admin.example.com'), ...strict }),
];

t.test('no spelling of Host is a way round a rule for it', async (t) => {
  const { send, reached, edge } = await setScene(t, { routes: guarded, trustedProxies: ['127.0.0.1'] });
  for (const [status, ...lines] of [
    [401, 'GET /x HTTP/1.1', 'Host: admin.example.com'],
    [401, 'GET /x HTTP/1.1', 'Host: ADMIN.Example.COM'],
    [401, 'GET /x HTTP/1.1', 'Host: admin.example.com.'],
    [401, 'GET /x HTTP/1.1', 'Host: admin.example.com.:8080'],
    [401, 'GET /x HTTP/1.1', 'Host: a.b.admin.example.com:1'],
    [401, 'GET http://admin.example.com/x HTTP/1.1', 'Host: other.example'],
    [401, 'GET http://ADMIN.example.com.:80 HTTP/1.1', 'Host: other.example'],
    [401, 'GET http://admin.example.com/x HTTP/1.0'],
    // A trusted proxy that keeps the Host elsewhere says nothing of it here.
    [
      401,
      'GET /x HTTP/1.1',
      'Host: admin.example.com',
      'X-Forwarded-Host: other.example',
      'X-Forwarded-For: 203.0.113.9',
    ],
    [400, 'GET /x HTTP/1.1', 'Host: admin.example.com..'],
    [400, 'GET /x HTTP/1.1', 'Host: .admin.example.com'],
    [400, 'GET /x HTTP/1.1', 'Host: admin..example.com'],
    [400, 'GET /x HTTP/1.1', 'Host: admin.example.com, other.example'],
    [400, 'GET /x HTTP/1.1', 'Host: other.example', 'Host: admin.example.com'],
  ] as const)
    t.equal((await send(...lines)).status, status, lines.join(' | '));
  t.equal(reached.length, 0);
  for (const lines of [
    ['GET /x HTTP/1.1', 'Host: other.example'],
    [
      'GET /x HTTP/1.1',
      'Host: other.example',
      'X-Forwarded-Host: admin.example.com',
      'X-Forwarded-For: 203.0.113.9',
    ],
    ['GET /x HTTP/1.0'],
  ]) {
    t.equal((await send(...lines)).status, 200, lines.join(' | '));
    t.match(edge.outcomes.at(-1), { route: 'open' });
  }
});

t.test('what a lenient server reads as a path of a stricter rule is refused on each host', async (t) => {
  const { send } = await setScene(t, {
    routes: [
      aRule({ name: 'open', path: '/*', ...open }),
      aRule({ name: 'admin', path: '/admin', host: host('api.example.com'), ...strict }),
    ],
  });
  t.equal((await send('GET /Admin HTTP/1.1', 'Host: api.example.com')).status, 400);
  t.equal((await send('GET /admin HTTP/1.1', 'Host: api.example.com')).status, 401);
  t.equal((await send('GET /Admin HTTP/1.1', 'Host: other.example')).status, 200);
});

t.test('property: of each host and path the most exact rule is found, by path and then by host', async () => {
  const hosts = [undefined, 'a.x', '*.x', 'b.a.x', '*.a.x'] as const;
  const paths = ['/*', '/p', '/{s}', '/p/*'] as const;
  const all = hosts.flatMap((of) =>
    paths.map((path) =>
      aRule({ name: `${of} ${path}`, path, ...open, host: of === undefined ? undefined : host(of) }),
    ),
  );
  const rank = (name: string): readonly number[] => {
    const [of = '', path = ''] = name.split(' ');
    return [
      ['/*', '/{s}', '/p/*', '/p'].indexOf(path),
      ['undefined', '*.x', '*.a.x', 'a.x', 'b.a.x'].indexOf(of),
    ];
  };
  const holds = (name: string, of: string, path: string): boolean => {
    const [pattern = '', written = ''] = name.split(' ');
    const isHost =
      pattern === 'undefined' || pattern === of || (pattern.startsWith('*') && of.endsWith(pattern.slice(1)));
    const isPath = {
      '/*': true,
      '/p': path === '/p',
      '/{s}': /^\/[^/]+$/.test(path),
      '/p/*': path.startsWith('/p/'),
    }[written];
    return isHost && isPath === true;
  };
  assert(
    property(
      subarray(all),
      constantFrom('a.x', 'b.a.x', 'c.b.a.x', 'x', 'y'),
      constantFrom('/p', '/q', '/p/r', '/'),
      (rules, of, path) => {
        const best = rules
          .map(({ name }) => name)
          .filter((name) => holds(name, of, path))
          .toSorted(
            (one, other) =>
              (rank(other)[0] ?? 0) - (rank(one)[0] ?? 0) || (rank(other)[1] ?? 0) - (rank(one)[1] ?? 0),
          )
          .at(0);
        const routers = createHostRouters(rules);
        if (routers === undefined) return rules.every((rule) => rule.host === undefined);
        return routers(of)?.match('GET', path)?.rule.name === best;
      },
    ),
    { numRuns: 2_000 },
  );
});

t.test('a rule keeps the methods that no more exact host takes', async (t) => {
  const rules = [
    aRule({ name: 'all', path: '/x', methods: ['GET', 'POST'] }),
    aRule({ name: 'api', path: '/x', methods: ['POST'], host: host('api.x') }),
  ];
  t.match(rulesOfHost(rules, host('api.x')), [{ name: 'all', methods: ['GET'] }, { name: 'api' }]);
  t.equal(rulesOfHost(rules, undefined)[0], rules[0], 'the same rule where nothing is taken from it');
  t.equal(rulesOfHost(rules, undefined).length, 1);
});
