// What the surfaces take: which routes are told so, and where two surfaces would be in each other's way.

import { t } from 'tap';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { issueLine } from '../../src/settings/settings-issue.ts';

const csp = '/csp/gateway/am/api';

/** Problems and warnings of a file with one route, both surfaces on. */
const judge = (path: string | undefined, more: Readonly<Record<string, unknown>> = {}) => {
  const routes = path === undefined ? [] : [{ name: 'one', path, public: true }];
  const flags = { 'surfaces.csp.enabled': true, 'surfaces.navigator.enabled': true, routes, ...more };
  const loaded = loadSettings({ file: undefined, env: {}, flags });
  return {
    problems: loaded.ok ? [] : loaded.problems.map(issueLine),
    warnings: loaded.warnings.map(issueLine),
  };
};

t.test('every surface is off until it is switched on', async (t) => {
  const loaded = loadSettings({ file: undefined, env: {}, flags: {} });
  t.match(loaded, { settings: { surfaces: { csp: { enabled: false }, navigator: { enabled: false } } } });
  t.match(loaded, { settings: { surfaces: { management: { enabled: false, prefix: '/tollgate/v1' } } } });
});

t.test('a route that only a surface would ever answer is refused', async (t) => {
  for (const [path, setting] of [
    [`${csp}/auth/token`, 'surfaces.csp'],
    [`${csp}/orgs/{org}/api-tokens/deactivate`, 'surfaces.csp'],
    [`${csp}/orgs/acme/api-tokens/deactivate`, 'surfaces.csp'],
    ['/cphub/api/auth/v1/authn/accesstoken', 'surfaces.navigator'],
    ['/cphub/api/auth/v1/authn/accesstoken/', 'surfaces.navigator'],
    ['/cphub/api/auth/v1/authn/accounts/{any}/accesstoken/', 'surfaces.navigator'],
  ] as const) {
    const { problems } = judge(path);
    t.equal(problems.length, 1, path);
    t.match(problems[0], `set ${setting}.prefix to another path, or ${setting}.enabled: false`);
    t.same(judge(path, { [`${setting}.enabled`]: false }).problems, [], 'and allowed when it is off');
  }
});

t.test('astra lies at the root, or below a prefix', async (t) => {
  const on = { 'surfaces.astra.enabled': true };
  const tokens = '/accounts/{account}/core/v1/users/{user}/tokens';
  for (const path of [tokens, `${tokens}/{id}`, '/core/v1/groups/{a}/users/{b}/tokens'])
    t.match(judge(path, on).problems, [/set surfaces.astra.prefix to another path/], path);
  t.match(judge('/accounts/{account}/*', on).warnings, [/does not reach the API for .*\/tokens/]);
  t.same(judge('/accounts/{account}/core/v1/{collection}/{id}', on), { problems: [], warnings: [] });
  t.same(judge(tokens, { ...on, 'surfaces.astra.prefix': '/astra' }), { problems: [], warnings: [] });
  t.match(judge(`/astra${tokens}`, { ...on, 'surfaces.astra.prefix': '/astra' }).problems, [/answered by/]);
  for (const prefix of ['/', 'astra', '/astra/', '/a?b', 7])
    t.match(judge(undefined, { 'surfaces.astra.prefix': prefix }).problems, [/is not a path prefix/]);
  const loaded = loadSettings({ file: undefined, env: {}, flags: {} });
  t.match(loaded, {
    settings: {
      surfaces: {
        astra: { enabled: false, prefix: '', tokenLifetimeMs: undefined, foreignAccount: 'forbidden' },
      },
    },
  });
});

t.test('a route that loses some of its requests is told which', async (t) => {
  const { problems, warnings } = judge(`${csp}/orgs/{org}/{what}/deactivate`);
  t.same(problems, []);
  t.match(warnings, [
    /does not reach the API for .*\/orgs\/\{org\}\/api-tokens\/deactivate, .*\/orgs\/\{org\}\/tokens\/deactivate:/,
  ]);
  t.match(judge(`${csp}/*`).warnings, [/\/auth\/api-tokens\/authorize, /]);
  t.match(judge('/cphub/*').warnings, [/\/authn\/accesstoken, /]);
});

t.test('the rest of a vendor’s API is free for routes', async (t) => {
  for (const path of [
    `${csp}/orgs/{org}`,
    `${csp}/auth/api-tokens`,
    `${csp}/auth/token/`,
    '/cphub/api/core/v1/*',
  ])
    t.same(judge(path), { problems: [], warnings: [] }, path);
});

