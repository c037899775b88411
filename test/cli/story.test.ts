// From nothing to a working token and back, as a person types it: real processes, the embedded store, an empty folder.

import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { t } from 'tap';
import { cleanEnvironment, root, runProcess } from './run.ts';

t.test('a first org, user and token, and the end of the token', async (t) => {
  const cwd = t.testdir({ 'tollgate.yaml': 'store: sqlite:./story.db\n' });
  const tollgate = (command: string, stdin?: string) =>
    runProcess(command.split(' '), { cwd, ...(stdin !== undefined && { stdin }) });

  const org = await tollgate('org create acme --role reader=things:read');
  t.equal(org.code, 0, org.stderr);
  t.match(org.stdout, /^org +acme\n/);
  t.ok(existsSync(join(cwd, 'story.db')), './tollgate.yaml was found and names the database');

  t.match(await tollgate('user create acme/ann --role reader'), { code: 0, stdout: /^user +acme\/ann\n/ });

  const made = await tollgate('token create acme/ann --name ci --scope things:read --lifetime 90d');
  t.equal(made.code, 0, made.stderr);
  t.match(made.stdout, /^tg[0-9A-Za-z]{63}\n$/, 'standard output is the secret and nothing else');
  t.match(made.stderr, /shown only now/);
  const id = /^id +(\S+)$/m.exec(made.stderr)?.[1] ?? '';

  const listed = await tollgate('token list acme/ann');
  t.match(listed.stdout, new RegExp(`^ID .*\n${id} +ci +active +things:read `));
  t.notMatch(listed.stdout + listed.stderr, made.stdout.trim(), 'the secret is never shown again');

  t.match(await tollgate(`token revoke ${id}`), { code: 0, stdout: `${id} is revoked.\n` });

  const line =
    '{"org":"acme","user":"ann","name":"old","scopes":"all","secret":"kept-from-the-old-system"}\n';
  t.match(await tollgate('token import -', line), { code: 0, stdout: '1 read, 1 imported, 0 refused.\n' });

  const rotated = await tollgate('key rotate');
  t.match(rotated, { code: 0, stdout: /^kid +\S+\nalgorithm +ES256\n/ });
  t.equal(statSync(join(cwd, 'tollgate.key')).mode & 0o777, 0o600, 'the sealing key is for its owner alone');
});

t.test('a reader that goes away early is no fault', async (t) => {
  const shell = `"${process.execPath}" "${root}/src/main.ts" schema | head -c 10`;
  const ran = spawnSync('sh', ['-c', shell], {
    cwd: t.testdir({}),
    env: cleanEnvironment(),
    encoding: 'utf8',
  });
  t.equal(ran.stdout, '{\n  "$sche');
  t.equal(ran.stderr, '');
});
