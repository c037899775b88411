// Commands about a token's life: new secrets, passwords, imports as CSV, and what is written down of it all.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readCsv } from '../../src/cli/csv.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { AuditEntry } from '../../src/store/records.ts';
import { digestOf } from '../../src/tokens/api-token.ts';
import { run, runJson } from './run.ts';

const furnished = async (t: Test, files: Record<string, string> = {}) => {
  const folder = t.testdir(files);
  const store = `sqlite:${join(folder, 't.db')}`;
  const on = (args: readonly string[], stdin?: string) =>
    run([...args, '--store', store], stdin === undefined ? {} : { stdin });
  const json = (...args: string[]) => runJson([...args, '--store', store]);
  await on(['org', 'create', 'acme', '--role', 'reader=things:read']);
  await on(['user', 'create', 'acme/ann', '--role', 'reader']);
  const made = (await json('token', 'create', 'acme/ann', '--name', 'ci')) as { id: string; secret: string };
  return { on, json, folder, ...made };
};

t.test('a token is given a new secret, alone on standard output', async (t) => {
  const { on, json, id, secret } = await furnished(t);
  const ran = await on(['token', 'regenerate', id, '--overlap', '1h']);
  t.match(ran, { code: 0, stdout: /^tg[0-9A-Za-z]{63}\n$/, stderr: /old secret until +\d{4}-/ });
  t.not(ran.stdout.trim(), secret);
  t.match(await json('token', 'regenerate', id, '--short'), { id, secretNumber: 2, secret: /^tg\w{30}$/ });
  t.match(await json('token', 'list', 'acme/ann'), [
    { id, secretNumber: 2, state: 'active', lastUsedAt: null },
  ]);
  t.match(await on(['token', 'list', 'acme/ann']), { stdout: /LAST USED  FROM\n.* never +anywhere\n$/ });
  t.match(await on(['token', 'regenerate', secret]), { code: 1, stdout: '', stderr: /That is no token id/ });
  t.match(await on(['token', 'regenerate', id, '--overlap', '8d']), { code: 1, stderr: /seven days/ });
  t.match(await on(['token', 'regenerate', id, '--overlap', '5']), { code: 2, stderr: /with its unit/ });
  const keyless = await on(['token', 'regenerate', id, '--idempotency-key', 'k']);
  t.match(keyless, {
    code: 1,
    stderr: /need a sealing key: .* `tollgate serve` makes it when it first starts/,
  });
  const key = [
    '--idempotency-key',
    'k',
    '--set',
    `keys.encryptionKey=${Buffer.alloc(32, 7).toString('base64')}`,
  ];
  const first = await on(['token', 'regenerate', id, ...key]);
  t.same((await on(['token', 'regenerate', id, ...key])).stdout, first.stdout, 'a retry');
});

t.test('a token is given a new lifetime with its new secret', async (t) => {
  const { on, json, id } = await furnished(t);
  const expiry = async (...options: readonly string[]): Promise<unknown> =>
    ((await json('token', 'regenerate', id, ...options)) as { expiresAt: unknown }).expiresAt;
  const fromMs = Date.now();
  const givenMs = Date.parse(String(await expiry('--lifetime', '90d')));
  t.ok(givenMs >= fromMs + 90 * 86_400_000 && givenMs <= Date.now() + 90 * 86_400_000);
  t.equal(await expiry(), new Date(givenMs).toISOString(), 'it keeps that');
  t.equal(await expiry('--lifetime', 'never'), null);
  t.match(await on(['token', 'regenerate', id, '--lifetime', '1s']), { code: 1, stderr: /one minute/ });
  t.match(await on(['token', 'regenerate', id, '--lifetime', '90']), { code: 2, stderr: /--lifetime/ });
  const table = (await on(['audit', '--action', 'token.regenerate'])).stdout;
  t.match(table, `done, expires ${new Date(givenMs).toISOString()}`);
  t.match(table, / done, expires never /);
});

t.test('a password comes from standard input and is never shown', async (t) => {
  const { on, folder } = await furnished(t);
  const password = 'correct horse battery';
  const ran = await on(['user', 'set-password', 'acme/ann'], `${password}\nsecond line\n`);
  t.match(ran, { code: 0, stdout: /^The password of acme\/ann is set/, stderr: '' });
  t.notMatch(readFileSync(join(folder, 't.db')).toString('latin1'), password);
  t.match(await on(['user', 'set-password', 'acme/ann'], 'short\n'), {
    code: 1,
    stderr: /at least 12 characters/,
  });
  t.match(await on(['user', 'set-password', 'acme/bob'], password), {
    code: 1,
    stderr: /There is no user acme\/bob/,
  });
  for (const wrong of [
    ['acme/ann', 'hunter2'],
    ['hunter2', 'acme/ann'],
    ['hunter2'],
    ['acme/ann', '--password', 'hunter2'],
    ['acme/ann', '--password=hunter2'],
  ]) {
    const refused = await on(['user', 'set-password', ...wrong], password);
    t.match(refused, { code: 2, stdout: '', stderr: /is read from standard input/ }, wrong.join(' '));
    t.notMatch(refused.stderr, 'hunter2', wrong.join(' '));
  }
  t.match(await on(['user', 'set-password', 'acme/ann', '--none', '--json']), {
    stdout: /"result": "removed"/,
  });
});

