// Signing in through an OpenID provider: oidc-provider as it is published, over real HTTP.

import t, { type Test } from 'tap';
import type { IssuerSettings } from '../../../src/settings/settings.ts';
import { type Browser, cookieName, type PageReply, prefix } from '../../support/console-browser.ts';
import {
  clientId,
  clientSecret,
  type SignInProvider,
  startSignInProvider,
} from '../../support/sign-in-provider.ts';
import { minuteMs, worldSettings } from '../../lifecycle/world.ts';
import type { SurfaceSettings } from '../surface-server.ts';
import { type ConsoleServer, startConsole } from './console-server.ts';

const callback = `http://gate.example${prefix}/session/openid/corp/callback`;
const flowCookie = `${cookieName}-openid`;

interface World {
  readonly provider: SignInProvider;
  readonly server: ConsoleServer;
}

const issuerOf = (issuer: string, change: Partial<IssuerSettings>): IssuerSettings => ({
  issuer,
  jwksUrl: undefined,
  ca: undefined,
  audiences: ['https://api.example'],
  audienceClaim: 'aud',
  advertised: true,
  algorithms: ['ES256'],
  type: undefined,
  tokenAgeMsMax: minuteMs,
  staleKeysMsMax: minuteMs,
  claims: { org: 'org', user: 'sub', userName: 'name', scope: 'scope' },
  fixedOrg: undefined,
  orgs: undefined,
  sessions: undefined,
  scopePrefix: '',
  introspection: undefined,
  ...change,
});

const start = async (
  t: Test,
  change: Partial<IssuerSettings> = { fixedOrg: 'acme' },
  secret: string | undefined = clientSecret,
  settings: Partial<SurfaceSettings> = {},
): Promise<World> => {
  const provider = await startSignInProvider(t, callback);
  const { issuer } = provider;
  const scopes = ['openid', 'profile'];
  const server = await startConsole(
    t,
    { providers: [{ name: 'corp', title: 'Corporate', issuer, clientId, clientSecret: secret, scopes }] },
    { issuers: [issuerOf(issuer, change)], ...settings },
  );
  return { provider, server };
};

/** Begins in a browser, and gives where the provider sends it back to. */
const signInAt = async (provider: SignInProvider, browser: Browser, returnTo?: string): Promise<string> => {
  const begun = await browser.send('POST /session/openid/corp', { body: { returnTo } });
  if (begun.status !== 200) throw new Error(`${begun.status} ${begun.text}`);
  return provider.visit(String(begun.body['location']));
};

/** The browser comes back, from another site. */
const comeBack = (browser: Browser, url: string): Promise<PageReply> =>
  browser.send(`GET ${url.slice(`http://gate.example${prefix}`.length)}`, {
    headers: { 'sec-fetch-site': 'cross-site' },
  });

t.test('a person signs in there, and has what their roles here grant', async (t) => {
  const { provider, server } = await start(t);
  const browser = server.browser();
  t.match((await browser.send('GET /session/options')).body, {
    password: true,
    providers: [{ id: 'corp', name: 'Corporate' }],
    languages: ['en', 'fr', 'es', 'ru'],
  });
  const begun = await browser.send('POST /session/openid/corp', {
    body: { returnTo: '/tokens?state=active' },
  });
  t.match(begun.cookies, [
    /^__Host-tollgate-console-openid=[\w-]+; Max-Age=600; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
  ]);
  const asked = new URL(String(begun.body['location'])).searchParams;
  t.match(Object.fromEntries(asked), {
    response_type: 'code',
    client_id: clientId,
    scope: 'openid profile',
    redirect_uri: callback,
    code_challenge_method: 'S256',
    code_challenge: /^[\w-]{43}$/,
    state: /^[\w-]{43}$/,
    nonce: /^[\w-]{43}$/,
  });
  const reply = await comeBack(browser, await provider.visit(String(begun.body['location'])));
  t.match([reply.status, reply.header('location')], [303, `${prefix}/tokens?state=active`]);
  t.equal(reply.header('cache-control'), 'no-store');
  t.notOk(browser.cookies.has(flowCookie), 'what was under way is over');
  t.match((await browser.send('GET /session')).body, {
    session: { kind: 'interactive', org: { id: 'acme' }, user: { id: 'ann', roles: ['owner'] } },
    orgs: [{ id: 'acme' }],
  });
  t.equal((await browser.send('GET /api/orgs/acme/users')).status, 200);
  await server.audit.close();
  const page = await server.store.readAudit('acme', { limit: 1, cursor: undefined });
  t.match(page, {
    items: [{ action: 'session.begin', result: 'done', via: 'console', actor: { user: 'ann' } }],
  });
});