t.test(
  'Cloud Director’s own API lies around the paths that are taken, so what varies there means the rest',
  async (t) => {
    const on = { 'surfaces.vcd.enabled': true };
    for (const path of [
      '/cloudapi/*',
      '/cloudapi/{version}/tokens/*',
      '/cloudapi/{version}/tokens',
      '/api/*',
      '/api/versions',
    ])
      t.same(judge(path, on), { problems: [], warnings: [] }, path);
    for (const path of ['/oauth/provider/token', '/cloudapi/1.0.0/tokens', '/api/session/'])
      t.match(judge(path, on).problems, [/set surfaces\.vcd\.prefix to another path/], path);
    const prefixed = { ...on, 'surfaces.vcd.prefix': '/vcd' };
    t.same(judge('/cloudapi/1.0.0/tokens', prefixed), { problems: [], warnings: [] });
    t.match(judge('/vcd/oauth/tenant/acme/token', prefixed).problems, [/surfaces\.vcd/]);
  },
);

t.test('all below the prefix of the management surface is its own', async (t) => {
  const on = { 'surfaces.management.enabled': true };
  for (const path of ['/tollgate/v1', '/tollgate/v1/*', '/tollgate/v1/sessions', '/tollgate/v1/anything'])
    t.match(judge(path, on).problems, [/set surfaces.management.prefix to another path/], path);
  t.same(judge('/tollgate/v2/*', on), { problems: [], warnings: [] });
  for (const path of ['/*', '/tollgate/*', '/tollgate/{version}', '/{a}/{b}/c', '/{any}/*'])
    t.match(judge(path, on).warnings.join(), '/tollgate/v1/*', path);
  for (const path of ['/tollgate', '/{one}', '/tollgate/v1x', '/toll/{a}/{b}'])
    t.same(judge(path, on), { problems: [], warnings: [] }, path);
  t.same(judge('/tollgate/v1/*').problems, [], 'and free when it is off');
});

t.test('two surfaces cannot answer the same path', async (t) => {
  t.same(
    judge(undefined, { 'surfaces.csp.prefix': '/oauth2', 'surfaces.navigator.prefix': '/x' }).problems,
    [],
  );
  const { problems } = judge(undefined, { 'oauth.prefix': `${csp}/auth` });
  t.match(problems, [/surfaces.csp.prefix.* is answered by oauth too; write another prefix/]);
});

t.test('a client that stands for a user stands for one of an org', async (t) => {
  const clients = (more: object) => ({
    'oauth.clients': [{ id: 'a', secret: 'a-client-secret-of-some-length', ...more }],
  });
  t.match(judge(undefined, clients({ user: 'ann' })).problems, [/has only one of `org` and `user`/]);
  t.match(judge(undefined, clients({ org: 'acme' })).problems, [/has only one of `org` and `user`/]);
  t.same(judge(undefined, clients({ org: 'acme', user: 'ann' })).problems, []);
});

t.test('the domain of csp is the host of the issuer unless written', async (t) => {
  const domainOf = (flags: object) => {
    const loaded = loadSettings({ file: undefined, env: {}, flags: { ...flags } });
    return loaded.ok ? loaded.settings.surfaces.csp.domain : undefined;
  };
  t.equal(domainOf({ issuer: 'https://id.example:8443' }), 'id.example');
  t.equal(domainOf({ 'surfaces.csp.domain': 'corp.example' }), 'corp.example');
});

t.test(
  'the console is off, one setting turns it on, and it says where browsers would lose its cookie',
  async (t) => {
    const on = { 'surfaces.console.enabled': true, issuer: 'https://id.example' };
    const loaded = loadSettings({ file: undefined, env: {}, flags: {} });
    t.match(loaded, { settings: { surfaces: { console: { enabled: false, prefix: '/tollgate/console' } } } });
    for (const flags of [
      {},
      { listen: 'unix:/run/tollgate.sock' },
      { listen: '0.0.0.0:8080', 'surfaces.console.origin': 'https://api.example' },
      { 'surfaces.console.origin': 'http://localhost:3000' },
    ])
      t.same(judge(undefined, { ...on, ...flags }), { problems: [], warnings: [] }, JSON.stringify(flags));
    for (const flags of [{ listen: '0.0.0.0:8080' }, { 'surfaces.console.origin': 'http://api.example' }])
      t.match(judge(undefined, { ...on, ...flags }), {
        problems: [],
        warnings: [/surfaces.console.origin: browsers keep the cookie of the console over https alone/],
      });
    t.match(judge('/tollgate/console/tokens', on).problems, [/set surfaces.console.prefix to another path/]);
    t.match(judge('/tollgate/*', on).warnings.join(), '/tollgate/console/*');
  },
);