t.test('what the operator did can be read, newest first', async (t) => {
  const { on, json, id } = await furnished(t);
  await on(['token', 'regenerate', id]);
  await on(['token', 'create', 'acme/nobody']);
  await on(['token', 'revoke', id]);
  const ann = { org: 'acme', user: 'ann', tokenId: id };
  t.match(await json('audit'), [
    { action: 'token.revoke', subject: { tokenId: id }, result: 'done', clientAddress: 'cli' },
    {
      action: 'token.create',
      subject: { org: 'acme', user: 'nobody' },
      result: 'refused',
      reason: 'user_unknown',
    },
    { action: 'token.regenerate', subject: { tokenId: id }, result: 'done' },
    { action: 'token.create', subject: ann, result: 'done' },
    { action: 'user.create', subject: { org: 'acme', user: 'ann' }, result: 'done' },
    { action: 'org.create', subject: { org: 'acme' }, result: 'done' },
  ]);
  const table = await on(['audit', '--limit', '1']);
  t.match(
    table.stdout,
    /^TIME +WHO +ACTION +WHOM +RESULT +FROM +REQUEST\n.* the operator +token\.revoke .* done +cli /,
  );
  t.equal(table.stdout.trim().split('\n').length, 2);
  t.match(await on(['audit', '--limit', '0']), { code: 2, stderr: /a whole number above 0/ });
});

t.test('of what is written down, one org, user, kind of command or time can be asked for', async (t) => {
  const { on, json, id, folder } = await furnished(t);
  await on(['user', 'create', 'acme/bob']);
  await on(['org', 'create', 'other']);
  await on(['org', 'enable', 'nowhere']);
  const actions = async (...options: readonly string[]) =>
    ((await json('audit', ...options)) as readonly { action: string }[]).map(({ action }) => action);
  t.same(await actions('--user', 'acme/ann'), ['token.create', 'user.create']);
  t.same(await actions('--user', 'acme/ann', '--org', 'other'), []);
  t.same(await actions('--action', 'user'), ['user.create', 'user.create']);
  t.same(await actions('--action', 'org.create', '--action', 'token', '--org', 'acme'), [
    'token.create',
    'org.create',
  ]);
  t.same(await actions('--action', 'use'), []);
  t.same(await actions('--org', 'nowhere'), ['org.enable'], 'what was tried with an org that is not there');

  const flags = { store: `sqlite:${join(folder, 't.db')}` };
  const loaded = loadSettings({ file: undefined, env: {}, flags });
  if (!loaded.ok) throw new Error('the settings are wrong');
  const store = await openStore(loaded.settings.store, { retentionMs: 60_000 });
  const old = (atMs: number, user: string): AuditEntry => ({
    id: randomUUID(),
    atMs,
    actor: { org: 'acme', user, tokenId: id },
    action: 'token.exchange',
    subject: { org: undefined, user: undefined, tokenId: undefined },
    result: 'done',
    reason: undefined,
    expires: undefined,
    clientAddress: '127.0.0.1',
    via: 'console',
    requestId: 'r',
  });
  const hourAgoMs = Date.now() - 3_600_000;
  // A stranger's page in between: the filter goes on to the next.
  await store.appendAudit(Array.from({ length: 600 }, () => old(hourAgoMs, 'bob')));
  await store.close();
  t.same(await actions('--user', 'acme/ann', '--limit', '1'), ['token.create']);
  t.match(await on(['audit', '--user', 'acme/bob', '--limit', '1']), {
    stdout: /done +127\.0\.0\.1 \(console\) +r\n/,
  });
  t.equal((await actions('--action', 'token.exchange', '--limit', '550')).length, 550);
  t.equal((await actions('--since', '2h', '--limit', '1000')).length, 606);
  t.same(await actions('--since', '30m', '--action', 'token.exchange'), []);
  const isoOf = (ms: number): string => new Date(ms).toISOString();
  t.equal((await actions('--since', isoOf(hourAgoMs), '--limit', '1000')).length, 606);
  t.same(await actions('--since', isoOf(Date.now() + 3_600_000)), []);

  t.match(await on(['audit', '--org', 'nope']), { code: 1, stdout: '', stderr: /There is no org nope/ });
  t.match(await on(['audit', '--org', 'other', '--action', 'token']), {
    code: 0,
    stdout: '',
    stderr: 'Nothing like that is written down.\n',
  });
  for (const wrong of ['yesterday', '5', '2026-99-01'])
    t.match(await on(['audit', '--since', wrong]), { code: 2, stderr: /--since.*Write a/ }, wrong);
});

