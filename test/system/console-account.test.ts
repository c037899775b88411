// One's own account at the console: password, address, sessions, signing out; and the keyboard alone, which generates and
// revokes a token.

import type { Locator, Page } from 'playwright-core';
import { t } from 'tap';
import { startChromium } from '../support/chromium.ts';
import { at, fillSignIn, follow, press, says, signIn, titled } from '../support/console-walk.ts';
import { becomes, passwordOf, startReplicas } from '../support/replicas.ts';

t.setTimeout(180_000);

const chromium = await startChromium(t);
const { a, b } = await startReplicas(t, 'sqlite');
const bob = { org: 'acme', user: 'bob' };
const eve = { org: 'globex', user: 'eve' };

t.test('a person changes the password, and signs in with the new one alone', async (t) => {
  const page = await chromium.open([a.url, b.url], { permissions: ['clipboard-read', 'clipboard-write'] });
  await signIn(page, a, eve, ['/account', 'My account']);
  await says(page, '/accounts/globex');
  await press(page, 'Copy the organization id');
  t.equal(await page.evaluate('navigator.clipboard.readText()'), 'globex');

  const change = async (current: string, next: string, again = next): Promise<void> => {
    await page.getByLabel('Present password').fill(current);
    await page.getByLabel('New password', { exact: true }).fill(next);
    await page.getByLabel('New password again').fill(again);
    await press(page, 'Change password');
  };
  await change(passwordOf('globex/eve'), 'short');
  await says(page, 'Type at least 12 characters.');
  await change(passwordOf('globex/eve'), 'a longer password', 'another password');
  await says(page, 'The two new passwords differ.');
  await change('not the password', 'a longer password');
  await says(page.getByRole('alert'), 'The present password is wrong.');
  await change(passwordOf('globex/eve'), 'a longer password');
  await says(page, 'Your password is changed. Sign in with the new one.');

  await fillSignIn(page, eve);
  await says(page.getByRole('alert'), 'Wrong organization, user or password.');
  await fillSignIn(page, { ...eve, password: 'a longer password' });
  await titled(page, 'My account');
  t.same(chromium.complaints, []);
});

t.test('a person keeps an address, signs out, and ends every session', async (t) => {
  const page = await chromium.open([a.url, b.url]);
  await signIn(page, a, bob, ['/account', 'My account']);
  await page.getByLabel('E-mail address').fill('bob@example.com\r\nBcc: eve@example.com');
  await press(page, 'Save');
  await says(page.getByRole('alert'), 'That is no e-mail address that can be used here.');
  await page.getByLabel('E-mail address').fill('bob@example.com');
  await press(page, 'Save');
  await says(page, 'The address is saved.');

  const other = await chromium.open([b.url]);
  await signIn(other, b, bob);
  await page.locator('main').getByRole('button', { name: 'Sign out' }).click();
  await says(page, 'You are signed out.');
  await page.goto(at(b, '/tokens'));
  await titled(page, 'Sign in');
  await follow(other, 'My account');
  await press(other, 'End all my sessions');
  await press(other.getByRole('dialog'), 'End all sessions');
  await says(other, 'All your sessions have ended.');
  t.same(chromium.complaints, []);
});

/** Presses Tab until it has the focus. */
const tabTo = async (page: Page, target: Locator): Promise<void> => {
  await target.waitFor();
  for (let presses = 0; presses < 100; presses += 1) {
    await page.keyboard.press('Tab');
    if ((await target.and(page.locator(':focus')).count()) === 1) return;
  }
  throw new Error(`100 presses of Tab do not lead to ${String(target)}`);
};

t.test('the keyboard alone signs in, generates a token and revokes it', async (t) => {
  const page = await chromium.open([a.url]);
  const { keyboard } = page;
  const type = async (label: string, text: string): Promise<void> => {
    await tabTo(page, page.getByLabel(label, { exact: true }));
    await keyboard.type(text);
  };
  const activate = async (role: 'link' | 'button' | 'checkbox', name: string): Promise<void> => {
    await tabTo(page, page.getByRole(role, { name, exact: true }));
    await keyboard.press(role === 'checkbox' ? 'Space' : 'Enter');
  };
  await page.goto(at(a));
  await type('Organization id', 'acme');
  await type('User id', 'bob');
  await type('Password', passwordOf('acme/bob'));
  await keyboard.press('Enter');
  await titled(page, 'My API tokens');
  await activate('link', 'Generate API token');
  await type('Name', 'typed');
  await tabTo(page, page.locator('summary').filter({ hasText: 'things' }));
  await keyboard.press('Enter');
  await activate('checkbox', 'things:read');
  await activate('button', 'Generate');
  await titled(page, 'Your API token');
  t.equal(await page.evaluate('document.activeElement.tagName'), 'H1', 'the new page is read from its title');
  const secret = await page.getByRole('status', { name: 'Your API token' }).innerText();
  await becomes(b, '/accounts/acme/things', secret, 200);
  await activate('button', 'Continue');
  await activate('button', 'Continue without it');
  await titled(page, 'My API tokens');
  await activate('button', 'Revoke typed');
  await activate('button', 'Revoke');
  await says(page, '“typed” is revoked.');
  await becomes(b, '/accounts/acme/things', secret, 401);
  t.same(chromium.complaints, []);
});
