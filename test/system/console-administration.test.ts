// What an owner of an organization and the operator do at the console: users, roles, everybody's tokens, the audit;
// organizations, signing keys, the live page. On two replicas: what is ended at one has ended at the other.

import type { Page } from 'playwright-core';
import { t } from 'tap';
import { startChromium } from '../support/chromium.ts';
import { at, fillSignIn, follow, press, rowOf, says, signIn, titled } from '../support/console-walk.ts';
import { done } from '../support/operator.ts';
import { becomes, setPasswords, startReplicas, statusOf } from '../support/replicas.ts';

t.setTimeout(180_000);

const chromium = await startChromium(t);
const replicas = await startReplicas(t, 'redis');
const { a, b, operator } = replicas;
const { accounts } = operator;
const things = '/accounts/acme/things';
const rights = [
  'tollgate:operate',
  'org:owner',
  'tollgate:tokens:own',
  'tollgate:tokens:all',
  'tollgate:audit:read',
];
done(
  await accounts.createOrg({ id: 'ops', name: 'Ops', roles: { all: rights }, tokenLifetimeMsMax: undefined }),
);
done(await accounts.createUser({ orgId: 'ops', id: 'olga', name: 'Olga', roles: ['all'] }));
await setPasswords(operator, ['ops/olga']);

const tokenOf = async (user: string): Promise<string> =>
  (await operator.token({ user, name: `of ${user}` })).secret;

/** A button of the page that asks before: its dialog is answered by the button of the same name. */
const command = async (page: Page, name: string, typed?: { label: string; text: string }): Promise<void> => {
  await press(page.locator('main'), name);
  const dialog = page.getByRole('dialog', { name });
  if (typed !== undefined) await dialog.getByLabel(typed.label).fill(typed.text);
  await press(dialog, name);
};

t.test('an owner adds a user, changes what she may do, disables, enables and deletes her', async (t) => {
  const page = await chromium.open([a.url]);
  await signIn(page, a, { org: 'acme', user: 'ann' });
  await follow(page, 'Users');
  await follow(page, 'Add a user');
  await page.getByLabel('User id').fill('carla');
  await page.getByLabel('Name').fill('Carla Ж');
  await page.getByLabel('E-mail address').fill('carla@example.com');
  await page.getByLabel('First password').fill('a first password');
  await page.getByLabel('reader').check();
  await press(page, 'Add');
  await says(page, '“Carla Ж” is added.');
  await titled(page, 'User');

  await page.getByLabel('writer').check();
  await says(page, 'With other roles the user’s sessions end.');
  await press(page, 'Save');
  await says(page, '“Carla Ж” is changed.');
  t.same(done(await accounts.findUser('acme', 'carla')).roles, ['reader', 'writer']);

  const secret = await tokenOf('carla');
  await becomes(b, things, secret, 200);
  await command(page, 'Disable');
  await says(page, '“Carla Ж” is disabled.');
  await becomes(b, things, secret, 401);
  await press(page, 'Enable');
  await says(page, '“Carla Ж” is enabled.');
  await becomes(b, things, secret, 200);

  await press(page, 'Set a password');
  await page.getByRole('dialog').getByLabel('New password').fill('a second password');
  await press(page.getByRole('dialog'), 'Set a password');
  await says(page, '“Carla Ж” has a new password.');
  const hers = await chromium.open([b.url]);
  await hers.goto(at(b));
  await fillSignIn(hers, { org: 'acme', user: 'carla', password: 'a second password' });
  await says(hers, 'Your roles do not let you have API tokens.');

  await command(page, 'Delete', { label: 'To confirm, type “carla”', text: 'carla' });
  await says(page, '“Carla Ж” is deleted.');
  await titled(page, 'Users');
  await becomes(b, things, secret, 401);
  await follow(hers, 'My account');
  await says(hers, 'Your session has ended.');
  t.same(chromium.complaints, []);
});

t.test('an owner finds everybody’s tokens, revokes one, and reads it in the audit', async (t) => {
  const secret = await tokenOf('bob');
  const page = await chromium.open([a.url]);
  await signIn(page, a, { org: 'acme', user: 'ann' }, ['/organization/tokens', 'All API tokens']);
  await page.getByLabel('Owner').fill('bob');
  await press(rowOf(page, 'of bob'), 'Revoke of bob');
  await press(page.getByRole('dialog'), 'Revoke');
  await says(rowOf(page, 'of bob'), 'Revoked');
  await becomes(b, things, secret, 401);

  await follow(page, 'Audit');
  await page.getByLabel('Action').fill('token.revoke');
  const entry = page.getByRole('row').filter({ hasText: 'acme/bob' });
  await says(entry, 'acme/ann');
  await says(entry, 'console');
  await says(entry, 'Done');
  t.same(chromium.complaints, []);
});

