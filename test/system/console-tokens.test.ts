// The life of an API token as a person with a browser lives it: generated, its secret seen once, used, regenerated, revoked.
// On both stores, with two replicas: what is done at one holds at the other.

import { readFileSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import { type Test, t } from 'tap';
import { startChromium } from '../support/chromium.ts';
import {
  at,
  fillNewToken,
  follow,
  heldBy,
  press,
  rowOf,
  says,
  secretOf,
  signIn,
  titled,
} from '../support/console-walk.ts';
import { until } from '../support/gate-process.ts';
import { textsOf } from '../support/pdf-text.ts';
import { becomes, type Replicas, startReplicas, statusOf, type StoreKind } from '../support/replicas.ts';

t.setTimeout(180_000);

const things = '/accounts/acme/things';
const bob = { org: 'acme', user: 'bob' };

const chromium = await startChromium(t);

for (const kind of ['sqlite', 'redis'] satisfies readonly StoreKind[])
  t.test(`on ${kind} a person generates, uses, regenerates and revokes a token`, async (t) => {
    const replicas = await startReplicas(t, kind);
    const page = await openPage(replicas);
    await signIn(page, replicas.a, bob);
    await says(page, 'There are no API tokens yet.');

    const first = await seeOnce(t, page);
    await is(t, replicas, first, 200);
    await isListedWithoutSecret(t, page, first);
    const second = await regenerateInList(t, page, 'deploy', '1 day');
    t.not(second, first);
    await is(t, replicas, first, 200);
    await is(t, replicas, second, 200);
    const third = await regenerateInList(t, page, 'deploy', 'Not at all: it ends at once', '5');
    await says(rowOf(page, 'deploy'), 'Expires soon');
    await is(t, replicas, third, 200);
    await is(t, replicas, first, 401);
    await is(t, replicas, second, 401);

    await revokeInList(page, 'deploy');
    await is(t, replicas, third, 401);
    await revokeAll(t, page, replicas);
    t.same(chromium.complaints, []);
  });

const openPage = ({ a, b }: Replicas): Promise<Page> =>
  chromium.open([a.url, b.url], { permissions: ['clipboard-read', 'clipboard-write'] });

/** At both replicas. */
const is = async (t: Test, { a, b }: Replicas, secret: string, status: number): Promise<void> => {
  for (const gate of [a, b]) await becomes(gate, things, secret, status);
  t.pass(`${status} at both replicas`);
};

/** Generates `deploy`, which never expires, and keeps its secret in the three ways there are. */
const seeOnce = async (t: Test, page: Page): Promise<string> => {
  await follow(page, 'Generate API token');
  await titled(page, 'Generate API token');
  t.equal(await page.getByLabel('Expires after').inputValue(), '6', 'six months, where nothing is chosen');
  await press(page, 'Generate');
  await says(page, 'Give it a name.');
  await says(page, 'Choose at least one scope.');
  await fillNewToken(page, { name: 'deploy', scopes: ['things:read'] });
  await page.getByLabel('Never expires').check();
  await says(page, /is good until somebody revokes it by hand/);
  await press(page, 'Generate');
  const secret = await secretOf(page);
  t.notMatch(page.url(), secret);

  await press(page, 'Continue');
  await says(page, 'You have not kept the secret');
  await press(page, 'Cancel');
  await press(page, 'Copy');
  await says(page, 'Copied');
  t.equal(await page.evaluate('navigator.clipboard.readText()'), secret, 'copied');
  const downloading = page.waitForEvent('download');
  await press(page, 'Download');
  const file = await downloading;
  t.match(file.suggestedFilename(), /^deploy-.*\.txt$/);
  t.equal(readFileSync(await file.path(), 'utf8'), `${secret}\n`, 'downloaded');
  t.ok(
    textsOf(await page.pdf()).some((text) => text.includes(secret)),
    'printed',
  );
  const id = /tokens\/([^/]+)\/secret$/.exec(page.url())?.[1];
  await press(page, 'Continue');
  await titled(page, 'My API tokens');
  await page.goBack();
  await page.goForward();
  await titled(page, 'My API tokens');
  await page.goto(page.url().replace(/tokens$/, `tokens/${id}/secret`));
  await titled(page, 'The secret is shown no more');
  return secret;
};

const isListedWithoutSecret = async (t: Test, page: Page, secret: string): Promise<void> => {
  await follow(page, 'My API tokens');
  await says(rowOf(page, 'deploy'), 'things:read');
  await says(rowOf(page, 'deploy'), 'Active');
  t.notMatch(await heldBy(page), secret, 'no page and no storage holds the secret');
};

/** `days`: its new lifetime. */
const regenerateInList = async (
  t: Test,
  page: Page,
  name: string,
  overlap: string,
  days?: string,
): Promise<string> => {
  await follow(page, `Regenerate ${name}`);
  await titled(page, 'Regenerate API token');
  await says(page, 'It keeps its id, name, scopes and expiry.');
  if (days !== undefined) {
    await page.getByLabel('Expiry').selectOption({ label: 'Give it a new lifetime' });
    await says(page, 'The token gets a new secret and a new lifetime.');
    await page.getByLabel('Unit').selectOption('days');
    await page.getByLabel('Expires after').fill(days);
  }
  await page.getByLabel('The old secret stays good for').selectOption({ label: overlap });
  await press(page, 'Regenerate');
  const secret = await secretOf(page);
  await press(page, 'Copy');
  await says(page, 'Copied');
  await page.reload();
  await titled(page, 'The secret is shown no more');
  t.notMatch(await heldBy(page), secret, 'a reload forgets it');
  await follow(page, 'My API tokens');
  return secret;
};

const revokeInList = async (page: Page, name: string): Promise<void> => {
  await press(rowOf(page, name), `Revoke ${name}`);
  const dialog = page.getByRole('dialog', { name: 'Revoke API token' });
  await says(dialog, 'Every session that was begun with it ends.');
  await says(dialog, 'It is for good: there is no undo.');
  await press(dialog, 'Revoke');
  await says(page, `“${name}” is revoked.`);
  await says(rowOf(page, name), 'Revoked');
};

/** Everything that can be chosen, and the token's own page says so. */
const generateChosen = async (t: Test, page: Page, replicas: Replicas): Promise<string> => {
  await follow(page, 'Generate API token');
  await fillNewToken(page, { name: 'chosen', scopes: [] });
  await page.getByLabel('Expires after').fill('90');
  await page.getByLabel('Unit').selectOption('minutes');
  await page.getByLabel('All roles').check();
  await page.getByLabel('Give an ID token too (OpenID)').check();
  await page.getByLabel('Remind me').selectOption('No reminder');
  await press(page, 'Generate');
  const secret = await secretOf(page);
  await press(page, 'Copy');
  await press(page, 'Continue');
  await is(t, replicas, secret, 200);
  await follow(page, 'chosen');
  await titled(page, 'API token');
  await says(page, /^in \d\d minutes$/);
  await says(page, 'All roles: whatever the owner’s roles grant at the time of use');
  await says(factOf(page, 'OpenID'), 'Yes');
  await says(factOf(page, 'Reminder'), 'No reminder');
  // It is written down a moment later.
  await until(async () => {
    await page.reload();
    await factOf(page, 'Last used').waitFor();
    return !(await factOf(page, 'Last used').innerText()).includes('Never');
  }, 60_000);
  await follow(page, 'My API tokens');
  return secret;
};

const factOf = (page: Page, title: string): Locator =>
  page.locator('dl > div').filter({ has: page.getByText(title, { exact: true }) });

const revokeAll = async (t: Test, page: Page, replicas: Replicas): Promise<void> => {
  const secret = await generateChosen(t, page, replicas);
  await follow(page, 'Revoke all');
  const command = page.getByRole('button', { name: 'Revoke everything' });
  await page.getByLabel('To confirm, type “acme”').fill('acm');
  t.ok(await command.isDisabled(), 'half the name confirms nothing');
  await page.getByLabel('To confirm, type “acme”').fill('acme');
  await command.click();
  await says(page, 'Everything of yours is revoked: all API tokens and all sessions.');
  await is(t, replicas, secret, 401);
  await page.goto(at(replicas.b, '/tokens'));
  await titled(page, 'Sign in');
  t.equal(await statusOf(replicas.b, '/tollgate/console/session'), 401);
};
