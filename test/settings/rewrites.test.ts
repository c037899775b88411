// Issue 9, number 10, and its bad input: a rewrite that does not fit its path, or leads to what a stricter route guards at the same
// upstream, is a settings error with its line; never an open door.

import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { issueLine } from '../../src/settings/settings-issue.ts';

const problemsOf = (t: Test, routes: readonly string[]): readonly string[] => {
  const text = [
    'upstreams: { other: { url: "http://127.0.0.1:8082" } }',
    'routes:',
    ...routes.map((line) => `  - ${line}`),
    '',
  ];
  const file = join(t.testdir({ 'a.yaml': text.join('\n') }), 'a.yaml');
  const loaded = loadSettings({ file, env: {}, flags: {} });
  return loaded.ok ? [] : loaded.problems.map(issueLine);
};

t.test('a rewrite fits the path of its route', async (t) => {
  t.match(
    problemsOf(t, [
      '{ name: a, path: /files/*, public: true, stripPrefix: /other }',
      '{ name: b, path: "/users/{id}", public: true, rewrite: "/people/{name}" }',
      '{ name: c, path: /c/*, public: true, addPrefix: internal }',
      '{ name: d, path: /d/*, public: true, rewrite: /e/*, encodedReserved: pass }',
      '{ name: e, path: /f/*, public: true, rewrite: /../x }',
    ]).toSorted(),
    [
      /:3:\d+: routes\[0\].stripPrefix: \/other is not how each path of \/files\/\* begins/,
      /:4:\d+: routes\[1\].rewrite: \{name\} is no parameter of \/users\/\{id\}; write one of \{id\}/,
      /:5:\d+: routes\[2\].addPrefix: "internal" is not a path; write a path such as \/internal/,
      /:6:\d+: routes\[3\].encodedReserved: stands beside rewrite/,
      /:7:\d+: routes\[4\].rewrite: a segment \.\. never reaches the router/,
    ],
  );
});

t.test('no rewrite leads to what a stricter route guards at the same upstream', async (t) => {
  const admin = '{ name: admin, path: /admin/*, scopes: [admin] }';
  for (const [sentence, ...routes] of [
    ['a stripped prefix', '{ name: open, path: /open/*, public: true, stripPrefix: /open }', admin],
    [
      'an added prefix',
      '{ name: open, path: /open/*, public: true, stripPrefix: /open, addPrefix: /admin }',
      admin,
    ],
    ['a template', '{ name: open, path: "/open/{x}", public: true, rewrite: "/{x}/users" }', admin],
    ['one scope of two', '{ name: open, path: /open/*, scopes: [some], stripPrefix: /open }', admin],
    [
      'the other way round',
      '{ name: open, path: /*, public: true }',
      '{ name: guarded, path: /g/*, scopes: [admin], rewrite: /i/* }',
    ],
    [
      'a tenant',
      '{ name: open, path: /open/*, scopes: [], stripPrefix: /open }',
      '{ name: org, path: "/orgs/{org}/*", scopes: [] }',
    ],
    [
      'HEAD, which follows GET',
      '{ name: open, path: /open/*, methods: [HEAD], public: true, stripPrefix: /open }',
      '{ name: admin, path: /admin/*, methods: [GET], scopes: [admin] }',
    ],
    [
      'people alone',
      '{ name: open, path: /open/*, scopes: [], stripPrefix: /open }',
      '{ name: people, path: /me, scopes: [], sessions: interactive }',
    ],
  ] as const) {
    const said = problemsOf(t, routes);
    t.equal(said.length, 1, sentence);
    t.match(
      said[0],
      /lets open reach \/\S* at the upstream default, which \w+ \(\S+\) lets fewer callers reach; ask for the same/,
    );
  }
});

t.test(
  'a route for one host is no guard at an upstream that others reach by another: a warning',
  async (t) => {
    const warningsOf = (...routes: readonly string[]) => {
      const text = [
        'upstreams: { other: { url: "http://127.0.0.1:8082" } }',
        'routes:',
        ...routes.map((line) => `  - ${line}`),
        '',
      ];
      const file = join(t.testdir({ 'a.yaml': text.join('\n') }), 'a.yaml');
      const { ok, warnings } = loadSettings({ file, env: {}, flags: {} });
      t.ok(ok);
      return warnings.map(issueLine).filter((line) => line.includes('.host: '));
    };
    const admin = '{ name: admin, host: admin.example.com, path: /*, scopes: [admin] }';
    t.match(warningsOf('{ name: open, path: /*, public: true }', admin), [
      /:4:\d+: routes\[1\].host: guards \/\* at admin.example.com alone, and "open"/,
    ]);
    t.same(warningsOf('{ name: open, path: /*, public: true, upstream: other }', admin), []);
    t.same(warningsOf('{ name: open, path: /*, scopes: [admin] }', admin), []);
  },
);

t.test('what cannot reach it, or is asked the same, is fine', async (t) => {
  for (const [sentence, ...routes] of [
    [
      'the stricter route takes those paths itself',
      '{ name: open, path: /v1/*, public: true, stripPrefix: /v1 }',
      '{ name: admin, path: /v1/admin/*, scopes: [admin], stripPrefix: /v1 }',
    ],
    [
      'an upstream of its own',
      '{ name: open, path: /open/*, public: true, stripPrefix: /open, upstream: other }',
      '{ name: admin, path: /admin/*, scopes: [admin] }',
    ],
    [
      'other paths',
      '{ name: open, path: /open/*, public: true, stripPrefix: /open, addPrefix: /shown }',
      '{ name: admin, path: /admin/*, scopes: [admin] }',
    ],
    [
      'the same scopes',
      '{ name: open, path: /open/*, scopes: [admin, more], stripPrefix: /open }',
      '{ name: admin, path: /admin/*, scopes: [admin] }',
    ],
    [
      'other methods',
      '{ name: open, path: /open/*, methods: [GET], public: true, stripPrefix: /open }',
      '{ name: admin, path: /admin/*, methods: [POST], scopes: [admin] }',
    ],
    [
      'nothing is rewritten',
      '{ name: open, path: /*, public: true }',
      '{ name: admin, path: /admin/*, scopes: [admin] }',
    ],
  ] as const)
    t.same(problemsOf(t, routes), [], sentence);
});
