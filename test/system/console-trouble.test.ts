// The console when something is in the way: the store goes down while a form is filled in, the session is lost, another tab
// was faster, a token expires on the open page, a lifetime is too long. Nothing typed is lost, and each has its clear words.

import type { Page } from 'playwright-core';
import { t } from 'tap';
import { startChromium } from '../support/chromium.ts';
import {
  at,
  fillNewToken,
  fillSignIn,
  follow,
  press,
  rowOf,
  says,
  secretOf,
  signIn,
  titled,
} from '../support/console-walk.ts';
import { done } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { setPasswords, startReplicas } from '../support/replicas.ts';

t.setTimeout(240_000);

const chromium = await startChromium(t);
const redis = await startRedis(['--appendonly', 'yes']);
t.teardown(() => redis.close());
const place = { url: `redis+unix:${redis.socketPath}`, readTimeout: '5s', writeTimeout: '10s' };
const { a, b, operator } = await startReplicas(t, 'redis', place);
const bob = { org: 'acme', user: 'bob' };

/** The shortest life a token may have is a minute: it begins here, while the other tests run. */
const openDying = async (): Promise<Page> => {
  await operator.token({ user: 'ann', name: 'brief', lifetimeMs: 60_000 });
  const page = await chromium.open([a.url]);
  await signIn(page, a, { org: 'acme', user: 'ann' });
  await follow(page, 'brief');
  await titled(page, 'API token');
  await page.getByRole('button', { name: 'Revoke', exact: true }).waitFor();
  return page;
};
const dying = await openDying();

const typedName = (page: Page): Promise<string> => page.getByLabel('Name', { exact: true }).inputValue();

t.test('the store goes down while the form is filled in: nothing typed is lost', async (t) => {
  const page = await chromium.open([a.url]);
  await signIn(page, a, bob, ['/tokens/generate', 'Generate API token']);
  await fillNewToken(page, { name: 'typed before', scopes: ['things:write'] });
  await redis.kill();
  await press(page, 'Generate');
  await says(page.getByRole('alert'), 'The server cannot reach its store at the moment.');
  await says(page.getByRole('alert'), 'Nothing you typed is lost');
  t.equal(await typedName(page), 'typed before');
  await follow(page, 'My API tokens');
  await says(page.getByRole('alert'), 'Not available at the moment');
  await redis.restart();
  await operator.whenStoreAnswers();
  await press(page, 'Try again');
  await says(page, 'There are no API tokens yet.');
  await follow(page, 'Generate API token');
  t.equal(await typedName(page), 'typed before', 'still there after looking elsewhere');
  await press(page, 'Generate');
  t.match(await secretOf(page), /^tg/);
  t.same(chromium.complaints, []);
});

t.test('a lost session comes back to where it was, with what was typed', async (t) => {
  const page = await chromium.open([a.url]);
  await signIn(page, a, bob, ['/tokens/generate', 'Generate API token']);
  await fillNewToken(page, { name: 'half typed', scopes: ['things:read'] });
  const address = page.url();
  done(await operator.accounts.endSessions('acme', 'bob'));
  await press(page, 'Generate');
  await says(page, /Your session has ended.*what you typed is kept/);
  t.equal(page.url(), address);
  await fillSignIn(page, bob);
  await titled(page, 'Generate API token');
  t.equal(await typedName(page), 'half typed');
  await press(page, 'Generate');
  await secretOf(page);
  t.same(chromium.complaints, []);
});

t.test('two tabs revoke the same token: it is revoked once, and both say so', async (t) => {
  await operator.token({ user: 'bob', name: 'shared' });
  const page = await chromium.open([a.url, b.url]);
  await signIn(page, a, bob);
  const other = await page.context().newPage();
  await other.goto(at(b));
  for (const tab of [page, other]) {
    await press(rowOf(tab, 'shared'), 'Revoke shared');
    await says(tab.getByRole('dialog'), 'It is for good: there is no undo.');
  }
  for (const tab of [page, other]) {
    await press(tab.getByRole('dialog'), 'Revoke');
    await says(tab, '“shared” is revoked.');
    await says(rowOf(tab, 'shared'), 'Revoked');
  }
  await operator.token({ user: 'bob', name: 'raced' });
  for (const tab of [page, other]) await tab.reload();
  await press(rowOf(page, 'raced'), 'Revoke raced');
  await press(page.getByRole('dialog'), 'Revoke');
  await says(rowOf(page, 'raced'), 'Revoked');
  await press(rowOf(other, 'raced'), 'Revoke raced');
  await says(other.getByRole('dialog'), 'is revoked already: by you in another tab, or by somebody else.');
  await other.keyboard.press('Escape');
  await says(rowOf(other, 'raced'), 'Revoked');
  t.same(chromium.complaints, []);
});

t.test('a lifetime beyond the organization’s maximum is refused before it is sent', async (t) => {
  const { accounts } = operator;
  const roles = { all: ['things:read', 'tollgate:tokens:own'] };
  const day = 86_400_000;
  done(await accounts.createOrg({ id: 'strict', name: 'Strict', roles, tokenLifetimeMsMax: 30 * day }));
  done(await accounts.createUser({ orgId: 'strict', id: 'sam', name: 'Sam', roles: ['all'] }));
  await setPasswords(operator, ['strict/sam']);
  const page = await chromium.open([a.url]);
  const sam = { org: 'strict', user: 'sam' };
  await signIn(page, a, sam, ['/tokens/generate', 'Generate API token']);
  await says(page, 'Your organization allows 30 days at most.');
  t.equal(await page.getByLabel('Never expires').count(), 0, 'nor is never offered');
  await fillNewToken(page, { name: 'long', scopes: ['things:read'] });
  await page.getByLabel('Unit').selectOption('days');
  await page.getByLabel('Expires after').fill('31');
  await press(page, 'Generate');
  await says(page, 'At most 30 days.');
  await page.getByLabel('Expires after').fill('ten');
  await says(page, 'Write a whole number, from one minute.');
  // The maximum was lowered since the form was loaded: then it is the server that refuses.
  done(await accounts.changeOrg('strict', { tokenLifetimeMsMax: 10 * day }));
  await page.getByLabel('Expires after').fill('20');
  await press(page, 'Generate');
  await says(page.getByRole('alert'), 'That is longer than your organization allows.');
  await page.getByLabel('Expires after').fill('10');
  await press(page, 'Generate');
  await secretOf(page);
  t.same(chromium.complaints, []);
});

t.test('a token that expires while its page is open is shown as expired, and offers nothing', async (t) => {
  await dying.locator('h2').getByText('Expired', { exact: true }).waitFor({ timeout: 180_000 });
  t.equal(await dying.getByRole('button', { name: 'Revoke', exact: true }).count(), 0);
  t.equal(await dying.getByRole('link', { name: 'Regenerate' }).count(), 0);
  await dying.goto(`${dying.url()}/regenerate`);
  await says(dying, 'This token has expired. Generate a new one.');
  t.same(chromium.complaints, []);
});
