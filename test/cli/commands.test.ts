// Every command by itself: what it prints for a person and for a script, and its exit code.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { t } from 'tap';
import { openStore } from '../../src/store/open-store.ts';
import { run, runJson } from './run.ts';

/** A store in a folder of its own, with acme, its roles reader and writer, and acme/ann. */
const furnished = async (
  t: { testdir(files: Record<string, string>): string },
  files: Record<string, string> = {},
) => {
  const folder = t.testdir(files);
  const store = `sqlite:${join(folder, 't.db')}`;
  const on = (...args: string[]) => run([...args, '--store', store]);
  const json = (...args: string[]) => runJson([...args, '--store', store]);
  await on('org', 'create', 'acme', '--name', 'Acme Ltd', '--role', 'reader=things:read');
  await on('role', 'create', 'acme', 'writer', '--scope', 'things:read things:write');
  await on('user', 'create', 'acme/ann', '--name', 'Ann Example', '--role', 'reader');
  return { on, json, store, folder };
};

t.test('scopes joined by a comma, or a role written twice, are refused: nobody meant that', async (t) => {
  const { on } = await furnished(t);
  const refused = async (args: string[], code: number, why: RegExp): Promise<void> => {
    t.match(await on(...args), { code, stderr: why }, args.join(' '));
  };
  await refused(['org', 'create', 'two', '--role', 'writer=a,b'], 1, /a,b.*comma.*blank between/);
  await refused(['role', 'create', 'acme', 'two', '--scope', 'a,b'], 1, /comma/);
  await refused(['token', 'create', 'acme/ann', '--scope', 'things:read,things:write'], 1, /comma/);
  await refused(['org', 'create', 'two', '--role', 'r=a', '--role', 'r=b'], 2, /role r in one --role/);
});

t.test('an org is made once, shown with its roles, listed, disabled and enabled', async (t) => {
  const { on, json } = await furnished(t);
  t.match(await json('org', 'show', 'acme'), {
    id: 'acme',
    name: 'Acme Ltd',
    state: 'active',
    roles: { reader: ['things:read'], writer: ['things:read', 'things:write'] },
    tokenLifetimeMsMax: null,
    createdAt: /^\d{4}-\d\d-\d\dT/,
  });
  t.match(
    (await on('org', 'show', 'acme')).stdout,
    /ROLE +SCOPES\nreader +things:read\nwriter +things:read things:write\n/,
  );
  t.match(await on('org', 'create', 'acme'), { code: 1, stderr: /^tollgate: The org acme exists already/ });
  t.match(await on('org', 'show', 'nobody'), { code: 1, stderr: /There is no org nobody/, stdout: '' });
  t.match(await on('org', 'create', 'a/b'), { code: 1, stderr: /cannot be an org id/ });
  t.match(await on('org', 'create', 'short', '--token-lifetime-max', '30d'), {
    code: 0,
    stdout: /longest API token +30d/,
  });
  t.match(await json('org', 'list'), [{ id: 'acme' }, { id: 'short', tokenLifetimeMsMax: 2_592_000_000 }]);
  t.match(await on('org', 'list'), {
    stdout: /^ID +NAME +STATE +ROLES +CREATED\nacme +Acme Ltd +active +2 /,
  });
  t.match(await json('org', 'disable', 'acme'), { state: 'disabled' });
  t.match(await on('token', 'create', 'acme/ann'), {
    code: 1,
    stdout: '',
    stderr: /disabled. Enable it first/,
  });
  t.match(await json('org', 'enable', 'acme'), { state: 'active' });
});

t.test('a role is defined, replaced and deleted, with scopes that are scopes', async (t) => {
  const { on, json } = await furnished(t);
  t.same(await json('role', 'list', 'acme'), [
    { role: 'reader', scopes: ['things:read'] },
    { role: 'writer', scopes: ['things:read', 'things:write'] },
  ]);
  t.match(await on('role', 'create', 'acme', 'reader', '--scope', 'things:list'), {
    code: 0,
    stdout: 'Role reader of acme grants things:list.\n',
  });
  t.match(await on('role', 'create', 'acme', 'none'), {
    code: 2,
    stderr: /required option '--scope <SCOPE>'/,
  });
  t.match(await on('role', 'create', 'acme', 'odd', '--scope', 'a"b'), {
    code: 1,
    stderr: /cannot be a scope/,
  });
  t.match(await on('role', 'delete', 'acme', 'writer'), { code: 0 });
  t.match(await on('role', 'delete', 'acme', 'writer'), { code: 1, stderr: /defines no role "writer"/ });
});

