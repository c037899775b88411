// The console's session: a cookie that only the console takes, that ends when it should, and that stands for no more than its
// user may do.

import t from 'tap';
import type { Standing } from '../../../src/decision/identity.ts';
import type { Identifier } from '../../../src/identity/identifier.ts';
import { createConsoleSessions } from '../../../src/surfaces/console/console-sessions.ts';
import { minuteMs } from '../../lifecycle/world.ts';
import { cookieName } from '../../support/console-browser.ts';
import { testCaller } from '../surface-server.ts';
import { ann, startConsole } from './console-server.ts';

const tokens = 'GET /api/orgs/acme/users/ann/api-tokens';

t.test('a person signs in, sees who they are, gives commands, and signs out for good', async (t) => {
  const server = await startConsole(t);
  const browser = server.browser();
  t.match(await browser.send('GET /session'), { status: 401, body: { code: 'credential_missing' } });
  const signedIn = await browser.signIn();
  t.equal(signedIn.status, 201);
  t.equal(signedIn.header('cache-control'), 'no-store');
  t.match(signedIn.cookies, [
    /^__Host-tollgate-console=[\w-]+; Max-Age=1800; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
  ]);
  t.match(signedIn.body, {
    session: {
      kind: 'interactive',
      org: { id: 'acme', name: 'Acme Inc.' },
      user: { id: 'ann', roles: ['owner'] },
      scopes: ['org:owner', 'things:read', 'things:write', 'tollgate:tokens:own'],
      apiTokenId: null,
    },
    orgs: [{ id: 'acme', name: 'Acme Inc.' }],
    idleExpiresAt: new Date(server.now() + 30 * minuteMs).toISOString(),
    expiresAt: new Date(server.now() + 12 * 60 * minuteMs).toISOString(),
  });
  t.notMatch(signedIn.text, /accessToken|eyJ/, 'no access token is shown');
  t.same((await browser.send('GET /session')).body, signedIn.body);

  const made = await browser.send('POST /api/orgs/acme/users/ann/api-tokens', {
    body: { name: 'made in a browser', scopes: ['things:read'] },
  });
  t.equal(made.status, 201);
  t.match((await browser.send(tokens)).body, { items: [{ name: 'made in a browser' }] });

  const stolen = browser.cookies.get(cookieName) ?? '';
  const out = await browser.send('DELETE /session');
  t.equal(out.status, 204);
  t.match(out.cookies, [/^__Host-tollgate-console=; Max-Age=0; Path=\/; Secure; HttpOnly; SameSite=Strict$/]);
  t.notOk(browser.cookies.has(cookieName));
  browser.cookies.set(cookieName, stolen);
  t.match(await browser.send(tokens), { status: 401, body: { code: 'credential_invalid' } });
  t.match(await browser.send('DELETE /session'), { status: 204 }, 'repeating it is safe');
});

t.test('a cookie that only looks like the session’s is none', async (t) => {
  const server = await startConsole(t);
  const attacker = server.browser();
  await attacker.signIn();
  const value = attacker.cookies.get(cookieName) ?? '';
  const victim = server.browser();
  // A host beside this one may set cookies here under any name that browsers do not know to begin with `__Host-`.
  for (const before of ['\u00A0', '\u0085', '\u00C2\u00A0'])
    t.match(
      await victim.send('GET /session', { headers: { cookie: `${before}${cookieName}=${value}` } }),
      { status: 401, body: { code: 'credential_missing' } },
      escape(before),
    );
  await victim.signIn();
  const own = victim.cookies.get(cookieName) ?? '';
  t.match(
    await victim.send('GET /session', {
      headers: { cookie: `\u00A0${cookieName}=${value};\t ${cookieName}=${own} ` },
    }),
    { status: 200 },
    'nor does it take the place of the true one',
  );
});

