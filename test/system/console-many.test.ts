// An organization of 10,000 API tokens: its list is shown page by page, sorted, filtered and searched, each a request for one
// page.

import { t } from 'tap';
import { startChromium } from '../support/chromium.ts';
import { press, rowOf, says, signIn } from '../support/console-walk.ts';
import { done } from '../support/operator.ts';
import { startReplicas } from '../support/replicas.ts';

t.setTimeout(300_000);

const chromium = await startChromium(t);
const { a, operator } = await startReplicas(t, 'redis');
const users = Array.from({ length: 10 }, (_, number) => `user${number}`);
/** As many as a user may have. */
const ofEach = 1000;

const makeTokens = async (): Promise<void> => {
  await operator.token({ user: 'bob', name: 'the first of all' });
  for (const user of users) {
    done(await operator.accounts.createUser({ orgId: 'acme', id: user, name: user, roles: ['reader'] }));
    const numbers = Array.from({ length: ofEach }, (_, number) => String(number).padStart(3, '0'));
    await Promise.all(numbers.map((number) => operator.token({ user, name: `${user} token ${number}` })));
  }
  await operator.token({ user: 'bob', name: 'the last of all' });
};

t.test('10,000 tokens are shown page by page, and any of them is found', async (t) => {
  await makeTokens();
  const page = await chromium.open([a.url]);
  await signIn(page, a, { org: 'acme', user: 'ann' }, ['/organization/tokens', 'All API tokens']);
  await rowOf(page, 'the last of all').waitFor();
  await says(page, '1–20 of 10,002');
  await press(page, 'Next');
  await says(page, '21–40 of 10,002');
  await press(page, 'Previous');
  await says(page, '1–20 of 10,002');
  await page.getByLabel('Sort by').selectOption({ label: 'Name, Z to A' });
  await rowOf(page, 'user9 token 999').waitFor();
  await page.getByLabel('Owner').fill('user3');
  await rowOf(page, 'user3 token 999').waitFor();
  await page.getByLabel('Owner').fill('');
  await page.getByLabel('Sort by').selectOption({ label: 'Newest first' });
  await page.getByLabel('Search').fill('first of');
  // A page of a search looks at a thousand tokens at most.
  const isFound = rowOf(page, 'the first of all');
  const goesOn = page.getByRole('button', { name: 'Search further' });
  for (let pages = 0; pages < 2 * users.length && (await isFound.count()) === 0; pages += 1) {
    await says(page, 'Nothing matches so far; there is more to search.');
    const answered = page.waitForResponse(/\/api-tokens\?/);
    await goesOn.click();
    await answered;
    await isFound.or(goesOn).first().waitFor();
  }
  await isFound.waitFor();
  t.equal(await page.getByRole('row').count(), 2, 'its heading, and what was found');
  t.same(chromium.complaints, []);
});