t.test('a user is made, listed, given roles of the org, disabled and enabled', async (t) => {
  const { on, json } = await furnished(t);
  t.match(await json('user', 'list', 'acme'), [
    { org: 'acme', id: 'ann', name: 'Ann Example', state: 'active', roles: ['reader'] },
  ]);
  t.match(await on('user', 'list', 'acme'), { stdout: /\nacme\/ann +Ann Example +active +reader / });
  t.match(await json('user', 'set-roles', 'acme/ann', 'writer', 'reader'), { roles: ['reader', 'writer'] });
  t.match(await json('user', 'set-roles', 'acme/ann'), { roles: [] });
  t.match(await on('user', 'set-roles', 'acme/ann', 'boss'), {
    code: 1,
    stderr: /defines no role "boss". It has: reader, writer/,
  });
  t.match(await json('user', 'disable', 'acme/ann'), { state: 'disabled' });
  t.match(await json('user', 'enable', 'acme/ann'), { state: 'active' });
  t.match(await on('user', 'enable', 'acme/bob'), { code: 1, stderr: /There is no user acme\/bob/ });
  t.match(await on('user', 'create', 'ann'), { code: 2, stderr: /Write ORG\/USER, e.g. acme\/ann/ });
  t.match(await on('user', 'list', 'nobody'), { code: 1, stderr: /There is no org nobody/ });
});

t.test('a token is made within its user’s roles, listed without its secret, and revoked', async (t) => {
  const { on, json } = await furnished(t);
  const made = (await json(
    'token',
    'create',
    'acme/ann',
    '--name',
    'ci',
    '--scope',
    'things:read',
    '--lifetime',
    '12h',
  )) as Record<string, string>;
  t.match(made, {
    secret: /^tg[0-9A-Za-z]{63}$/,
    name: 'ci',
    scopes: ['things:read'],
    org: 'acme',
    user: 'ann',
    state: 'active',
    origin: 'created',
  });
  t.equal(Date.parse(made['expiresAt']!) - Date.parse(made['createdAt']!), 12 * 3_600_000);
  const short = (await json('token', 'create', 'acme/ann', '--short', '--lifetime', 'never')) as Record<
    string,
    string
  >;
  t.match(short, { secret: /^tg[0-9A-Za-z]{30}$/, scopes: 'all', expiresAt: null });
  const listed = await json('token', 'list', 'acme/ann');
  t.equal((listed as unknown[]).length, 2);
  t.notMatch(JSON.stringify(listed), made['secret']!.slice(0, 12));
  t.match(await on('token', 'create', 'acme/ann', '--scope', 'things:write'), {
    code: 1,
    stderr: /do not grant things:write/,
  });
  t.match(await on('token', 'create', 'acme/ann', '--lifetime', '90'), {
    code: 2,
    stderr: /Write a duration with its unit/,
  });
  t.match(await on('token', 'revoke', made['id']!), { code: 0, stdout: `${made['id']} is revoked.\n` });
  t.match(
    await on('token', 'revoke', made['id']!),
    { code: 0, stdout: `${made['id']} was revoked before.\n` },
    'again is no fault',
  );
  const wrong = await on('token', 'revoke', short['secret']!);
  t.match(wrong, { code: 1, stderr: /That is no token id.*--secret-stdin/ });
  t.notMatch(wrong.stderr, short['secret']!, 'a secret given as an id is not repeated');
  t.match(await on('token', 'revoke-all', 'acme/ann'), {
    code: 0,
    stdout: 'Every API token and session of acme/ann is revoked.\n',
  });
  t.match(
    await json('token', 'list', 'acme/ann'),
    [{ state: 'revoked' }, { state: 'revoked' }],
    'revoke-all shows on each',
  );
  await on('token', 'create', 'acme/ann');
  t.match(await on('org', 'revoke-all', 'acme'), { code: 0 });
  t.match(await json('token', 'list', 'acme/ann'), [
    { state: 'revoked' },
    { state: 'revoked' },
    { state: 'revoked' },
  ]);
  t.match(await on('token', 'list', 'acme/bob'), { code: 1, stderr: /There is no user acme\/bob/ });
});

