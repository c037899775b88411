// The console on two replicas: a session lives on both and ends on both. And its cookie opens nothing but the console.

import { mkdtempSync, rmSync } from 'node:fs';
import { t } from 'tap';
import { type Browser, cookieName, openBrowser } from '../support/console-browser.ts';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import { type Answer, call, type GateProcess, startGate, until } from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import {
  passwordOf,
  type Replicas,
  setPasswords,
  startReplicas,
  type StoreKind,
} from '../support/replicas.ts';

t.setTimeout(120_000);

const tokens = 'GET /api/orgs/acme/users/bob/api-tokens';
const bob = { org: 'acme', user: 'bob', password: passwordOf('acme/bob') };

const browserAt = ({ port }: GateProcess): Browser => openBrowser(port, bob);

/** The same browser before the other replica: behind a load balancer both have one name. */
const beside = (browser: Browser, { port }: GateProcess): Browser => {
  const other = openBrowser(port, bob);
  for (const [name, value] of browser.cookies) other.cookies.set(name, value);
  return other;
};

const signedIn = async ({ a, b }: Replicas): Promise<readonly [Browser, Browser]> => {
  const browser = browserAt(a);
  const { status, text } = await browser.signIn();
  if (status !== 201) throw new Error(`${status} ${text}`);
  return [browser, beside(browser, b)];
};

for (const kind of ['redis', 'sqlite'] satisfies readonly StoreKind[])
  t.test(`on ${kind} a session is good on both replicas, and what ends it ends it on both`, async (t) => {
    const replicas = await startReplicas(t, kind);
    const { operator } = replicas;
    const endings: Readonly<Record<string, (browser: Browser) => Promise<unknown>>> = {
      'signing out': (browser) => browser.send('DELETE /session'),
      'revoking everything of oneself': (browser) => browser.send('POST /api/revoke-all'),
      'other roles': () => operator.accounts.setRoles('acme', 'bob', ['reader', 'self']),
      'a disabled user': () => operator.accounts.setUserState('acme', 'bob', 'disabled'),
    };
    for (const [what, end] of Object.entries(endings)) {
      const [here, there] = await signedIn(replicas);
      const stolen = beside(here, replicas.a);
      for (const browser of [here, there]) t.equal((await browser.send(tokens)).status, 200, what);
      await end(here);
      for (const browser of [stolen, there])
        await until(async () => {
          const { status } = await browser.send(tokens);
          if (status !== 200 && status !== 401) throw new Error(`${status} after ${what}`);
          return status === 401;
        });
      t.pass(`${what} ended it on both`);
    }
  });

interface Guarded {
  readonly gate: GateProcess;
  readonly api: EchoApi;
  /** Of the listener that the console is on. */
  readonly url: string;
  /** As the browser sends it: the session, and a cookie of the API. */
  readonly cookie: string;
  readonly apiToken: string;
}

const startGuarded = async (pages: object = {}): Promise<Guarded> => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const api = await startEchoApi(t);
  const on = { enabled: true };
  const settings = {
    upstream: api.url,
    surfaces: { csp: on, navigator: on, vcd: on, astra: on, management: on, console: { ...on, ...pages } },
    forwardAuth: { path: '/auth', trustedPeers: ['127.0.0.1'], style: 'forwarded' },
    routes: [
      { name: 'things', path: '/things/*', scopes: [], upgrade: true },
      { name: 'kept', path: '/kept/*', scopes: [], forwardCredential: 'keep' },
      { name: 'public', path: '/public/*', public: true },
      { name: 'tried', path: '/tried/*', scopes: ['none'], mode: 'shadow' },
    ],
  };
  const gate = await startGate(t, { directory, name: 'gate', settings });
  const operator = await openOperator(t, gate.settingsFile);
  const { accounts, apiTokens } = operator;
  const roles = { member: ['things:read', 'tollgate:tokens:own'] };
  await accounts.createOrg({ id: 'acme', name: 'Acme', roles, tokenLifetimeMsMax: undefined });
  await accounts.createUser({ orgId: 'acme', id: 'bob', name: 'Bob', roles: ['member'] });
  await setPasswords(operator, ['acme/bob']);
  const made = await apiTokens.createApiToken({
    orgId: 'acme',
    userId: 'bob',
    name: 'one',
    scopes: 'all',
    lifetimeMs: undefined,
    length: 65,
  });
  if (!('secret' in made)) throw new Error('no token');
  await gate.whenReady();
  const { console: apart } = await gate.logged(({ msg }) => msg === 'listening');
  const port = typeof apart === 'string' ? Number(apart.split(':').at(-1)) : gate.port;
  const browser = openBrowser(port, bob, `127.0.0.1:${port}`);
  t.equal((await browser.signIn()).status, 201);
  t.equal((await browser.send(tokens)).status, 200, 'the cookie is good at the console');
  const cookie = `theirs=1; ${cookieName}=${browser.cookies.get(cookieName)}; other=2`;
  return { gate, api, url: `http://127.0.0.1:${port}`, cookie, apiToken: made.secret };
};