t.test(
  'the audit of an org has the tokens of its users that were revoked or regenerated by id',
  async (t) => {
    const { on, json, id, secret } = await furnished(t);
    const other = (await json('token', 'create', 'acme/ann')) as { secret: string; id: string };
    await on(['token', 'regenerate', id]);
    await on(['token', 'regenerate', id, '--overlap', '8d']);
    await on(['token', 'regenerate', secret]);
    await on(['token', 'revoke', id]);
    await on(['token', 'revoke', '--secret-stdin'], other.secret);
    await on(['token', 'revoke', randomUUID()]);
    const ofAnn = (tokenId: string) => ({ org: 'acme', user: 'ann', tokenId });
    const wanted = ['--org', 'acme', '--action', 'token.revoke', '--action', 'token.regenerate'];
    const entries = (await json('audit', ...wanted)) as readonly AuditEntry[];
    t.match(entries, [
      { action: 'token.revoke', subject: ofAnn(other.id), result: 'done' },
      { action: 'token.revoke', subject: ofAnn(id), result: 'done' },
      { action: 'token.regenerate', subject: ofAnn(id), reason: 'overlap_malformed' },
      { action: 'token.regenerate', subject: ofAnn(id), result: 'done' },
    ]);
    t.equal(entries.length, 4, 'and nothing of tokens that nobody knows');
    t.notMatch(JSON.stringify(await json('audit')), secret);
  },
);

t.test('every command of the operator is written down, carried out or refused', async (t) => {
  const { json, folder } = await furnished(t);
  const { kid } = (await json('key', 'rotate')) as { kid: string };
  const acme = { org: 'acme', user: undefined };
  const ann = { org: 'acme', user: 'ann' };
  const nobody = { org: undefined, user: undefined };
  const table: readonly (readonly [string, string, object, string])[] = [
    ['org create other', 'org.create', { org: 'other' }, 'done'],
    ['org create acme', 'org.create', acme, 'org_exists'],
    ['org disable acme', 'org.disable', acme, 'done'],
    ['org enable acme', 'org.enable', acme, 'done'],
    ['org enable nowhere', 'org.enable', { org: 'nowhere' }, 'org_unknown'],
    ['org revoke-all acme', 'token.revoke_all', acme, 'done'],
    ['role create acme writer --scope things:write', 'role.create', acme, 'done'],
    ['role delete acme writer', 'role.delete', acme, 'done'],
    ['role delete acme writer', 'role.delete', acme, 'role_unknown'],
    ['user create acme/bob', 'user.create', { org: 'acme', user: 'bob' }, 'done'],
    ['user disable acme/ann', 'user.disable', ann, 'done'],
    ['user enable acme/ann', 'user.enable', ann, 'done'],
    ['user set-roles acme/ann reader', 'user.set_roles', ann, 'done'],
    ['user set-roles acme/ann owner', 'user.set_roles', ann, 'role_unknown'],
    ['user set-password acme/ann --none', 'password.change', ann, 'done'],
    ['token revoke-all acme/ann', 'token.revoke_all', ann, 'done'],
    ['key rotate', 'key.rotate', nobody, 'done'],
    [`key revoke -- ${kid}`, 'key.revoke', nobody, 'done'],
    ['key revoke nothing', 'key.revoke', nobody, 'key_unknown'],
  ];
  for (const [line, action, subject, outcome] of table) {
    const ran = await run(['--store', `sqlite:${join(folder, 't.db')}`, ...line.split(' ')]);
    t.equal(ran.code, outcome === 'done' ? 0 : 1, line);
    const [newest] = (await json('audit', '--limit', '1')) as readonly { result: string; reason: string }[];
    t.match(newest, { action, clientAddress: 'cli' }, line);
    t.match((newest as unknown as { subject: object }).subject, subject, line);
    t.equal(newest?.reason ?? newest?.result, outcome, line);
  }
});