t.test('whoever has accounts in several orgs may go from one to the other', async (t) => {
  const { provider, server } = await start(t, { orgs: ['other', 'acme', 'third'] });
  await server.accounts.createUser({ orgId: 'other', id: 'ann', name: 'Ann', roles: [] });
  for (const org of ['third', 'unlisted'])
    await server.accounts.createOrg({ id: org, name: org, roles: {}, tokenLifetimeMsMax: undefined });
  await server.accounts.createUser({ orgId: 'unlisted', id: 'ann', name: 'Ann', roles: [] });
  provider.person = { sub: 'ann', org: ['third', 'acme', 'other', 'unlisted'] };
  const browser = server.browser();
  await comeBack(browser, await signInAt(provider, browser));
  const { body } = await browser.send('GET /session');
  t.match(body, { session: { org: { id: 'acme' } }, orgs: [{ id: 'acme' }, { id: 'other' }] });
  t.equal(
    (body['orgs'] as readonly unknown[]).length,
    2,
    'not where she has no account, nor where her issuer may not vouch',
  );
  const before = browser.cookies.get(cookieName) ?? '';
  const moved = await browser.send('PUT /session/org', { body: { org: 'other' } });
  t.match(moved, { status: 200, body: { session: { org: { id: 'other' }, user: { roles: [] } } } });
  t.equal(moved.body['expiresAt'], body['expiresAt'], 'no longer than it would have been');
  t.equal((await browser.send('GET /api/orgs/acme/users')).status, 403);
  for (const org of ['third', 'unlisted', 'nowhere'])
    t.equal((await browser.send('PUT /session/org', { body: { org } })).status >= 400, true, org);
  await server.audit.close();
  const page = await server.store.readAudit(undefined, { limit: 20, cursor: undefined });
  const refused = 'items' in page ? page.items.filter(({ reason }) => reason === 'tenant_mismatch') : [];
  t.match(
    refused
      .map(({ action, via, actor, subject }) => `${action} ${via} ${actor.org} ${subject.org}`)
      .toSorted(),
    ['session.begin console other nowhere', 'session.begin console other unlisted'],
    'what was refused is written down',
  );
  const old = server.browser();
  old.cookies.set(cookieName, before);
  t.equal((await old.send('GET /session')).status, 401, 'the session before has ended');
  t.equal((await browser.send('PUT /session/org', { body: { org: 'acme' } })).status, 200, 'and back');
});

t.test('nobody comes in who has no active account here', async (t) => {
  for (const [what, person, change, error] of [
    ['no such user', { sub: 'nobody' }, {}, 'account_unknown'],
    ['no such org', { sub: 'ann', org: 'nowhere' }, { fixedOrg: undefined }, 'account_unknown'],
    ['no org at all', { sub: 'ann' }, { fixedOrg: undefined }, 'openid_refused'],
    [
      'an org its issuer may not name',
      { sub: 'ann', org: 'acme' },
      { fixedOrg: undefined, orgs: ['x'] },
      'openid_refused',
    ],
    ['a name that no user can have', { sub: 'acme/ann' }, {}, 'openid_refused'],
    [
      'an address that nobody has verified, as some providers write it',
      { sub: '1', email: 'ann', email_verified: 'false' },
      { claims: { org: 'org', user: 'email', userName: 'name', scope: 'scope' } },
      'openid_refused',
    ],
    [
      'an address that nobody has verified',
      { sub: '1', email: 'ann', email_verified: false },
      { claims: { org: 'org', user: 'email', userName: 'name', scope: 'scope' } },
      'openid_refused',
    ],
  ] as const) {
    const { provider, server } = await start(t, { fixedOrg: 'acme', ...change });
    provider.person = person;
    const browser = server.browser();
    const reply = await comeBack(browser, await signInAt(provider, browser));
    t.match([reply.status, reply.header('location')], [303, `${prefix}/sign-in?error=${error}`], what);
    t.notOk(browser.cookies.has(cookieName), what);
  }
  const { provider, server } = await start(t);
  await server.accounts.setUserState('acme', 'ann', 'disabled');
  const browser = server.browser();
  const reply = await comeBack(browser, await signInAt(provider, browser));
  t.match(reply.header('location'), /error=account_unknown$/, 'a disabled user');
});

