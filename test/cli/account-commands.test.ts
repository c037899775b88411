// Orgs and users changed and deleted at the command line, and the e-mail addresses of users.

import { join } from 'node:path';
import t, { type Test } from 'tap';
import { run, runJson } from './run.ts';

const furnished = async (t: Test, files: Record<string, string> = {}) => {
  const folder = t.testdir(files);
  const store = `sqlite:${join(folder, 't.db')}`;
  const on = (...args: string[]) => run([...args, '--store', store]);
  const json = (...args: string[]) => runJson([...args, '--store', store]);
  await on('org', 'create', 'acme', '--role', 'reader=things:read');
  await on('user', 'create', 'acme/ann', '--email', 'ann@example.com', '--role', 'reader');
  return { on, json, folder };
};

t.test('a user has an e-mail address, which is shown, changed and taken away', async (t) => {
  const { on, json } = await furnished(t);
  t.match(await json('user', 'list', 'acme'), [{ id: 'ann', email: 'ann@example.com' }]);
  t.match(await json('user', 'update', 'acme/ann', '--email', 'a.b@example.org', '--name', 'Ann'), {
    email: 'a.b@example.org',
    name: 'Ann',
  });
  t.match(await on('user', 'update', 'acme/ann', '--email', 'none'), { code: 0 });
  t.match(await json('user', 'list', 'acme'), [{ id: 'ann', email: undefined }]);
  t.match(await on('user', 'update', 'acme/ann'), { code: 2, stderr: /give --name, --email or both/ });
  for (const wrong of ['ann', 'a@b@c', 'a@b.example\nBcc: c@d.example', '"a"@b.example', 'a@-b.example'])
    t.match(await on('user', 'create', 'acme/bob', '--email', wrong), {
      code: 1,
      stderr: /cannot be an e-mail address. Write one plain address/,
    });
});

t.test('an org gets another name, longest life and reminders', async (t) => {
  const { on, json } = await furnished(t);
  const dayMs = 86_400_000;
  t.match(
    await json(
      'org',
      'update',
      'acme',
      '--name',
      'New',
      '--token-lifetime-max',
      '90d',
      '--remind-before',
      '1d,14d',
    ),
    { name: 'New', tokenLifetimeMsMax: 90 * dayMs, reminderThresholdsMs: [14 * dayMs, dayMs] },
  );
  t.match(await on('org', 'show', 'acme'), { stdout: /reminders +14d, 1d before an API token expires/ });
  t.match(await json('org', 'update', 'acme', '--remind-before', 'none'), { reminderThresholdsMs: [] });
  t.match(
    await json('org', 'update', 'acme', '--remind-before', 'default', '--token-lifetime-max', 'never'),
    {
      name: 'New',
      reminderThresholdsMs: undefined,
      tokenLifetimeMsMax: undefined,
    },
  );
  t.match(await on('org', 'update', 'acme'), { code: 2, stderr: /give --name/ });
  t.match(await on('org', 'update', 'acme', '--remind-before', '14'), { code: 2, stderr: /14d,3d,1d/ });
  t.match(await on('org', 'update', 'acme', '--remind-before', '1s'), { code: 1, stderr: /Reminders are/ });
  t.match(await on('org', 'update', 'nobody', '--name', 'x'), { code: 1, stderr: /no org nobody/ });
});

t.test('a deleted user is gone, and one made again has no API token of before', async (t) => {
  const { on, json } = await furnished(t);
  t.match(await on('token', 'create', 'acme/ann', '--name', 'x'), { code: 0 });
  t.match(await on('user', 'delete', 'acme/ann'), { code: 0, stdout: /acme\/ann is deleted/ });
  t.match(await json('user', 'delete', 'acme/ann'), { result: 'already_deleted' });
  t.match(await on('user', 'delete', 'acme/nobody'), { code: 1, stderr: /no user acme\/nobody/ });
  t.same(await json('user', 'list', 'acme'), []);
  t.match(await on('token', 'list', 'acme/ann'), { code: 1, stderr: /no user acme\/ann/ });
  t.match(await on('user', 'create', 'acme/ann'), { code: 0 });
  t.strictSame(await json('token', 'list', 'acme/ann'), []);
  t.match(await on('audit'), { stdout: /user\.delete/ });
});

t.test('a deleted org is gone with its users, and its audit stays', async (t) => {
  const { on, json } = await furnished(t);
  t.match(await on('org', 'delete', 'acme'), { code: 0, stdout: /acme is deleted, with its users/ });
  t.same(await json('org', 'list'), []);
  t.match(await on('org', 'delete', 'never'), { code: 1, stderr: /no org never/ });
  t.match(await on('org', 'create', 'acme'), { code: 0 });
  t.same(await json('user', 'list', 'acme'), []);
  t.match(await on('audit', '--org', 'acme'), { stdout: /user\.create/ });
});

t.test('an import gives users an e-mail address where they have none', async (t) => {
  const entry = (user: string, email: string, secret: string): string =>
    JSON.stringify({ org: 'acme', user, name: 'x', scopes: 'all', expires: null, secret, email });
  const secret = 'old-system-secret-0123456789-abcdefghij';
  const { on, json, folder } = await furnished(t, {
    'tokens.jsonl': [
      entry('ann', 'other@example.com', `${secret}-1`),
      entry('bob', 'bob@example.com', `${secret}-2`),
      entry('bob', 'not an address', `${secret}-3`),
    ].join('\n'),
    'tokens.csv': `org,user,name,scopes,expires,secret,email\nacme,cai,x,all,,${secret}-4,\n`,
  });
  for (const user of ['bob', 'cai']) await on('user', 'create', `acme/${user}`);
  const imported = await on('token', 'import', join(folder, 'tokens.jsonl'));
  t.match(imported, { code: 1, stdout: /2 imported, 1 refused/, stderr: /entry 3 .*e-mail address/ });
  t.notMatch(imported.stderr, /not an address/);
  t.match(await on('token', 'import', join(folder, 'tokens.csv')), { code: 0, stdout: /1 imported/ });
  t.match(await json('user', 'list', 'acme'), [
    { id: 'ann', email: 'ann@example.com' },
    { id: 'bob', email: 'bob@example.com' },
    { id: 'cai', email: undefined },
  ]);
});
