// The pictures of the console in the README: `npm run console:pictures` takes them anew. The secret on them is nobody's.

import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { at, fillNewToken, follow, generate, rowOf, says, signIn, titled } from '../support/console-walk.ts';
import { until } from '../support/gate-process.ts';
import { root } from '../support/process.ts';
import { done } from '../support/operator.ts';
import { type ConsoleWorld, person, withConsole } from './console-world.ts';

const folder = join(root, 'docs/images');
const bytesMax = 150_000;

const take = async (page: Page, name: string): Promise<void> => {
  const path = join(folder, name);
  await page.evaluate('document.activeElement.blur(), scrollTo(0, 0)');
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
  const { size } = statSync(path);
  console.log(`docs/images/${name}: ${(size / 1000).toFixed(0)} KB`);
  if (size > bytesMax) throw new Error(`${name} has more than ${bytesMax / 1000} KB`);
};

/** So that the live page has something to show. */
const useApi = async ({ url, tokens, operator }: ConsoleWorld): Promise<void> => {
  const call = (token: string): Promise<Response> =>
    fetch(`${url}/things/1`, { headers: { authorization: `Bearer ${token}` } });
  for (let count = 0; count < 60; count += 1) await call(tokens.get('Deploy pipeline')?.secret ?? '');
  for (let count = 0; count < 4; count += 1) await call('not-a-token');
  for (let count = 0; count < 2; count += 1) await fetch(`${url}/nowhere`);
  done(await operator.apiTokens.revokeApiToken(tokens.get('Old importer')?.id ?? ''));
  const used = tokens.get('Deploy pipeline')?.id ?? '';
  await until(async () => done(await operator.apiTokens.findApiToken(used)).lastUsedAtMs !== undefined);
};

mkdirSync(folder, { recursive: true });
await withConsole(async (world) => {
  await useApi(world);
  const page = await world.chromium.open([world.url], { viewport: { width: 1280, height: 800 } });
  await signIn(page, world, person);
  await rowOf(page, 'Terraform').waitFor();
  await take(page, 'tokens.png');

  await page.goto(at(world, '/tokens/generate'));
  await fillNewToken(page, { name: 'Metrics exporter', scopes: ['things:read', 'reports:read'] });
  await take(page, 'generate.png');

  await follow(page, 'Cancel');
  await generate(page, { name: 'Metrics exporter', scopes: ['things:read'] });
  await page.evaluate(
    `document.querySelector('output.secret').textContent = 'tg' + 'Example0'.repeat(7) + 'Example'`,
  );
  await take(page, 'secret.png');

  await page.goto(at(world, '/operator/status'));
  await titled(page, 'Live');
  await says(page, 'Refusals by reason');
  await take(page, 'status.png');
});