t.test('14: a token is made for some networks, which list shows', async (t) => {
  const { on, json } = await furnished(t);
  const allow = ['--allow-from', '10.0.0.0/8', '--allow-from', '2001:DB8::/32'];
  const allowFrom = ['10.0.0.0/8', '2001:db8::/32'];
  t.match(await json('token', 'create', 'acme/ann', ...allow), { allowFrom });
  t.match(await json('token', 'list', 'acme/ann'), [{ allowFrom }]);
  t.match(await on('token', 'list', 'acme/ann'), { stdout: /FROM\n.* 10\.0\.0\.0\/8 2001:db8::\/32\n$/ });
  t.match(await on('token', 'create', 'acme/ann', '--allow-from', '10.1.2.3/8'), {
    code: 1,
    stderr: /"10\.1\.2\.3\/8" is no network\. Write 10\.0\.0\.0\/8, .*not 10\.1\.2\.3\/24/,
  });
  t.match(await on('token', 'create', 'acme/ann', '--allow-from', ''), { code: 1, stderr: /let nobody use/ });
});

t.test('a leaked secret is revoked with nothing but the secret', async (t) => {
  const { on, json, store } = await furnished(t);
  const made = (await json('token', 'create', 'acme/ann')) as Record<string, string>;
  const revoke = (stdin: string) => run(['token', 'revoke', '--secret-stdin', '--store', store], { stdin });
  t.match(await revoke(`${made['secret']}\n`), { code: 0, stdout: `${made['id']} is revoked.\n` });
  t.match(await json('token', 'list', 'acme/ann'), [{ id: made['id'], state: 'revoked' }]);
  const unknown = await revoke('tg-some-other-secret');
  t.match(unknown, {
    code: 1,
    stdout: '',
    stderr: /Nothing was revoked: the store does not know this API token/,
  });
  t.notMatch(unknown.stderr, 'some-other-secret');
  t.match(await on('token', 'revoke'), { code: 2, stderr: /either the id of the token or --secret-stdin/ });
  t.match(await on('token', 'revoke', made['id']!, '--secret-stdin'), { code: 2 });
});

t.test('an import reports each line it cannot take, takes the others, and can be repeated', async (t) => {
  const lines = [
    '{"org":"acme","user":"ann","name":"one","scopes":["things:read"],"secret":"the-first-old-secret"}',
    '',
    'not json, with another-old-secret',
    '{"org":"acme","user":"bob","name":"two","scopes":"all","secret":"the-second-old-secret"}',
    `{"org":"acme","user":"ann","name":"three","scopes":"all","sha256":"${'0'.repeat(64)}"}`,
    `{"org":"${'x'.repeat(70_000)}"}`,
  ].join('\n');
  const { store, json, folder } = await furnished(t, { 'tokens.jsonl': `\uFEFF${lines}` });
  const once = await run(['token', 'import', '-', '--store', store], { stdin: lines });
  t.equal(once.code, 1);
  t.equal(once.stdout, '5 read, 2 imported, 3 refused.\n');
  t.match(
    once.stderr,
    /entry 2 \(line 3\): .*\n-, entry 3 \(line 4\): There is no user acme\/bob.*\n-, entry 5 \(line 6\): /,
  );
  t.notMatch(once.stderr, /old-secret/, 'no secret is repeated');
  const file = join(folder, 'tokens.jsonl');
  t.match(await run(['token', 'import', file, '--store', store, '--json']), {
    code: 1,
    stdout: /"imported": 2/,
  });
  t.match(await json('token', 'list', 'acme/ann'), [{ origin: 'imported' }, { origin: 'imported' }]);
  t.match(await run(['token', 'import', '/nowhere/tokens', '--store', store]), {
    code: 2,
    stderr: /cannot read \/nowhere\/tokens \(ENOENT\)/,
  });
});