t.test('an answer is taken once, by the browser that asked, and as it was given', async (t) => {
  const { provider, server } = await start(t);
  const expectError = async (what: string, error: string, reply: PageReply): Promise<void> => {
    t.match([reply.status, reply.header('location')], [303, `${prefix}/sign-in?error=${error}`], what);
    t.notMatch(reply.cookies.join(), `${cookieName}=`, what);
  };
  const victim = server.browser();
  await expectError(
    'a browser that never asked',
    'openid_expired',
    await comeBack(victim, `${callback}?code=x&state=y`),
  );

  const attacker = server.browser();
  const url = await signInAt(provider, attacker);
  await signInAt(provider, victim);
  await expectError('another one’s answer', 'openid_refused', await comeBack(victim, url));

  const flow = attacker.cookies.get(flowCookie) ?? '';
  t.match((await comeBack(attacker, url)).header('location'), `${prefix}/`);
  attacker.cookies.set(flowCookie, flow);
  attacker.cookies.delete(cookieName);
  await expectError('the same answer again', 'openid_refused', await comeBack(attacker, url));

  for (const [what, change] of Object.entries<(url: URL) => void>({
    'another code': ({ searchParams }) => searchParams.set('code', 'x'),
    'another state': ({ searchParams }) => searchParams.set('state', 'x'),
    'no state': ({ searchParams }) => searchParams.delete('state'),
    'two states': ({ searchParams }) => searchParams.append('state', 'x'),
    'another issuer (RFC 9207)': ({ searchParams }) => searchParams.set('iss', 'https://evil.example'),
    'no issuer, where the provider always names itself': ({ searchParams }) => searchParams.delete('iss'),
    'an error': ({ searchParams }) => {
      searchParams.delete('code');
      searchParams.set('error', 'access_denied');
    },
  })) {
    const browser = server.browser();
    const back = new URL(await signInAt(provider, browser));
    change(back);
    await expectError(what, 'openid_refused', await comeBack(browser, back.href));
  }

  const late = server.browser();
  const lateUrl = await signInAt(provider, late);
  server.clock.nowMs += 10 * minuteMs;
  await expectError('ten minutes later', 'openid_expired', await comeBack(late, lateUrl));
});

t.test('no provider is ever sent the code of another one', async (t) => {
  const honest = await startSignInProvider(t, callback);
  const hostile = await startSignInProvider(t, callback.replace('corp', 'callback'));
  const known = { clientId, clientSecret, scopes: ['openid'], title: undefined };
  const server = await startConsole(
    t,
    {
      providers: [
        { ...known, name: 'corp', issuer: honest.issuer },
        { ...known, name: 'callback', issuer: hostile.issuer },
      ],
    },
    { issuers: [honest, hostile].map(({ issuer }) => issuerOf(issuer, { fixedOrg: 'acme' })) },
  );
  const browser = server.browser();
  const begun = await browser.send('POST /session/openid/callback', { body: {} });
  const asked = new URL(String(begun.body['location'])).searchParams;
  t.match(asked.get('redirect_uri'), /\/session\/openid\/callback\/callback$/, 'an address of its own');
  // The hostile one sends the browser to the honest one, which answers with a code. It does not say whose code it is.
  const led = new URL(`${honest.issuer}/auth?${asked.toString()}`);
  led.searchParams.set('redirect_uri', callback);
  const back = new URL(await honest.visit(led.href));
  back.searchParams.delete('iss');
  await hostile.stop();
  const reply = await comeBack(browser, back.href);
  t.match(reply.header('location'), /error=openid_expired$/, 'the hostile one is not even asked');
  t.notOk(browser.cookies.has(cookieName));
});