t.test('the audit says that a command came by the console', async (t) => {
  const server = await startConsole(t);
  const browser = server.browser();
  await browser.signIn({ ...ann, password: 'wrong' });
  await browser.signIn();
  await browser.send('POST /api/orgs/acme/users/ann/api-tokens', { body: { name: 'x', scopes: 'all' } });
  await browser.send('DELETE /session');
  await server.audit.close();
  const page = await server.store.readAudit('acme', { limit: 10, cursor: undefined });
  t.ok('items' in page);
  if (!('items' in page)) return;
  t.same(page.items.map(({ action, result, via }) => `${action} ${result} ${via}`).toSorted(), [
    'session.begin done console',
    'session.begin refused console',
    'session.end done console',
    'token.create done console',
  ]);
});

t.test('the limit on sign-ins is one with that of the other surfaces', async (t) => {
  const server = await startConsole(t);
  const browser = server.browser();
  for (let count = 0; count < 10; count += 1)
    t.equal((await browser.signIn({ ...ann, password: 'wrong' })).status, 401);
  const refused = await browser.signIn();
  t.match(refused, { status: 429, body: { code: 'rate_limited' } });
  t.ok(refused.header('retry-after'));
  t.notOk(server.signInLimit.begin('192.0.2.7', 'acme/ann'), 'nor may they try elsewhere');
});

t.test('a session ends when it is idle, and is prolonged by requests, at most once a minute', async (t) => {
  const server = await startConsole(t, { idleTimeoutMs: 10 * minuteMs });
  const browser = server.browser();
  await browser.signIn();
  const first = browser.cookies.get(cookieName);
  server.clock.nowMs += minuteMs / 2;
  t.same((await browser.send(tokens)).cookies, [], 'not yet');
  server.clock.nowMs += minuteMs / 2;
  t.same(
    (await browser.send(tokens, { headers: { 'tollgate-background': '?1' } })).cookies,
    [],
    'a timer of a page prolongs nothing',
  );
  t.equal((await browser.send(tokens)).cookies.length, 1);
  t.not(browser.cookies.get(cookieName), first);
  server.clock.nowMs += 9.5 * minuteMs;
  t.equal((await browser.send(tokens)).status, 200, 'the new cookie is good for longer than the first');
  server.clock.nowMs += 10 * minuteMs;
  t.match(await browser.send(tokens), { status: 401, body: { code: 'credential_invalid' } });
});

t.test('a session ends after its lifetime, however busy it is', async (t) => {
  const server = await startConsole(t, { idleTimeoutMs: 10 * minuteMs, sessionLifetimeMs: 30 * minuteMs });
  const browser = server.browser();
  await browser.signIn();
  for (let minutes = 5; minutes < 30; minutes += 5) {
    server.clock.nowMs += 5 * minuteMs;
    t.equal((await browser.send(tokens)).status, 200, `after ${minutes} minutes`);
  }
  server.clock.nowMs += 5 * minuteMs;
  t.equal((await browser.send(tokens)).status, 401);
});

t.test('what a user may do is asked at each request, and a change of it ends the session', async (t) => {
  for (const [what, change] of Object.entries<
    (server: Awaited<ReturnType<typeof startConsole>>) => Promise<unknown>
  >({
    'other roles': ({ accounts }) => accounts.setRoles('acme', 'ann', ['reader']),
    'a disabled user': ({ accounts }) => accounts.setUserState('acme', 'ann', 'disabled'),
    'a disabled org': ({ accounts }) => accounts.setOrgState('acme', 'disabled'),
    'a new password': async (server) => {
      const other = server.browser();
      await other.signIn();
      const body = { currentPassword: ann.password, newPassword: 'another, and long enough' };
      t.equal((await other.send('PUT /api/orgs/acme/users/ann/password', { body })).status, 204);
    },
    'revoke all': async (server) => {
      const other = server.browser();
      await other.signIn();
      t.equal((await other.send('POST /api/revoke-all')).status, 204);
    },
  })) {
    const server = await startConsole(t);
    const browser = server.browser();
    await browser.signIn();
    t.equal((await browser.send(tokens)).status, 200);
    await change(server);
    t.match(await browser.send(tokens), { status: 401, body: { code: 'credential_invalid' } }, what);
  }
});

