// Signing in to the console through an OpenID provider, in a browser: oidc-provider as it is published, at an origin of its
// own. A person with accounts in several organizations switches between them.

import { t } from 'tap';
import { startChromium } from '../support/chromium.ts';
import { at, press, rowOf, says, titled } from '../support/console-walk.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { startGate } from '../support/gate-process.ts';
import { done, openOperator } from '../support/operator.ts';
import { freePort } from '../support/process.ts';
import { clientId, clientSecret, startSignInProvider } from '../support/sign-in-provider.ts';

t.setTimeout(180_000);

const chromium = await startChromium(t);
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const provider = await startSignInProvider(t, `${url}/tollgate/console/session/openid/corp/callback`);
const api = await startEchoApi(t);
const { issuer } = provider;
const gate = await startGate(t, {
  directory: t.testdir(),
  settings: {
    listen: `127.0.0.1:${port}`,
    upstream: api.url,
    issuers: [
      {
        issuer,
        audience: 'https://api.example',
        claims: { org: 'org', user: 'sub' },
        orgs: ['acme', 'globex'],
      },
    ],
    surfaces: {
      console: {
        enabled: true,
        providers: [{ name: 'corp', title: 'Corporate login', issuer, clientId, clientSecret }],
      },
    },
    routes: [{ name: 'things', path: '/*', scopes: ['things:read'] }],
  },
});
const operator = await openOperator(t, gate.settingsFile);
const roles = { self: ['things:read', 'tollgate:tokens:own'] };
for (const [id, name] of [
  ['acme', 'Acme'],
  ['globex', 'Globex'],
] as const) {
  done(await operator.accounts.createOrg({ id, name, roles, tokenLifetimeMsMax: undefined }));
  done(await operator.accounts.createUser({ orgId: id, id: 'ann', name: `Ann of ${name}`, roles: ['self'] }));
  await operator.token({ org: id, user: 'ann', name: `token of ${name}` });
}
await gate.whenReady();

t.test(
  'a person signs in there, comes back to the page that was asked for, and switches organization',
  async (t) => {
    provider.person = { sub: 'ann', org: ['acme', 'globex'] };
    const page = await chromium.open([url, issuer]);
    await page.goto(at(gate, '/account'));
    await press(page, 'Sign in with Corporate login');
    await titled(page, 'My account');
    t.equal(page.url(), at(gate, '/account'));
    await page.getByLabel('Organization', { exact: true }).selectOption({ label: 'Globex' });
    await rowOf(page, 'token of Globex').waitFor();
    t.equal(await rowOf(page, 'token of Acme').count(), 0);
    await says(page, 'Ann of Globex');
    await press(page, 'Sign out');
    await says(page, 'You are signed out.');
    t.same(chromium.complaints, []);
  },
);

t.test(
  'a stranger hears why, and is not signed in; an error of nobody’s making is not repeated',
  async (t) => {
    provider.person = { sub: 'stranger', org: ['acme'] };
    const page = await chromium.open([url, issuer]);
    await page.goto(at(gate));
    await press(page, 'Sign in with Corporate login');
    await says(page, 'Your identity provider knows you, but you have no active account here.');
    await page.goto(at(gate, '/tokens'));
    await titled(page, 'Sign in');
    await page.goto(at(gate, '/sign-in?error=<b>anything</b>'));
    await says(page, 'Your identity provider did not confirm who you are.');
    t.same(chromium.complaints, []);
  },
);
