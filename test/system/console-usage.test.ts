// Issue 9, number 15: a token's page shows how much it was used, at both replicas, in sums, a picture and a table.

import type { Page } from 'playwright-core';
import { t } from 'tap';
import { dayOf } from '../../src/store/usage-store.ts';
import { startChromium } from '../support/chromium.ts';
import { at, says, signIn, titled } from '../support/console-walk.ts';
import { call, until } from '../support/gate-process.ts';
import { startReplicas } from '../support/replicas.ts';

t.setTimeout(180_000);

const chromium = await startChromium(t);

t.test('the page of a token shows its requests, refusals and bytes of the last 30 days', async (t) => {
  const { a, b, operator } = await startReplicas(t, 'sqlite');
  const wanted = { org: 'acme', user: 'bob', scopes: ['things:read'] };
  const { id, secret } = await operator.token({ ...wanted, name: 'used' });
  const unused = await operator.token({ ...wanted, name: 'unused' });
  for (const gate of [a, a, b]) await call(gate, '/accounts/acme/things', secret);
  t.equal((await call(b, '/write/things', secret)).status, 403);

  const page = await chromium.open([a.url]);
  await signIn(page, a, { org: 'acme', user: 'bob' });
  await page.goto(at(a, `/tokens/${id}`));
  await titled(page, 'API token');
  // Each replica writes a moment later.
  await until(async () => {
    await page.reload();
    await page
      .getByRole('region', { name: 'Use in the last 30 days' })
      .or(page.getByText('It was not used.'))
      .first()
      .waitFor();
    return (await numbersOf(page))[0] === '4';
  }, 60_000);
  t.same((await numbersOf(page)).slice(0, 2), ['4', '1'], 'requests and refusals');
  const picture = page.getByRole('img', { name: /^Requests of each day from .*, 4 on the busiest$/ });
  t.equal(await picture.locator('rect').count(), 30);
  t.equal(await picture.locator('rect', { hasText: /: 4$/ }).count(), 1, 'one bar says how many');
  const table = page.getByRole('table', { name: 'Use in the last 30 days' });
  t.equal(await table.count(), 0, 'the table is folded');
  await page.getByText('Day by day').click();
  const today = page.locator(`time[datetime="${dayOf(Date.now())}"]`);
  await says(table.getByRole('row').filter({ has: today }), '4');
  t.equal(await table.locator('tbody tr').count(), 1, 'the one day that had any');

  await page.goto(at(a, `/tokens/${unused.id}`));
  await says(page, 'It was not used.');
  t.same(chromium.complaints, []);
});

/** The sums, in their order. */
const numbersOf = (page: Page): Promise<readonly string[]> =>
  page.getByRole('region', { name: 'Use in the last 30 days' }).locator('dd').allInnerTexts();