t.test('a cookie that was altered, of another key, twice or too long is none', async (t) => {
  const server = await startConsole(t);
  const browser = server.browser();
  await browser.signIn();
  const good = browser.cookies.get(cookieName) ?? '';
  const at = Math.floor(good.length / 2);
  const other = server.browser();
  await other.signIn();
  const altered = good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1);
  for (const cookie of [
    `${cookieName}=${altered}`,
    `${cookieName}=${good.slice(0, -1)}`,
    `${cookieName}=`,
    `${cookieName}=e30`,
    `${cookieName}=${'A'.repeat(5000)}`,
    `${cookieName}=${good}; ${cookieName}=${other.cookies.get(cookieName)}`,
    `${cookieName}x=${good}`,
    `${cookieName.toUpperCase()}=${good}`,
  ])
    t.match(await browser.send('GET /session', { headers: { cookie } }), {
      status: 401,
      body: { code: 'credential_missing' },
    });
  t.equal(
    (await browser.send('GET /session', { headers: { cookie: `a=b; ${cookieName}=${good}` } })).status,
    200,
  );
});

t.test('another org cannot be had by asking for it', async (t) => {
  const server = await startConsole(t);
  const browser = server.browser();
  await browser.signIn();
  t.equal((await browser.send('PUT /session/org', { body: { org: 'acme' } })).status, 200);
  t.match(await browser.send('PUT /session/org', { body: { org: 'other' } }), {
    status: 403,
    body: { code: 'tenant_mismatch' },
  });
  t.match(await browser.send('GET /api/orgs/other/users'), { status: 403 });
});

t.test('management is served to the cookie alone, and need not be switched on', async (t) => {
  const server = await startConsole(t);
  const browser = server.browser();
  const bearer = await server.signIn();
  t.match(await browser.send(tokens, { headers: { authorization: `Bearer ${bearer}` } }), {
    status: 400,
    body: { code: 'request_malformed', detail: /takes its own cookie/ },
  });
  t.equal((await server.send('GET /tollgate/v1/sessions/current')).status, 418, 'management is off');
  await browser.signIn();
  for (const [request, body] of [
    ['POST /api/sessions', ann],
    ['POST /api/api-tokens/details', { token: 'x' }],
    ['GET /api/openapi.json', undefined],
    ['GET /api/nothing', undefined],
    ['GET /session/nothing', undefined],
  ] as const)
    t.match(await browser.send(request, { body }), { status: 404, body: { code: 'path_unknown' } }, request);
  t.match(await browser.send('GET /api/problems/origin_refused'), { status: 200, body: { status: 403 } });
});

t.test(
  'while the change feed is silent, no session is prolonged: its end may have been missed',
  async (t) => {
    const server = await startConsole(t, {}, { feed: { maxStalenessMs: 1_000, whenStale: 'serve' } });
    const browser = server.browser();
    await browser.signIn();
    server.clock.nowMs += minuteMs;
    const cookie = `${cookieName}=${browser.cookies.get(cookieName)}`;
    const renewalWith = (standing: Standing): Promise<string | undefined> => {
      const identifier = Object.assign(Object.create(server.identifier) as Identifier, {
        standing: () => standing,
      });
      return createConsoleSessions({ ...server, identifier }).renewal({
        ...testCaller,
        method: 'GET',
        path: '/',
        query: '',
        headerLines: (name) => (name === 'cookie' ? [cookie] : []),
        parameters: {},
        authorization: undefined,
        body: { kind: 'none' },
        bytes: Buffer.alloc(0),
      });
    };
    t.match(await renewalWith('live'), /^__Host-tollgate-console=/);
    t.equal(await renewalWith('unknown'), undefined);
    t.equal(await renewalWith('ended'), undefined);
  },
);