t.test('tokens are imported from CSV as from JSON lines, and again', async (t) => {
  const csv = [
    '\uFEFForg,user,name,scopes,expires,sha256,secret',
    `acme,ann,"ci, ""old""",things:read things:list,2999-01-31T00:00:00Z,${digestOf('legacy-secret-number-1')},`,
    'acme,ann,plain,all,,,legacy-secret-number-2',
    '',
    'acme,nobody,x,all,,,legacy-secret-number-3',
    'acme,ann,too few',
  ].join('\r\n');
  const { on, json, folder } = await furnished(t, { 'tokens.csv': csv });
  const file = join(folder, 'tokens.csv');
  const once = await on(['token', 'import', file]);
  t.match(once, { code: 1, stdout: '4 read, 2 imported, 2 refused.\n' });
  t.match(once.stderr, /entry 3 \(line 5\): There is no user acme\/nobody/);
  t.notMatch(once.stderr, 'legacy-secret');
  const listed = (await json('token', 'list', 'acme/ann')) as readonly {
    name: string;
    origin: string;
    id: string;
  }[];
  t.match(
    listed.find(({ name }) => name === 'ci, "old"'),
    { scopes: ['things:list', 'things:read'] },
  );
  t.match(
    listed.find(({ name }) => name === 'plain'),
    { scopes: 'all', expiresAt: null },
  );
  t.match(await on(['token', 'import', '-', '--csv'], csv), { stdout: '4 read, 2 imported, 2 refused.\n' });
  t.equal(((await json('token', 'list', 'acme/ann')) as unknown[]).length, listed.length);
  const { id } = listed.find(({ name }) => name === 'plain')!;
  await on(['token', 'regenerate', id]);
  t.match(
    await on(['token', 'import', file]),
    { stdout: '4 read, 2 imported, 2 refused.\n' },
    'one has a new secret',
  );
  t.match(await json('token', 'list', 'acme/ann'), { length: listed.length });
});

t.test('a file that is not what it should be is told so', async (t) => {
  const { on } = await furnished(t);
  const head = 'org,user,name,scopes,expires,sha256,secret';
  const imported = async (stdin: string, ...options: readonly string[]) =>
    on(['token', 'import', '-', ...options], stdin);
  for (const empty of ['', '\n\n'])
    t.match(await imported(empty), { code: 2, stdout: /^0 read/, stderr: /nothing to import in -\n/ });
  t.match(await imported(`${head}\n`, '--csv'), { code: 2, stderr: /nothing .*below its headings/ });
  for (const [separator, named] of [
    [';', ';'],
    ['\t', 'tabs'],
  ] as const) {
    const text = `${head}\nacme,ann,ci,all,,,legacy-secret-number-4\n`.replaceAll(',', separator);
    const ran = await imported(text, '--csv');
    t.match(ran, { code: 2, stdout: '', stderr: `separated by ${named}, and must be by commas` });
    t.notMatch(ran.stderr, 'legacy-secret');
  }
  const csv = `${head}\nacme,ann,"two\nlines",all,,,legacy-secret-number-4\n\nacme,bob,x,all,,,legacy-secret-number-5`;
  t.match(await imported(csv), { code: 1, stderr: /is CSV and no JSON, say so: --csv\n/ });
  const ran = await imported(csv, '--csv');
  t.match(ran, { code: 1, stderr: /^-, entry 1 \(line 2\): .*\n-, entry 2 \(line 5\): / });
  t.notMatch(ran.stderr, 'say so');
});

t.test('CSV is read however it comes in pieces', async (t) => {
  const text = 'a,b\n"x\n""y""",é\n"open,\nno';
  for (const size of [1, 2, 7, 100]) {
    const bytes = Buffer.from(text);
    const pieces = (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })();
    const read: unknown[] = [];
    for await (const value of readCsv(pieces)) read.push(value);
    t.same(read, [{ a: 'x\n"y"', b: 'é' }, undefined], `pieces of ${size}`);
  }
});

t.test('behind a CSV record that is too long or wrongly quoted the rest is read, line by line', async (t) => {
  const text = ['a,b', '1,2', `${'x'.repeat(70_000)},y`, '3,4', 'p"q"r,5', '"6\n7",8', '9', '10,11'].join(
    '\n',
  );
  for (const size of [1_000, 200_000]) {
    const pieces = (async function* () {
      for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
    })();
    const position = { line: 0 };
    const read: unknown[] = [];
    for await (const value of readCsv(pieces, position)) read.push([position.line, value]);
    t.same(read, [
      [2, { a: '1', b: '2' }],
      [3, undefined],
      [4, { a: '3', b: '4' }],
      [5, undefined],
      [6, { a: '6\n7', b: '8' }],
      [8, undefined],
      [9, { a: '10', b: '11' }],
    ]);
  }
});
