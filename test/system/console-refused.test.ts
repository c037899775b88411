// What other sites may do with somebody who is signed in to the console: nothing. And names that were chosen to do harm do
// none: they are shown as text on every page.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { type Test, t } from 'tap';
import { startChromium } from '../support/chromium.ts';
import { at, fillSignIn, follow, press, rowOf, says, signIn, titled } from '../support/console-walk.ts';
import { until } from '../support/gate-process.ts';
import { done } from '../support/operator.ts';
import { passwordOf, setPasswords, startReplicas, statusOf } from '../support/replicas.ts';

t.setTimeout(180_000);

const chromium = await startChromium(t);
const replicas = await startReplicas(t, 'sqlite');
const { a, operator } = replicas;
const things = '/accounts/acme/things';

/** A site of somebody else, with an empty page. */
const startSite = async (t: Test): Promise<number> => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><title>elsewhere</title>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
};

/** How often the gate refused a request for where it came from: `same-site` or `cross-site`. */
const refusedFrom = (site: string): number =>
  a
    .lines()
    .filter(({ reason, evidence }) => reason === 'origin_refused' && evidence === `Sec-Fetch-Site: ${site}`)
    .length;

const fetches: Readonly<Record<string, string>> = {
  'a fetch without preflight': `{ method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}' }`,
  'a fetch of JSON': `{ method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body: '{}' }`,
  'a DELETE': `{ method: 'DELETE', credentials: 'include' }`,
  'a reading fetch': `{ credentials: 'include' }`,
};

t.test('another site changes nothing and reads nothing, be it as near as another port', async (t) => {
  const port = await startSite(t);
  const { secret } = await operator.token({ user: 'bob', name: 'kept' });
  const page = await chromium.open([a.url]);
  await signIn(page, a, { org: 'acme', user: 'bob' });
  const foreign = await page.context().newPage();
  for (const [host, site] of [
    ['127.0.0.1', 'same-site'],
    ['localhost', 'cross-site'],
  ] as const) {
    await foreign.goto(`http://${host}:${port}/`);
    for (const [what, options] of Object.entries(fetches))
      for (const path of ['/api/revoke-all', '/session']) {
        const script = `fetch(${JSON.stringify(at(a, path))}, ${options}).then((r) => r.text(), () => 'nothing')`;
        t.match(
          await foreign.evaluate(script),
          /^(?:nothing)?$/,
          `${what} from ${host} reads nothing of ${path}`,
        );
      }
    await postForm(foreign, at(a, '/api/revoke-all'));
    t.match(await foreign.innerText('body'), /origin_refused/, `a form from ${host}`);
    // Two fetches that ask for no leave before, one that reads the session, and the form.
    await until(() => refusedFrom(site) === 4);
  }
  t.equal(await statusOf(a, things, secret), 200, 'the token lives on');
  await page.reload();
  await titled(page, 'My API tokens');
  await rowOf(page, 'kept').waitFor();
  t.same(chromium.complaints, []);
});

const postForm = async (page: Page, action: string): Promise<void> => {
  const answered = page.waitForURL(action);
  await page.evaluate(`{
    const form = document.createElement('form');
    Object.assign(form, { method: 'post', action: ${JSON.stringify(action)}, enctype: 'text/plain' });
    document.body.append(form);
    form.submit();
  }`);
  await answered;
};

t.test('the pages cannot be framed, by another site or by the API behind the gate', async (t) => {
  const port = await startSite(t);
  const page = await chromium.open([]);
  await page.goto(`http://localhost:${port}/`);
  const answered = page.waitForResponse(at(a));
  await page.evaluate(`{
    const frame = document.createElement('iframe');
    frame.src = ${JSON.stringify(at(a))};
    document.body.append(frame);
    new Promise((resolve) => (frame.onload = resolve));
  }`);
  const response = await answered;
  t.match(response.headers()['content-security-policy'], /frame-ancestors 'none'/);
  await page.waitForFunction('frames.length === 1');
  const [, frame] = page.frames();
  await frame?.waitForURL(/^chrome-error:/);
  t.match(frame?.url(), /^chrome-error:/, 'the browser shows an error in its place');
});

