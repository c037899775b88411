// What a person does at the console, in the words that the pages show: for the tests that walk through it in a browser.

import type { Locator, Page } from 'playwright-core';
import { prefix } from './console-browser.ts';
import { passwordOf } from './replicas.ts';

/** Of a page of the console; `path` begins with a slash. */
export const at = (gate: { readonly url: string }, path = '/'): string => `${gate.url}${prefix}${path}`;

export interface Person {
  readonly org: string;
  readonly user: string;
  /** Else that of the scenarios. */
  readonly password?: string;
}

/** Into the form that the page shows now. */
export const fillSignIn = async (page: Page, { org, user, password }: Person): Promise<void> => {
  await page.getByLabel('Organization id').fill(org);
  await page.getByLabel('User id').fill(user);
  await page.getByLabel('Password').fill(password ?? passwordOf(`${org}/${user}`));
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
};

/** At the address `path`; done when the page of that name is there. */
export const signIn = async (
  page: Page,
  gate: { readonly url: string },
  person: Person,
  [path, title]: readonly [path: string, title: string] = ['/', 'My API tokens'],
): Promise<void> => {
  await page.goto(at(gate, path));
  await fillSignIn(page, person);
  await titled(page, title);
};

/** Waits until the page with this title is shown. */
export const titled = (page: Page, title: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();

/** The menu's link, where the page has one of the same name. */
export const follow = (page: Page, name: string): Promise<void> =>
  page.getByRole('link', { name, exact: true }).first().click();

export const press = (page: Page | Locator, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();

export const says = (page: Page | Locator, text: string | RegExp): Promise<void> =>
  page.getByText(text).first().waitFor();

/** In the list of tokens: the row of the token with this name. */
export const rowOf = (page: Page, name: string): Locator =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });

export interface WantedToken {
  readonly name: string;
  /** Single permissions. */
  readonly scopes: readonly string[];
}

/** Opens the form, fills it and sends it; answers the secret that is shown. */
export const generate = async (page: Page, wanted: WantedToken): Promise<string> => {
  await follow(page, 'Generate API token');
  await fillNewToken(page, wanted);
  await press(page, 'Generate');
  return secretOf(page);
};

export const fillNewToken = async (page: Page, { name, scopes }: WantedToken): Promise<void> => {
  await titled(page, 'Generate API token');
  await page.getByLabel('Name', { exact: true }).fill(name);
  for (const scope of scopes) await pickScope(page, scope);
};

const pickScope = async (page: Page, scope: string): Promise<void> => {
  const service = page.locator('details.service').filter({ has: page.getByLabel(scope, { exact: true }) });
  if ((await service.getAttribute('open')) === null) await service.locator('summary').click();
  await service.getByLabel(scope, { exact: true }).check();
};

/** Waits for the page that shows the secret, this once. */
export const secretOf = async (page: Page): Promise<string> => {
  await titled(page, 'Your API token');
  return page.getByRole('status', { name: 'Your API token' }).innerText();
};

/** Everything that the page and its storage hold, as text. */
export const heldBy = async (page: Page): Promise<string> =>
  [
    await page.content(),
    page.url(),
    String(
      await page.evaluate(
        'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, document.cookie, ' +
          '[...document.querySelectorAll("input, textarea")].map(({ value }) => value)])',
      ),
    ),
  ].join('\n');
