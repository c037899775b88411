// The image, without Docker: the Dockerfile's steps are replayed into an empty folder, and what comes out is run as an
// ordinary user who may write nothing but its data folder.

import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chownSync,
  copyFileSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { execForm, lastOf, parseDockerfile, replay } from '../support/dockerfile.ts';
import { answers200, cleanEnvironment, freePort, root, startProcess } from '../support/process.ts';

// Two clean installs; a slow machine takes its time.
t.setTimeout(300_000);

const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
const image = stages.at(-1)!;

t.test('the image stands on the Node that package.json pins', async (t) => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const major = /\d+/.exec(devDependencies['node']!)?.[0];
  for (const { from } of stages) t.equal(from, `node:${major}-slim`);
});

t.test('docker run, as documented, listens where the published port leads', async (t) => {
  for (const file of ['Dockerfile', 'README.md']) {
    const text = readFileSync(join(root, file), 'utf8').replaceAll(/\\\n#?/g, ' ');
    for (const [line] of text.matchAll(/docker run .*/g)) {
      const listen = /-e TOLLGATE_LISTEN=(\S+)/.exec(line)?.[1];
      const loaded = loadSettings({ file: undefined, env: { TOLLGATE_LISTEN: listen }, flags: {} });
      t.ok(loaded.ok);
      if (!loaded.ok) continue;
      const inside = Number(/-p (?:\S+:)?\d+:(\d+)/.exec(line)?.[1]);
      t.match(loaded.settings.listen, { kind: 'tcp', host: '0.0.0.0', port: inside }, `${file}: ${line}`);
    }
  }
});

t.test(
  'it runs as an ordinary user, by number, and starts node itself, so that SIGTERM arrives',
  async (t) => {
    t.match(lastOf(image, 'USER'), /^[1-9]\d*:[1-9]\d*$/, 'a number, so that runAsNonRoot can be checked');
    t.equal(lastOf(image, 'STOPSIGNAL'), 'SIGTERM');
    const entry = execForm(lastOf(image, 'ENTRYPOINT'))!;
    t.equal(entry[0], 'node');
    t.equal(entry.at(-1), '/app/dist/main.js');
    t.strictSame(execForm(lastOf(image, 'CMD')), ['serve']);
  },
);

t.test(
  'built and run as an ordinary user, it serves, is healthy, and ends on SIGTERM',
  { timeout: 290_000 },
  async (t) => {
    const target = mkdtempSync('/tmp/tg-image-');
    t.teardown(() => rmSync(target, { recursive: true, force: true }));
    spawnSync('chmod', ['755', target]);
    const env = { ...cleanEnvironment(), npm_config_prefer_offline: 'true', npm_config_loglevel: 'error' };
    const { root: imageRoot, workdir } = await replay(stages, root, target, env);
    const app = join(imageRoot, 'app');
    const data = join(imageRoot, workdir);

    t.notOk(existsSync(join(app, 'node_modules/typescript')), 'no development dependency');
    t.notOk(existsSync(join(app, 'src')), 'no source');

    const isRoot = process.getuid?.() === 0;
    const nobody = { uid: 65_534, gid: 65_534 };
    if (isRoot) chownSync(data, nobody.uid, nobody.gid);
    else spawnSync('chmod', ['-R', 'a-w', app]);
    t.teardown(() => void spawnSync('chmod', ['-R', 'u+w', target]));
    const [port, opsPort] = [await freePort(), await freePort()];
    const settingsFile = join(target, 'tollgate.yaml');
    writeFileSync(
      settingsFile,
      JSON.stringify({
        listen: `127.0.0.1:${port}`,
        ops: `127.0.0.1:${opsPort}`,
        upstream: `http://127.0.0.1:${port + 1}`,
        routes: [{ name: 'things', path: '/things/*', scopes: ['things:read'] }],
        surfaces: { console: { enabled: true } },
        shutdown: { drainDelay: '0s', deadline: '1s' },
      }),
      { mode: 0o644 },
    );
    const variables = Object.fromEntries(
      image.instructions
        .filter(({ word }) => word === 'ENV')
        .map(({ text }) => text.split('=', 2) as [string, string]),
    );
    const runEnv = { ...cleanEnvironment(), ...variables, TOLLGATE_CONFIG: settingsFile };
    const inImage = (word: string): string => (word.startsWith('/app/') ? join(imageRoot, word) : word);
    const [command, ...args] = [
      ...execForm(lastOf(image, 'ENTRYPOINT'))!,
      ...execForm(lastOf(image, 'CMD'))!,
    ].map(inImage) as [string, ...string[]];
    // The image's own node; the one that runs this test may lie where an ordinary user cannot go.
    const node = join(target, 'node');
    copyFileSync(process.execPath, node, constants.COPYFILE_FICLONE);
    const asUser = (tollgate: string[]) =>
      spawnSync(join(imageRoot, 'usr/local/bin/tollgate'), tollgate, {
        env: { ...runEnv, PATH: `${target}:${process.env['PATH']}` },
        cwd: data,
        encoding: 'utf8',
        ...(isRoot ? nobody : {}),
      });
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    t.match(asUser(['--version']), { status: 0, stdout: `${version}\n` }, '`tollgate` is on the path');
    const running = await startProcess(command === 'node' ? node : command, args, {
      env: runEnv,
      cwd: data,
      ...(isRoot ? nobody : {}),
      isReady: () => answers200(`http://127.0.0.1:${opsPort}/readyz`),
    });
    t.teardown(() => running.stop());

    t.ok(await answers200(`http://127.0.0.1:${opsPort}/livez`));
    t.equal((await fetch(`http://127.0.0.1:${port}/things/1`)).status, 401, 'it guards its routes');
    const page = await (await fetch(`http://127.0.0.1:${port}/tollgate/console/`)).text();
    const [, script = ''] = /src="([^"]+\.js)"/.exec(page) ?? [];
    t.equal(
      (await fetch(`http://127.0.0.1:${port}${script}`)).status,
      200,
      'the pages of the console are in it',
    );
    t.notOk(existsSync(join(app, 'dist/console/main.js')), 'built, and not compiled file by file');
    t.ok(existsSync(join(data, 'tollgate.db')), 'the embedded store is in the data folder');
    if (!isRoot) t.throws(() => accessSync(join(app, 'dist'), constants.W_OK), 'the app cannot be written');

    t.match(
      asUser(['key', 'list', '--json']),
      { status: 0, stdout: /"state": "signing"/ },
      'on the same store',
    );

    const check = /CMD (\[.*\])$/.exec(lastOf(image, 'HEALTHCHECK')!)?.[1];
    const [, ...checkArgs] = execForm(check)!;
    const health = (ops: string) =>
      spawnSync(process.execPath, checkArgs, { env: { ...runEnv, TOLLGATE_OPS: ops } }).status;
    t.equal(health(`127.0.0.1:${opsPort}`), 0, 'the health check passes');
    t.equal(health(`127.0.0.1:${await freePort()}`), 1, 'and fails where nothing listens');

    running.child.kill('SIGTERM');
    t.match(await running.ended, { code: 0, signal: null });
  },
);