t.test('an owner defines a role and deletes it', async (t) => {
  const page = await chromium.open([a.url]);
  await signIn(page, a, { org: 'globex', user: 'eve' }, ['/organization/roles', 'Roles']);
  await press(page, 'Define a role');
  const dialog = page.getByRole('dialog', { name: 'Define a role' });
  await dialog.getByLabel('Name of the role').fill('ci bot');
  await dialog.getByLabel('Scopes').fill('things:read\nother:write');
  await press(dialog, 'Save');
  await says(dialog, 'That is more than you may do yourself, so you cannot give it.');
  await dialog.getByLabel('Scopes').fill('things:read');
  await press(dialog, 'Save');
  // Every session of the organization ends with it, this one too.
  await page.getByLabel('User id').waitFor();
  await fillSignIn(page, { org: 'globex', user: 'eve' });
  await press(page, 'Delete the role ci bot');
  await press(page.getByRole('dialog'), 'Delete');
  await page.getByLabel('User id').waitFor();
  const { roles } = done(await accounts.findOrg('globex'));
  t.notOk('ci bot' in roles);
  t.same(chromium.complaints, []);
});

t.test(
  'an owner gives the organization another name and other reminders, and sees the new name at once',
  async (t) => {
    const page = await chromium.open([a.url]);
    await signIn(page, a, { org: 'acme', user: 'ann' }, ['/organization/settings', 'Settings']);
    await page.getByLabel('Days before a token expires').fill('soon');
    await says(page, 'Write at most eight whole numbers of days.');
    await page.getByLabel('Days before a token expires').fill('21, 2');
    await page.getByLabel('Name', { exact: true }).fill('Acme & Söhne');
    await press(page, 'Save');
    await says(page, '“Acme & Söhne” is changed.');
    await says(page.locator('header.bar'), 'Acme & Söhne');
    const { name, reminderThresholdsMs } = done(await accounts.findOrg('acme'));
    t.equal(name, 'Acme & Söhne');
    t.same(reminderThresholdsMs, [21 * 86_400_000, 2 * 86_400_000]);
    await follow(page, 'My API tokens');
    await page.getByRole('link', { name: 'Revoke all' }).click();
    await page.getByLabel('To confirm, type “Acme & Söhne”').waitFor();
    t.same(chromium.complaints, []);
  },
);

t.test('the operator makes, bounds, disables and deletes an organization', async (t) => {
  const page = await signInOperator();
  await follow(page, 'Organizations');
  await press(page, 'Add an organization');
  const adding = page.getByRole('dialog', { name: 'Add an organization' });
  await adding.getByLabel('Organization id').fill('initech');
  await adding.getByLabel('Name', { exact: true }).fill('Initech & Co');
  await adding.getByLabel('Tokens must expire').check();
  await adding.getByLabel('At most').fill('3');
  await adding.getByLabel('User id').fill('peter');
  await adding.getByLabel('First password').fill('a first password');
  await press(adding, 'Add');
  await says(page, '“Initech & Co” is added.');

  await press(page, 'Change Initech & Co');
  const changing = page.getByRole('dialog');
  await changing.getByLabel('At most').fill('30');
  await changing.getByLabel('Unit').selectOption('days');
  await press(changing, 'Save');
  await says(page, '“Initech & Co” is changed.');

  const owners = await chromium.open([b.url]);
  await owners.goto(at(b));
  await fillSignIn(owners, { org: 'initech', user: 'peter', password: 'a first password' });
  await titled(owners, 'My API tokens');

  await press(page, 'Disable Initech & Co');
  await press(page.getByRole('dialog'), 'Disable');
  await says(page.getByRole('row', { name: 'Initech & Co' }), 'Disabled');
  await follow(owners, 'My account');
  await says(owners, 'Your session has ended.');

  await press(page, 'Delete Initech & Co');
  await page.getByRole('dialog').getByLabel('To confirm, type “Initech & Co”').fill('Initech & Co');
  await press(page.getByRole('dialog'), 'Delete');
  await says(page, '“Initech & Co” is deleted.');
  await page.getByRole('row', { name: 'Initech & Co' }).waitFor({ state: 'detached' });
  t.same(chromium.complaints, []);
});

t.test('the operator begins a new signing key, and sees how the replica does', async (t) => {
  const page = await signInOperator();
  await follow(page, 'Signing keys');
  await page.getByRole('row').nth(1).waitFor();
  const before = await page.getByRole('row').count();
  await command(page, 'Begin a new key');
  await says(page, 'The next key is made.');
  await page.getByRole('row').nth(before).waitFor();

  t.equal(await statusOf(a, things, 'nobodys-token'), 401);
  await follow(page, 'Live');
  await says(page, 'Ready');
  await says(page, 'Refusals by reason');
  await says(page.getByRole('row'), 'token_unknown');
  await says(page, 'connected');
  t.same(chromium.complaints, []);
});

/** Signed in as somebody who operates the deployment. */
const signInOperator = async (): Promise<Page> => {
  const page = await chromium.open([a.url]);
  await signIn(page, a, { org: 'ops', user: 'olga' });
  return page;
};