t.test('the cookie opens nothing but the console, and the API never sees it', async (t) => {
  const { gate, api, cookie, apiToken } = await startGuarded();
  const send = (path: string, headers: Record<string, string>, method = 'GET'): Promise<Answer> =>
    call(gate, path, undefined, { method, headers: { cookie, ...headers } });

  t.equal((await send('/things/1', {})).status, 401, 'it is no credential of the proxied path');
  t.equal(api.received.length, 0);
  const bearer = { authorization: `Bearer ${apiToken}` };
  for (const path of ['/things/1', '/kept/1', '/public/1', '/tried/1'])
    t.equal((await send(path, bearer)).status, 200, path);
  t.same(
    api.received.map(({ headers }) => headers['cookie']),
    Array.from({ length: 4 }, () => 'theirs=1; other=2'),
    'only what is the API’s own goes on',
  );
  t.equal(
    api.received[1]?.headers['authorization'],
    bearer.authorization,
    'also where the credential is kept',
  );

  const asked = {
    'x-forwarded-method': 'GET',
    'x-forwarded-uri': '/things/1',
    'x-forwarded-host': 'api.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '192.0.2.1',
  };
  t.equal((await send('/auth', { ...asked, ...bearer })).status, 200);
  t.equal((await send('/auth', asked)).status, 401, 'forward-auth does not take it');
  for (const [method, path] of [
    ['GET', '/tollgate/v1/sessions/current'],
    ['DELETE', '/tollgate/v1/sessions/current'],
    ['GET', '/tollgate/v1/orgs/acme/users/bob/api-tokens'],
    ['GET', '/cloudapi/1.0.0/sessions/current'],
    ['GET', '/cloudapi/1.0.0/tokens'],
    ['GET', '/accounts/acme/core/v1/users/bob/tokens'],
    ['POST', '/csp/gateway/am/api/loggedin/user/api-tokens'],
    ['GET', '/csp/gateway/am/api/auth/logout'],
  ] as const) {
    const { status } = await send(path, {}, method);
    t.ok(status >= 400 && status < 500, `${method} ${path}: ${status}`);
  }
  t.equal(
    (await send('/tollgate/console/session', { 'sec-fetch-site': 'same-origin' })).status,
    200,
    'nothing ended it',
  );
});

t.test('on a listener of its own it is there alone, and nothing else is', async (t) => {
  const { gate, api, url, cookie, apiToken } = await startGuarded({ listen: '127.0.0.1:0' });
  t.not(url, gate.url);
  const bearer = { authorization: `Bearer ${apiToken}` };
  const page = await call({ url }, '/tollgate/console/tokens');
  t.match(page.headers.get('content-security-policy'), "frame-ancestors 'none'");
  for (const path of [
    '/things/1',
    '/public/1',
    '/auth',
    '/oauth2/token',
    '/tollgate/v1/sessions/current',
    '/',
  ])
    t.equal((await call({ url }, path, undefined, { headers: bearer })).status, 403, path);
  t.equal(api.received.length, 0, 'no way leads to the API');
  for (const path of [
    '/tollgate/console/',
    '/tollgate/console/session',
    '/tollgate/console/api/orgs/acme/users',
  ])
    t.equal((await call(gate, path, undefined, { headers: { cookie } })).status, 403, path);
  t.equal((await call(gate, '/things/1', undefined, { headers: { cookie, ...bearer } })).status, 200);
  t.equal(
    api.received.at(-1)?.headers['cookie'],
    'theirs=1; other=2',
    'a browser sends the cookie to every port of a host',
  );
  gate.child.kill('SIGTERM');
  t.match(await gate.ended, { code: 0, signal: null }, 'it ends with the gate');
});