t.test('nobody is led to another place than the console', async (t) => {
  const { server } = await start(t);
  for (const returnTo of [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/../../admin',
    '/a/./b',
    '/..',
    '/%2e%2E/admin',
    '/.%2e/.%2E/admin',
    '/a/%2e',
    'tokens',
    '/a b',
    '/a\r\nSet-Cookie: x=y',
    '/#x',
    7,
  ])
    t.match(
      await server.browser().send('POST /session/openid/corp', { body: { returnTo } }),
      { status: 400, body: { code: 'request_malformed' }, cookies: [] },
      String(returnTo),
    );
  t.match(await server.browser().send('POST /session/openid/none', { body: {} }), { status: 404 });
  t.match(
    await server.browser().send('POST /session/openid/corp', { headers: { origin: 'https://evil.example' } }),
    { status: 403, cookies: [] },
    'nor can another site begin',
  );
});

t.test('a provider that is down, or does not know us, is no fault of the person', async (t) => {
  const { provider, server } = await start(t);
  const browser = server.browser();
  const url = await signInAt(provider, browser);
  await provider.stop();
  t.match((await comeBack(browser, url)).header('location'), /error=provider_unavailable$/);
  await provider.start();
  const again = server.browser();
  t.match((await comeBack(again, await signInAt(provider, again))).header('location'), `${prefix}/`);

  const { provider: other, server: stranger } = await start(t, { fixedOrg: 'acme' }, 'another secret');
  const refused = stranger.browser();
  t.match(
    (await comeBack(refused, await signInAt(other, refused))).header('location'),
    /error=provider_unavailable$/,
  );
  t.match(stranger.outcomes.at(-1), { result: 'outage', reason: 'issuer_unavailable' });
  await other.stop();
  const { server: early } = await start(t);
  t.equal((await early.browser().send('POST /session/openid/corp')).status, 200);
});

t.test('tries that come to nothing are limited', async (t) => {
  const { provider, server } = await start(t);
  for (let count = 0; count < 10; count += 1) {
    const browser = server.browser();
    await signInAt(provider, browser);
    t.match((await comeBack(browser, `${callback}?code=x&state=y`)).header('location'), /openid_refused$/);
  }
  const browser = server.browser();
  t.match((await comeBack(browser, await signInAt(provider, browser))).header('location'), /error=too_many$/);
});

t.test(
  'going from org to org is a command like any other, of which there may be so many a minute',
  async (t) => {
    const limits = { ...worldSettings.limits, commandsPerMinute: 3 };
    const { provider, server } = await start(t, {}, clientSecret, { limits });
    await server.accounts.createUser({ orgId: 'other', id: 'ann', name: 'Ann', roles: [] });
    provider.person = { sub: 'ann', org: ['acme', 'other'] };
    const browser = server.browser();
    await comeBack(browser, await signInAt(provider, browser));
    const statuses: number[] = [];
    for (let count = 0; count < 8; count += 1) {
      const org = count % 2 === 0 ? 'other' : 'acme';
      statuses.push((await browser.send('PUT /session/org', { body: { org } })).status);
    }
    t.same(statuses.slice(0, 6), [200, 200, 200, 200, 200, 200], 'three of each account');
    t.equal(statuses[6], 429);
  },
);

t.test('what a provider refused is in the audit, and a name too long for a cookie is no bug', async (t) => {
  const { provider, server } = await start(t);
  provider.person = { sub: 'a/b' };
  const browser = server.browser();
  await comeBack(browser, await signInAt(provider, browser));
  await server.audit.close();
  t.match(await server.store.readAudit(undefined, { limit: 1, cursor: undefined }), {
    items: [{ action: 'session.begin', result: 'refused', reason: 'token_invalid', via: 'console' }],
  });
  const host = `${'a'.repeat(400)}.example`;
  t.match(await browser.send('POST /session/openid/corp', { headers: { host, origin: `http://${host}` } }), {
    status: 400,
    body: { code: 'request_malformed' },
  });
});