t.test('a key is rotated: published before it signs, and each algorithm by itself', async (t) => {
  const { on, json } = await furnished(t);
  t.match(await on('key', 'list'), { code: 0, stdout: '', stderr: /There is no key yet/ });
  const first = (await json('key', 'rotate', '--set', 'keys.publishLead=0s')) as Record<string, string>;
  const second = (await json('key', 'rotate')) as Record<string, string>;
  t.ok(Date.parse(second['activeFrom']!) > Date.now(), 'published before it signs');
  const states = Object.fromEntries(
    ((await json('key', 'list')) as Record<string, string>[]).map((key) => [key['kid'], key['state']]),
  );
  t.same(states, { [first['kid']!]: 'signing', [second['kid']!]: 'next' });
  const first256 = await on('key', 'rotate', '--algorithm', 'RS256');
  t.match(first256.stdout, /\nsigns from +now, for there is no other/, 'the first of its algorithm');
  t.notMatch(first256.stdout, 'others until');
  t.match(await on('key', 'rotate', '--algorithm', 'RS256'), {
    stdout: /signs from +\d.*\nothers until +\d/,
  });
  t.match(await json('key', 'rotate', '--algorithm', 'EdDSA'), { algorithm: 'EdDSA' });
  t.match(await on('key', 'list'), {
    stdout:
      /^KID +ALGORITHM +STATE .*\n(?:.* (?:ES256|RS256) +signing .*\n|.* (?:ES256|RS256) +next .*\n|.* EdDSA +signing .*\n){5}$/,
  });
  t.match(await on('key', 'rotate', '--algorithm', 'HS256'), {
    code: 2,
    stderr: /Allowed choices are ES256, RS256, EdDSA/,
  });
});

t.test('the first key signs since it was made, whatever the clocks of the replicas say', async (t) => {
  const { on } = await furnished(t);
  // Reading the keys back makes the first one of tokens.algorithm, as serve does.
  t.match(await on('key', 'rotate', '--algorithm', 'EdDSA'), { code: 0 });
  const { stdout } = await on('key', 'list');
  t.match(stdout, / ES256 +signing +store +since it was made +the next rotation\n/);
  t.notMatch(stdout, '1970');
});

t.test('a key is not rotated with another sealing key than the fleet has', async (t) => {
  const { store, json } = await furnished(t);
  const rotate = (sealingKey: string, ...more: string[]) =>
    run(['key', 'rotate', '--store', store, ...more], {
      env: { TOLLGATE_KEYS_ENCRYPTION_KEY: sealingKey },
    });
  const [right, wrong] = [`${'A'.repeat(43)}=`, `${'B'.repeat(42)}A=`];
  t.match(await rotate(right), { code: 0 });
  t.match(await rotate(wrong), {
    code: 1,
    stdout: '',
    stderr: /could not open what is sealed here.*give this replica the one that the others have/,
  });
  t.equal(((await json('key', 'list')) as unknown[]).length, 1, 'nothing was made');
  t.match(await rotate(wrong, '--abandon-old'), { code: 0 }, 'the old sealing key is lost for good');
  t.match(await rotate(wrong), { code: 0 }, 'from now on it is the right one');
});

t.test('an empty list says what to do, and is an empty list for a script', async (t) => {
  const file = join(t.testdir({}), 't.db');
  const store = `sqlite:${file}`;
  const empty = await openStore({ kind: 'sqlite', file }, { retentionMs: 60_000 });
  await empty.close();
  t.match(await run(['org', 'list', '--store', store]), {
    code: 0,
    stdout: '',
    stderr: /There is no org yet. Make one: tollgate org create/,
  });
  t.match(await run(['org', 'list', '--json', '--store', store]), { code: 0, stdout: '[]\n', stderr: '' });
});

t.test('a command in the wrong folder makes no store there; only org create begins one', async (t) => {
  const file = join(t.testdir({}), 't.db');
  const on = (...args: string[]) => run([...args, '--store', `sqlite:${file}`]);
  for (const command of [
    ['org', 'list'],
    ['org', 'show', 'acme'],
    ['token', 'create', 'acme/ann'],
    ['token', 'revoke', 'x'],
    ['role', 'create', 'acme', 'reader', '--scope', 'things:read'],
    ['user', 'create', 'acme/ann'],
    ['audit'],
    ['key', 'rotate'],
  ]) {
    const ran = await on(...command);
    t.match(ran, { code: 69, stdout: '' }, command.join(' '));
    t.match(ran.stderr, `There is no store at ${file}.`, 'it says where it looked');
    t.match(ran.stderr, /--config FILE.*--store URL.*tollgate org create/);
    t.notOk(existsSync(file), 'and makes none');
  }
  t.match(await on('org', 'create', 'acme'), { code: 0, stderr: `Made a new store: ${file}\n` });
  t.match(await on('org', 'create', 'other'), { code: 0, stderr: '' });
});

