// Routes as a person writes them -> the rules every request is judged by.

import { join } from 'node:path';
import { t } from 'tap';
import { patternOf } from '../../src/decision/path-pattern.ts';
import { createRouter } from '../../src/proxy/routing/router.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { issueLine } from '../../src/settings/settings-issue.ts';

const load = (routes: readonly object[], more: Readonly<Record<string, unknown>> = {}) => {
  const loaded = loadSettings({ file: undefined, env: {}, flags: { routes, ...more } });
  if (!loaded.ok) throw new Error(loaded.problems.map(issueLine).join('\n'));
  return { routes: loaded.settings.routes, warnings: loaded.warnings.map(issueLine) };
};

t.test('a route needs a name, a path, and who may call it; the rest has defaults', async (t) => {
  t.same(load([{ name: 'things', path: '/things/*', scopes: 'things:read' }]).routes, [
    {
      name: 'things',
      mode: 'enforce',
      methods: undefined,
      path: patternOf('/things/*'),
      public: false,
      scopes: ['things:read'],
      tenantParameter: undefined,
      foreignTenant: 'forbidden',
      errors: 'problem',
      sessions: 'any',
      upstream: 'default',
      forwardCredential: 'strip',
      mapResponses: false,
      encodedReserved: 'refuse',
      credentialQueryParameter: undefined,
      upgrade: false,
      requestBodyBytesMax: 1024 ** 3,
      responseTimeoutMs: 60_000,
    },
  ]);
});

t.test('a route is in shadow mode when it or the whole file says so', async (t) => {
  const one = { name: 'one', path: '/one', scopes: [], mode: 'shadow' };
  const other = { name: 'other', path: '/other', scopes: [], mode: 'enforce' };
  t.match(load([one, other]).routes, [{ mode: 'shadow' }, { mode: 'enforce' }]);
  t.match(load([one, other], { mode: 'shadow' }).routes, [{ mode: 'shadow' }, { mode: 'shadow' }]);
  t.throws(() => load([{ ...one, mode: 'off' }]), /routes\[0\]\.mode.*enforce.*shadow/);
});

t.test('no scopes at all means any valid credential', async (t) => {
  t.match(load([{ name: 'me', path: '/me', scopes: [] }]).routes, [{ public: false, scopes: [] }]);
});

t.test('a route refuses in its own dialect, or in that of the file', async (t) => {
  const routes = [
    { name: 'one', path: '/one', scopes: [] },
    { name: 'two', path: '/two', scopes: [], errors: 'csp' },
  ];
  t.match(load(routes).routes, [{ errors: 'problem' }, { errors: 'csp' }]);
  t.match(load(routes, { errors: 'vcd' }).routes, [{ errors: 'vcd' }, { errors: 'csp' }]);
});

t.test('methods are upper-cased and stand once', async (t) => {
  const [rule] = load([{ name: 'a', path: '/a', methods: ['get', 'GET', 'propfind'], scopes: [] }]).routes;
  t.same(rule?.methods, ['GET', 'PROPFIND']);
});

t.test('a parameter named org is the tenant without asking', async (t) => {
  const tenantOf = (route: object): unknown =>
    load([{ name: 'a', scopes: [], ...route }]).routes[0]?.tenantParameter;
  t.equal(tenantOf({ path: '/accounts/{org}/things' }), 'org');
  t.equal(tenantOf({ path: '/accounts/:org' }), 'org');
  t.equal(tenantOf({ path: '/accounts/{org}', tenant: 'none' }), undefined, 'unless turned off');
  t.equal(tenantOf({ path: '/accounts/{account}' }), undefined);
  t.equal(tenantOf({ path: '/accounts/{account}', tenant: 'account' }), 'account');
  t.equal(
    tenantOf({ path: '/accounts/{org}', scopes: undefined, public: true }),
    undefined,
    'not where anyone may call',
  );
});

