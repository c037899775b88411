// Before the tests: makes sure a real `redis-server` is there, or says exactly what to install. Never a stand-in.

import { spawnSync } from 'node:child_process';

const has = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

const installers: readonly { readonly command: string; readonly steps: readonly string[][] }[] = [
  {
    command: 'apt-get',
    steps: [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', 'redis-server'],
    ],
  },
  { command: 'apk', steps: [['apk', 'add', '--no-cache', 'redis']] },
  { command: 'dnf', steps: [['dnf', 'install', '-y', 'redis']] },
  { command: 'brew', steps: [['brew', 'install', 'redis']] },
];

const install = (): void => {
  const installer = installers.find(({ command }) => has(command, '--version'));
  if (installer === undefined) return;
  const mayInstall = installer.command === 'brew' || process.getuid?.() === 0;
  const prefix = mayInstall ? [] : has('sudo', '-n', 'true') ? ['sudo', '-n'] : undefined;
  if (prefix === undefined) return;
  for (const step of installer.steps) {
    const [command, ...args] = [...prefix, ...step] as [string, ...string[]];
    console.error(`installing redis-server: ${[command, ...args].join(' ')}`);
    spawnSync(command, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
};

if (!has('redis-server', '--version')) install();
if (!has('redis-server', '--version')) {
  console.error(
    'The tests run against a real Redis, and there is no `redis-server` on the path.\n' +
      'Install one and run `npm test` again:\n' +
      '  Debian, Ubuntu   sudo apt-get install redis-server\n' +
      '  Alpine           sudo apk add redis\n' +
      '  Fedora           sudo dnf install redis\n' +
      '  macOS            brew install redis',
  );
  process.exitCode = 1;
}