t.test('for a script a refusal is JSON too, on standard error', async (t) => {
  const { on } = await furnished(t);
  const ran = await on('org', 'show', 'nobody', '--json');
  t.equal(ran.stdout, '');
  t.match(JSON.parse(ran.stderr), { error: { code: 'org_unknown', message: /There is no org nobody/ } });
});

t.test('a store that cannot be used is exit code 69, with what to do', async (t) => {
  const folder = t.testdir({ 'not.db': 'this is not a database, whatever its name says, and it never was' });
  t.match(await run(['org', 'create', 'acme', '--store', `sqlite:${folder}/no/such/t.db`]), {
    code: 69,
    stderr: /^tollgate: .*folder that does not exist/,
  });
  t.match(await run(['org', 'list', '--store', `sqlite:${folder}/not.db`]), {
    code: 69,
    stderr: /^tollgate: .*not\.db/,
  });
  t.match(await run(['serve', '--store', `sqlite:${folder}/not.db`]), {
    code: 69,
    stderr: /cannot serve: .*not\.db/,
  });
  const env = {
    TOLLGATE_STORE: 'redis+unix:/nowhere/redis.sock',
    TOLLGATE_KEYS_ENCRYPTION_KEY: 'A'.repeat(43),
    TOLLGATE_STORE_PASSWORD: 's3cr3t-word',
  };
  const down = await run(['org', 'list'], { env });
  t.match(down, { code: 69, stdout: '', stderr: /The store does not answer/ });
  t.notMatch(down.stderr, /s3cr3t/);
});

t.test('settings that are wrong are exit code 2, before anything is opened', async (t) => {
  const ran = await run(['org', 'list', '--set', 'log.level=loud', '--set', 'cache.tll=1']);
  t.equal(ran.code, 2);
  t.equal(ran.stdout, '');
  t.match(ran.stderr, /option log.level: log.level: "loud" is not known/);
  t.match(ran.stderr, /option cache.tll: names no setting/);
  t.match(ran.stderr, /\n2 problems in the settings; nothing was started.\n$/);
});

t.test('a wrong command line is exit code 2, and says what was meant', async (t) => {
  t.match(await run(['org', 'lst']), { code: 2, stderr: /unknown command 'lst'\n\(Did you mean list\?\)/ });
  t.match(await run(['org', 'show']), { code: 2, stderr: /missing required argument 'ID'/ });
  t.match(await run(['org', 'list', '--jsn']), {
    code: 2,
    stderr: /unknown option '--jsn'\n\(Did you mean --json\?\)/,
  });
  t.match(await run(['org', 'list', 'more']), { code: 2, stderr: /too many arguments/ });
  t.match(await run(['validate', '--set', 'nonsense']), {
    code: 2,
    stderr: /Write a setting and its value, e.g. log.level=debug/,
  });
  t.match(await run([]), { code: 2, stderr: /^Usage: tollgate/ }, 'nothing at all is answered with help');
  t.match(await run(['token']), { code: 2, stderr: /^Usage: tollgate token/ });
});

t.test('help teaches', async (t) => {
  const help = await run(['--help']);
  t.equal(help.code, 0);
  for (const command of ['serve', 'validate', 'explain', 'schema', 'org', 'role', 'user', 'token', 'key'])
    t.match(help.stdout, new RegExp(`^  ${command} `, 'm'));
  t.match(help.stdout, /First steps:\n  tollgate org create/);
  t.match(help.stdout, /Exit codes: 0 done, 1 refused/);
  for (const command of [
    'serve',
    'explain',
    'org create',
    'role create',
    'user create',
    'token create',
    'token import',
    'key rotate',
  ])
    t.match(
      await run([...command.split(' '), '--help']),
      {
        code: 0,
        stdout: /\n {2}(?:TOKEN=\$\(|\{"org"|TOLLGATE_\S+ )?tollgate |\n {2}\{"org"/,
      },
      command,
    );
  t.match(await run(['key', 'rotate', '--help']), { stdout: /After a leak .* tollgate key revoke KID/ });
  t.match(await run(['--version']), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
});

t.test('a name cannot move the cursor of who lists it', async (t) => {
  const { createOutput } = await import('../../src/cli/output.ts');
  let written = '';
  const stream = { write: (piece: string | Uint8Array) => ((written += String(piece)), true) };
  createOutput({ stdout: stream, stderr: stream }, false).line('a\u001b[2Jb\rc\u202ed\ne');
  t.equal(written, 'a?[2Jb?c?d\ne\n');
});