t.test('the same path may have a route for each method, and a wildcard beside exact paths', async (t) => {
  const { routes, warnings } = load([
    { name: 'read', path: '/things/{id}', methods: ['GET'], scopes: ['things:read'] },
    { name: 'write', path: '/things/{thing}', methods: ['PUT'], scopes: ['things:write'] },
    { name: 'rest', path: '/things/*', scopes: ['things:admin'] },
    { name: 'one', path: '/things/one', public: true },
  ]);
  t.equal(routes.length, 4);
  t.same(warnings, []);
});

t.test('every pattern the settings accept is one the router takes', async (t) => {
  const paths = [
    '/',
    '/a/',
    '/a:b',
    '/a::b',
    '/{org}/x',
    '/x/{a}/{b}/*',
    "/!$&'()+,=@~",
    '/.well-known/security.txt',
  ];
  const { routes } = load(paths.map((path, index) => ({ name: `r${index}`, path, scopes: [] })));
  const router = createRouter(routes);
  t.equal(router.match('GET', '/a:b')?.rule.name, 'r2', 'a colon inside a segment is a colon');
  t.equal(router.match('GET', '/a::b')?.rule.name, 'r3');
  t.match(router.match('GET', '/acme/x'), { rule: { name: 'r4' }, tenant: 'acme' });
  t.equal(router.match('GET', "/!$&'()+,=@~")?.rule.name, 'r6');
});

t.test('every method the settings accept is one the router takes', async (t) => {
  const { METHODS } = await import('node:http');
  const methods = METHODS.filter((method) => method !== 'CONNECT');
  const { routes } = load([{ name: 'all', path: '/a', methods, scopes: [] }]);
  const router = createRouter(routes);
  for (const method of methods) t.equal(router.match(method, '/a')?.rule.name, 'all', method);
});

t.test('a catch-all is allowed, and says which paths it does not reach', async (t) => {
  const { warnings } = load([{ name: 'all', path: '/*', scopes: [] }]);
  t.match(warnings, [/routes\[0\].path: \/\* does not reach the API for \/oauth2\/authorize, .*jwks.json/]);
  t.match(
    load([{ name: 'all', path: '/*', scopes: [] }], { 'oauth.enabled': false }).warnings,
    [/does not reach the API for \/.well-known\/jwks.json: Tollgate answers it itself$/],
    'only the keys are taken when the endpoints are off',
  );
  const wellKnown = load([{ name: 'known', path: '/.well-known/{document}', public: true }]);
  t.match(wellKnown.warnings, [/does not reach the API for \/.well-known\/oauth-authorization-server/]);
});

t.test('with another prefix, /oauth2 is the API’s own', async (t) => {
  const { routes, warnings } = load([{ name: 'own', path: '/oauth2/token', public: true }], {
    'oauth.prefix': '/tollgate/oauth',
  });
  t.equal(routes[0]?.path.written, '/oauth2/token');
  t.same(warnings, []);
});

t.test('a route written in block style needs no quotes around {braces}', async (t) => {
  const yaml = 'routes:\n  - name: a\n    path: /accounts/{org}/things\n    scopes: [things:read]\n';
  const file = join(t.testdir({ 'a.yaml': yaml }), 'a.yaml');
  t.match(loadSettings({ file, env: {}, flags: {} }), {
    ok: true,
    settings: { routes: [{ path: { written: '/accounts/{org}/things' } }] },
  });
});

t.test('a guarded /admin/* whose /admin a public rule lets through is a warning', async (t) => {
  const warned = (...routes: object[]): readonly string[] =>
    load(routes.map((route, index) => ({ name: `r${index}`, ...route }))).warnings.filter((line) =>
      line.includes(' does not cover '),
    );
  const open = { path: '/*', public: true };
  const admin = { path: '/admin/*', scopes: ['admin'] };
  t.match(warned(open, admin), [
    /routes\[1\]\.path: \/admin\/\* does not cover \/admin itself, and "r0" \(\/\*\) lets anyone call that; write a rule for \/admin too/,
  ]);
  for (const [sentence, ...routes] of [
    ['its own rule guards it', open, admin, { path: '/admin', scopes: ['admin'] }],
    ['meant so, and written so', admin, { path: '/*', scopes: [] }],
    ['nothing else catches it: refused', admin, { path: '/health', public: true }],
    ['other methods', { ...admin, methods: ['POST'] }, { ...open, methods: ['GET'] }],
    ['everything is guarded', { path: '/*', scopes: ['all'] }, { path: '/health', public: true }],
    [
      'a guarded parameter is more exact',
      open,
      admin,
      { path: '/{x}', scopes: [] },
      { path: '/{x}/*', scopes: [] },
    ],
  ] as const)
    t.same(warned(...routes), [], sentence);
  t.match(warned({ path: '/{org}/*', public: true }, { path: '/{org}/admin/*', scopes: [] }), [
    /"r0" \(\/\{org\}\/\*\) lets anyone call that/,
  ]);
});

