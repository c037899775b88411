// Every page of the console as people meet it: axe-core finds nothing wrong with it, light and dark; in no language does
// anything stick out, on a narrow screen or a wide one.

import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { t } from 'tap';
import { dayOf } from '../../src/store/usage-store.ts';
import { startChromium } from '../support/chromium.ts';
import { prefix } from '../support/console-browser.ts';
import { generate, press, signIn } from '../support/console-walk.ts';
import { done } from '../support/operator.ts';
import { setPasswords, startReplicas } from '../support/replicas.ts';

t.setTimeout(300_000);

const chromium = await startChromium(t);
const { a, operator } = await startReplicas(t, 'sqlite');
const { accounts, apiTokens } = operator;
const long = 'a-name-without-any-blank-'.repeat(5).slice(0, 128);

const furnish = async (): Promise<readonly [tokenId: string, endedId: string]> => {
  const rights = ['tollgate:operate', 'org:owner', 'tollgate:tokens:own', 'tollgate:audit:read'];
  const roles = {
    all: rights,
    many: Array.from({ length: 30 }, (_, n) => `service${n % 5}:permission-${n}`),
  };
  done(await accounts.createOrg({ id: 'ops', name: long, roles, tokenLifetimeMsMax: undefined }));
  done(await accounts.createUser({ orgId: 'ops', id: 'olga', name: long, roles: ['all', 'many'] }));
  await setPasswords(operator, ['ops/olga']);
  const hers = { org: 'ops', user: 'olga', scopes: roles.many, lifetimeMs: 86_400_000 };
  const token = await operator.token({ ...hers, name: long });
  const { org: orgId, user: userId } = hers;
  const sum = {
    tokenId: token.id,
    orgId,
    userId,
    requests: 1e9,
    refused: 1e6,
    bytesIn: 1e12,
    bytesOut: 1e15,
  };
  for (const [number, day] of [dayOf(Date.now() - 86_400_000), dayOf(Date.now())].entries())
    done(await operator.store.addUsage({ writer: 'w', number, day, keepDays: 90, sums: [sum] }));
  const ended = await operator.token({ ...hers, name: 'ended' });
  done(await apiTokens.revokeApiToken(ended.id));
  return [token.id, ended.id];
};

const [tokenId, endedId] = await furnish();
const pages = [
  '/tokens',
  '/tokens/generate',
  '/tokens/revoke-all',
  `/tokens/${tokenId}`,
  `/tokens/${endedId}`,
  `/tokens/${tokenId}/regenerate`,
  `/tokens/${tokenId}/secret`,
  '/tokens/none',
  '/account',
  '/nowhere',
  '/organization/tokens',
  '/organization/users',
  '/organization/users/olga',
  '/organization/add-user',
  '/organization/roles',
  '/organization/audit',
  '/organization/settings',
  '/operator/organizations',
  '/operator/keys',
  '/operator/status',
];

/** Goes there without loading the console anew, and waits until what is there has been loaded. */
const show = async (page: Page, path: string): Promise<void> => {
  await page.evaluate(
    `history.pushState(null, '', ${JSON.stringify(prefix + path)}), dispatchEvent(new PopStateEvent('popstate'))`,
  );
  await isLoaded(page);
};

const isLoaded = (page: Page, language = 'en'): Promise<void> =>
  page.locator(`html[lang=${language}]:not(:has([aria-busy=true])) main h1`).waitFor();

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** As one line each; `axe` is in the page already. */
const violations = async (page: Page, rules?: readonly string[]): Promise<readonly string[]> => {
  const options = { resultTypes: ['violations'], ...(rules !== undefined && { runOnly: rules }) };
  const found = (await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations)`,
  )) as readonly Violation[];
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
};

t.test('axe finds no violation on any page, light and dark', async (t) => {
  const page = await chromium.open([a.url]);
  const inspect = async (what: string): Promise<void> => {
    await page.emulateMedia({ colorScheme: 'light' });
    t.same(await violations(page), [], what);
    // In the dark nothing is other than the colours.
    await page.emulateMedia({ colorScheme: 'dark' });
    t.same(await violations(page, ['color-contrast', 'link-in-text-block']), [], `${what}, dark`);
  };
  await page.goto(`${a.url}${prefix}/sign-in?error=account_unknown`);
  await isLoaded(page);
  await page.evaluate(axe.source);
  await page.evaluate(`document.querySelector('main').append(document.createElement('img'))`);
  t.match(await violations(page), [/^image-alt: <img>/], 'it would see one');
  await page.evaluate(`document.querySelector('main img').remove()`);
  await inspect('the sign-in');
  await signIn(page, a, { org: 'ops', user: 'olga' });
  await page.evaluate(axe.source);
  for (const path of pages) {
    await show(page, path);
    await inspect(path);
  }
  for (const [path, command] of [
    ['/tokens', `Revoke ${long}`],
    ['/organization/tokens', 'Revoke everything of the organization'],
    ['/organization/roles', 'Define a role'],
    ['/organization/users/olga', 'Set a password'],
    ['/operator/organizations', 'Add an organization'],
  ] as const) {
    await show(page, path);
    await press(page, command);
    await isLoaded(page);
    await inspect(`${command} at ${path}`);
    await page.keyboard.press('Escape');
  }
  await show(page, '/tokens');
  await generate(page, { name: 'shown', scopes: ['service1:permission-1'] });
  await inspect('the secret');
  t.same(chromium.complaints, []);
});

/** What sticks out of the window, or of its own box. */
const overflow = `[
  ...(document.documentElement.scrollWidth > innerWidth ? ['the page: ' + document.documentElement.scrollWidth] : []),
  ...[...document.querySelectorAll('button, .button, h1, h2, h3, label, legend, th, select')]
    .filter((each) => each.checkVisibility() && !each.matches('.unseen') &&
      (each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline'))
    .map((each) => each.outerHTML.slice(0, 200)),
]`;

t.test('nothing sticks out at 360 or 1,600 pixels, in any language', async (t) => {
  const page = await chromium.open([a.url]);
  const measure = async (where: string): Promise<void> => {
    for (const language of ['fr', 'es', 'ru', 'en']) {
      await page.locator('footer select').first().selectOption(language);
      await isLoaded(page, language);
      for (const width of [360, 1600]) {
        await page.setViewportSize({ width, height: 900 });
        t.same(await page.evaluate(overflow), [], `${where}, ${language}, ${width}`);
      }
    }
  };
  await page.goto(`${a.url}${prefix}/sign-in?error=account_unknown`);
  await isLoaded(page);
  await page.evaluate(`document.querySelector('h1').style.minWidth = '2000px'`);
  t.match(await page.evaluate(overflow), [/^the page: /], 'it would see it');
  await page.evaluate(`document.querySelector('h1').style.minWidth = ''`);
  await measure('the sign-in');
  await signIn(page, a, { org: 'ops', user: 'olga' });
  for (const path of pages) {
    await show(page, path);
    await measure(path);
  }
  await show(page, '/tokens');
  await generate(page, { name: 'shown', scopes: ['service1:permission-1'] });
  await measure('the secret');
  t.same(chromium.complaints, []);
});
