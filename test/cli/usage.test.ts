// Issue 9, number 15: `tollgate usage` shows what API tokens were used, by day and by token.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { addDays, dayOf } from '../../src/store/usage-store.ts';
import { exampleOrg, exampleToken, exampleUser } from '../contract/examples.ts';
import { run } from './run.ts';

const today = dayOf(Date.now());
const yesterday = addDays(today, -1);
const longAgo = addDays(today, -30);

/** Two tokens of acme/ann and one of acme/bob, used today, yesterday and 30 days ago. */
const furnished = async (t: Test, usage: object = {}) => {
  const folder = t.testdir();
  const file = join(folder, 'tollgate.db');
  const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
  await store.open();
  t.teardown(() => store.close());
  const org = exampleOrg({ id: 'acme' });
  await store.createOrg(org);
  const make = async (userId: string, name: string) => {
    const user = exampleUser(org.id, { id: userId });
    await store.createUser(user);
    const { token, digest } = exampleToken(user, { name });
    await store.createToken(token, digest);
    return { token, sum: { tokenId: token.id, orgId: org.id, userId } };
  };
  const [ci, nightly, other] = [
    await make('ann', 'ci'),
    await make('ann', 'nightly'),
    await make('bob', 'other'),
  ];
  const add = (number: number, day: string, sums: Parameters<typeof store.addUsage>[0]['sums']) =>
    store.addUsage({ writer: 'w', number, day, keepDays: 90, sums });
  await add(1, longAgo, [{ ...ci.sum, requests: 1_000, refused: 0, bytesIn: 0, bytesOut: 0 }]);
  await add(2, yesterday, [{ ...ci.sum, requests: 5, refused: 2, bytesIn: 10, bytesOut: 2_000 }]);
  await add(3, today, [
    { ...ci.sum, requests: 1, refused: 0, bytesIn: 0, bytesOut: 1 },
    { ...other.sum, requests: 40, refused: 0, bytesIn: 4, bytesOut: 4 },
  ]);
  const settings = join(folder, 'tollgate.yaml');
  writeFileSync(settings, JSON.stringify({ store: `sqlite:${file}`, usage }));
  const tollgate = (...args: string[]) => run(['usage', '--config', settings, ...args]);
  return { store, ci: ci.token, nightly: nightly.token, other: other.token, tollgate };
};

t.test('the last 30 days of a token, a user and an org are shown by day, with their sum', async (t) => {
  const { tollgate, ci } = await furnished(t, { enabled: true });
  const ofToken = await tollgate('--token', ci.id);
  t.equal(
    ofToken.stdout,
    [
      'DAY         REQUESTS  REFUSED  BYTES IN  BYTES OUT',
      `${yesterday}  5         2        10        2000`,
      `${today}  1         0        0         1`,
      'all         6         2        10        2001',
      '',
    ].join('\n'),
  );
  t.equal(ofToken.stderr, '');
  t.match((await tollgate('--user', 'acme/ann')).stdout, /\nall +6 +2 +10 +2001\n/);
  t.match((await tollgate('--org', 'acme')).stdout, new RegExp(`\\n${today} +41 +0 +4 +5\\nall +46 `));
});

t.test('a period is the days that were named, the first and the last included', async (t) => {
  const { tollgate } = await furnished(t);
  const json = async (...args: string[]) => JSON.parse((await tollgate('--json', ...args)).stdout);
  t.match(await json('--org', 'acme', '--from', longAgo, '--to', yesterday), {
    from: longAgo,
    to: yesterday,
    total: { requests: 1_005, refused: 2, bytesIn: 10, bytesOut: 2_000 },
    days: [
      { day: longAgo, requests: 1_000 },
      { day: yesterday, requests: 5 },
    ],
  });
  t.match(await json('--org', 'acme', '--to', longAgo), {
    from: addDays(longAgo, -29),
    total: { requests: 1_000 },
  });
});

t.test('by token, each that was used is shown with whose it is, the most used first', async (t) => {
  const { tollgate, ci, other, nightly } = await furnished(t);
  const { stdout, stderr } = await tollgate('--org', 'acme', '--by', 'token');
  t.match(
    stdout,
    new RegExp(
      `^TOKEN .*\\n${other.id} +acme/bob +other +40 .*\\n${ci.id} +acme/ann +ci +6 +2 +10 +2001\\nall +46 .*\\n$`,
    ),
  );
  t.notMatch(stdout, nightly.id);
  t.match(stderr, /Nothing is counted now: usage.enabled is false/);
  const ofUser = JSON.parse((await tollgate('--user', 'acme/ann', '--by', 'token', '--json')).stdout);
  t.match(ofUser.tokens, [{ tokenId: ci.id, user: 'ann', name: 'ci', state: 'active', requests: 6 }]);
  t.equal(ofUser.tokens.length, 1);
});

t.test('what was used by somebody who is deleted is shown still', async (t) => {
  const { tollgate, store } = await furnished(t);
  await store.deleteUser('acme', 'ann', Date.now());
  t.match((await tollgate('--user', 'acme/ann')).stdout, /\nall +6 /);
  await store.deleteOrg('acme', Date.now());
  t.match((await tollgate('--org', 'acme')).stdout, /\nall +46 /);
});

t.test('what is not there, not used or not understood is said', async (t) => {
  const { tollgate, nightly } = await furnished(t);
  t.match(await tollgate('--token', nightly.id), {
    code: 0,
    stdout: '',
    stderr: /Nothing was counted in that time/,
  });
  t.match(await tollgate('--org', 'nope'), { code: 1, stderr: /There is no org nope/ });
  t.match(await tollgate('--user', 'acme/nope'), { code: 1, stderr: /There is no user acme\/nope/ });
  t.match(await tollgate('--token', 'nope'), { code: 1, stdout: '' });
  t.match(await tollgate('--org', 'nope', '--by', 'token'), { code: 1, stderr: /There is no org nope/ });
  for (const [args, said] of [
    [[], /give one of --org, --user and --token/],
    [['--org', 'acme', '--token', nightly.id], /give one of/],
    [['--token', nightly.id, '--by', 'token'], /--by token goes with --org or --user/],
    [['--org', 'acme', '--from', today, '--to', yesterday], /--from is after --to/],
    [['--org', 'acme', '--from', '2026-02-30'], /Write a day such as/],
    [['--org', 'acme', '--to', 'yesterday'], /Write a day such as/],
    [['--org', 'acme', '--by', 'hour'], /Allowed choices are day, token/],
  ] as const)
    t.match(await tollgate(...args), { code: 2, stderr: said }, args.join(' '));
});

t.test('explain says whether a request is counted', async (t) => {
  const explained = async (usage: object, ...args: string[]) => {
    const file = join(t.testdir(), 'tollgate.yaml');
    const routes = [{ name: 'things', path: '/things', scopes: ['things:read'] }];
    writeFileSync(file, JSON.stringify({ usage, routes }));
    return (await run(['explain', '--config', file, 'GET', '/things', ...args])).stdout;
  };
  t.match(
    await explained({ enabled: true }, '--scopes', 'things:read'),
    /\nusage +counted for the API token\n/,
  );
  t.match(
    await explained({ enabled: true }, '--scopes', ''),
    /\nusage +counted for the API token, as refused/,
  );
  t.notMatch(await explained({ enabled: true }), /usage/, 'nobody’s use');
  t.notMatch(
    await explained({ enabled: true }, '--scopes', 'things:read', '--session', 'interactive'),
    /usage/,
  );
  t.notMatch(await explained({}, '--scopes', 'things:read'), /usage/);
});