const names = {
  markup: `<img src=x onerror="document.title='run'"><script>document.title='run'</script>`,
  attribute: `"><svg onload=alert(1)> ' onfocus=alert(1) autofocus`,
  template: '${7*7} {{7*7}} {name} %s &lt;b&gt;',
  hebrew: 'מפתח לפריסה (v2) <b>',
  arabic: 'رمز النشر 2026',
  emoji: '🚀👩🏽🇺🇳 deploy',
  long: 'Ŵ'.repeat(128),
};

t.test(
  'names with markup, from right to left and with emoji are shown as they are, on every page',
  async (t) => {
    const { accounts } = operator;
    const roles = { all: ['things:read', 'org:owner', 'tollgate:tokens:own'] };
    done(await accounts.createOrg({ id: 'odd', name: names.markup, roles, tokenLifetimeMsMax: undefined }));
    done(await accounts.createUser({ orgId: 'odd', id: 'zoe', name: names.attribute, roles: ['all'] }));
    await setPasswords(operator, ['odd/zoe']);
    for (const name of Object.values(names)) await operator.token({ org: 'odd', user: 'zoe', name });
    const page = await chromium.open([a.url]);
    await page.goto(at(a));
    await fillSignIn(page, { org: 'odd', user: 'zoe', password: passwordOf('odd/zoe') });
    await titled(page, 'My API tokens');
    const isHarmless = async (where: string): Promise<void> => {
      t.equal(
        await page.evaluate(
          `document.querySelectorAll('img, script:not([src]), b, [onload], [onfocus]').length`,
        ),
        0,
        `${where}: no markup of a name`,
      );
      t.match(await page.title(), / – Tollgate$/, where);
    };
    for (const [what, name] of Object.entries(names)) {
      const row = rowOf(page, name);
      await row.waitFor();
      t.equal(await row.locator('bdi').innerText(), name, what);
    }
    await isHarmless('the list');
    for (const [name, inSentence] of [
      [names.markup, names.markup],
      // Isolated, so that the sentence around it stays in order.
      [names.hebrew, `\u2068${names.hebrew}\u2069`],
    ] as const) {
      await press(rowOf(page, name), `Revoke ${inSentence}`);
      await says(page.getByRole('dialog'), name);
      await isHarmless('the question before it is revoked');
      await press(page.getByRole('dialog'), 'Revoke');
      await says(page, `“${inSentence}” is revoked.`);
      await isHarmless('what was done');
    }
    for (const [link, title] of [
      ['My account', 'My account'],
      ['All API tokens', 'All API tokens'],
      ['Users', 'Users'],
      [names.attribute, 'User'],
      ['Audit', 'Audit'],
    ] as const) {
      await follow(page, link);
      await titled(page, title);
      await page.waitForLoadState('networkidle');
      await isHarmless(title);
    }
    t.equal(await page.locator('.who bdi').first().innerText(), names.attribute);
    t.equal(await page.locator('.who bdi').last().innerText(), names.markup);
    t.same(chromium.complaints, []);
  },
);

t.test('the policy lets nobody run a script, write markup or ask another host, and it is seen', async (t) => {
  const port = await startSite(t);
  const page = await chromium.open([a.url]);
  await page.goto(at(a));
  await titled(page, 'Sign in');
  const before = chromium.complaints.length;
  for (const [what, script] of [
    [
      'an inline script',
      `document.head.append(Object.assign(document.createElement('script'), { text: '1' }))`,
    ],
    // By itself: what is evaluated for a test may use eval.
    ['eval', `new Promise((resolve) => setTimeout(resolve)).then(() => eval('1'))`],
    ['markup', `document.body.innerHTML = '<b>bold</b>'`],
    ['another host', `fetch('http://localhost:${port}/')`],
  ] as const)
    await t.rejects(page.evaluate(script), what);
  const seen = (): string => chromium.complaints.slice(before).join('\n');
  await until(() =>
    ['require-trusted-types-for', 'connect-src'].every((each) => seen().includes(`policy violated: ${each}`)),
  );
});
