// What npm links as `tollgate`, in a checkout before and after the build.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cleanEnvironment, root } from './run.ts';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly bin: { readonly tollgate: string };
  readonly files: readonly string[];
};

t.test('before the build it says what to do; after it, it is the compiled program', async (t) => {
  const checkout = t.testdir({ 'package.json': '{ "type": "module" }', bin: {} });
  const bin = join(checkout, manifest.bin.tollgate);
  copyFileSync(join(root, manifest.bin.tollgate), bin);
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8', env: cleanEnvironment() });
  t.match(run('validate'), { status: 2, stdout: '', stderr: /Run `npm run build` first/ });
  mkdirSync(join(checkout, 'dist'));
  writeFileSync(
    join(checkout, 'dist/main.js'),
    'console.log(process.argv.slice(2).join()); process.exitCode = 7;',
  );
  t.match(run('org', 'list'), { status: 7, stdout: 'org,list\n', stderr: '' });
});

t.test('it may be executed, and the package has it', async (t) => {
  t.equal(statSync(join(root, manifest.bin.tollgate)).mode & 0o111, 0o111);
  t.ok(manifest.files.includes('bin'));
});
