// 15: `explain` says which limits a request has, and what is left of them.

import { join } from 'node:path';
import { t } from 'tap';
import { countKey, digestOfSubject, limitsOf } from '../../src/limits/limit.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { run, runJson } from './run.ts';

const settingsText = (folder: string): string => `
store: sqlite:${folder}/tollgate.db
rateLimits:
  - { name: each-token, per: token, requests: 100, window: 10s, burst: 200 }
  - { name: elsewhere, per: route, requests: 1, routes: [others] }
quotas:
  - { name: each-org, per: org, requests: 1000, period: month }
routes:
  - { name: things, path: /things/*, scopes: [things:read] }
  - { name: others, path: /others/*, public: true }
`;

t.test('explain tells the limits of a request, and what is left', async (t) => {
  const folder = t.testdir();
  const file = join(t.testdir({ 'a.yaml': settingsText(folder) }), 'a.yaml');
  const explain = (...args: string[]) => run(['explain', '-c', file, ...args]);
  const things = ['GET', '/things/1', '--scopes', 'things:read', '--org', 'acme'];
  t.match(await explain(...things), {
    code: 0,
    stdout: /limits +each-token \(100 in 10 s, 200 at once per token\); each-org \(1000 a month per org\)\n/,
  });
  const loaded = loadSettings({ file, env: {}, flags: {} });
  if (!loaded.ok) throw new Error('bad settings');
  const store = createSqliteStore({ kind: 'sqlite', file: `${folder}/tollgate.db` }, { retentionMs: 1 });
  await store.open();
  const monthly = limitsOf(loaded.settings).find(({ name }) => name === 'each-org');
  if (monthly === undefined) throw new Error('no quota');
  const period = monthly.periodOf(Date.now());
  const key = countKey(monthly, digestOfSubject('acme'), period);
  await store.takeAllowance({ key, terms: monthly.termsOf(period), spent: 58, wanted: 0 }, Date.now());
  await store.close();
  t.match(await explain(...things), { stdout: /each-org \(1000 a month per org, 942 left\)/ });
  t.match(await runJson(['explain', '-c', file, ...things]), {
    limits: [
      { name: 'each-token', per: 'token', counts: true },
      { name: 'each-org', per: 'org', counts: true, left: 942 },
    ],
  });
  t.match(await explain('GET', '/others/1'), {
    stdout:
      /each-token \(.* per token: counts no caller without a credential\); elsewhere \(1 in 1 s, 1 at once per route, 1 left\)/,
  });
});

t.test('validate warns where a limit counts nobody', async (t) => {
  const text = `
rateLimits:
  - { name: each-user, per: user, requests: 10, routes: [others] }
  - { name: each-token, per: token, requests: 10, routes: [others, things] }
quotas:
  - { name: each-address, per: address, requests: 10, period: month }
routes:
  - { name: things, path: /things/*, scopes: [things:read] }
  - { name: others, path: /others/*, public: true }
`;
  const file = join(t.testdir({ 'a.yaml': text }), 'a.yaml');
  const { stdout, stderr } = await run(['validate', file]);
  t.match(
    stdout + stderr,
    /:3:\d+: rateLimits\[0\].per: is user, but all its routes are public.*write per: address/,
  );
  t.match(stdout + stderr, /:6:\d+: quotas\[0\].per: is address: the store keeps a count of each address/);
  t.match(stdout + stderr, /:4:\d+: rateLimits\[1\].per: is token, and others of the routes/);
});