t.test('11: a route takes the CORS of the file, its own in place of it, or none', async (t) => {
  const { routes } = load(
    [
      { name: 'file', path: '/file', scopes: [], methods: ['GET'] },
      {
        name: 'own',
        path: '/own',
        scopes: [],
        cors: { origins: 'HTTPS://*.Example.com:443', maxAge: '90s' },
      },
      { name: 'none', path: '/none', scopes: [], cors: { origins: [] } },
      { name: 'tried', path: '/tried', scopes: [], mode: 'shadow' },
    ],
    { 'cors.origins': ['https://app.example.com'], 'cors.credentials': true },
  );
  t.match(routes[0]?.cors, {
    origins: ['https://app.example.com'],
    methods: ['GET', 'HEAD'],
    credentials: true,
  });
  t.match(routes[1]?.cors, { origins: ['https://*.example.com'], credentials: false, maxAgeMs: 90_000 });
  t.equal(routes[1]?.cors?.methods.includes('DELETE'), true);
  t.same([routes[2]?.cors, routes[3]?.cors], [undefined, undefined]);
});

t.test('11: a public rule for preflights that does not cover a stricter rule is warned of', async (t) => {
  const preflights = { name: 'preflights', path: '/things/*', methods: ['OPTIONS'], public: true };
  const warningsOf = (...routes: readonly object[]) => load([preflights, ...routes]).warnings;
  const meets =
    /routes\[1\].methods: a browser’s preflight \(OPTIONS\) for \/things\/x meets "strict", which asks for a credential/;
  t.match(warningsOf({ name: 'strict', path: '/things/x', scopes: [] }), [meets]);
  t.same(warningsOf({ name: 'strict', path: '/things/x', methods: ['GET'], scopes: [] }), []);
  t.match(warningsOf({ name: 'strict', path: '/orders', methods: ['GET'], scopes: [] }), [
    /routes\[1\].path: a browser’s preflight \(OPTIONS\) for \/orders meets no rule/,
  ]);
  const cors = { origins: ['https://app.example.com'] };
  t.same(warningsOf({ name: 'strict', path: '/things/x', scopes: [], cors }), []);
  t.same(warningsOf({ name: 'open', path: '/open', public: true }), []);
  const ofHost = { name: 'of-host', path: '/orders', methods: ['OPTIONS'], public: true, host: 'a.example' };
  const strict = { name: 'strict', path: '/orders', methods: ['GET'], scopes: [] };
  t.same(load([ofHost, { ...strict, host: 'a.example' }]).warnings, []);
  t.match(
    load([ofHost, { ...strict, host: 'b.example' }]).warnings,
    [/preflight \(OPTIONS\) for \/orders meets no rule/],
    'a rule for another host is not met',
  );
  t.same(
    load([{ name: 'strict', path: '/things/x', scopes: [] }]).warnings,
    [],
    'nobody lets preflights through',
  );
});

t.test('13: origins for a cookie that there is not are warned of', async (t) => {
  const origins = { 'credential.cookieOrigins': ['https://app.example.com'] };
  t.match(load([], origins).warnings, [/credential.cookieOrigins: means nothing without credential.cookie/]);
  for (const more of [{ 'credential.cookie': 'session' }, { 'credential.basic': true }])
    t.same(load([], { ...origins, ...more }).warnings, []);
});
