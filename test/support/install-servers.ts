// Before the tests: makes sure the real servers they run against are there (`redis-server`; `prometheus`, the API of
// the system test, with `promtool`; nginx, Caddy and HAProxy), `faketime`, which gives a process another clock, and
// `chromium`, in which the console is tried; or says exactly what to install. Never a stand-in.

import { spawnSync } from 'node:child_process';

interface Server {
  readonly command: string;
  /** Package manager -> what it calls the package. */
  readonly packages: Readonly<Record<string, string>>;
  /** `--version` unless given. */
  readonly versionOption?: string;
}

const servers: readonly Server[] = [
  {
    command: 'redis-server',
    packages: { 'apt-get': 'redis-server', apk: 'redis', dnf: '/usr/bin/redis-server', brew: 'redis' },
  },
  {
    command: 'prometheus',
    packages: { 'apt-get': 'prometheus', apk: 'prometheus', dnf: '/usr/bin/prometheus', brew: 'prometheus' },
  },
  {
    command: 'promtool',
    packages: { 'apt-get': 'prometheus', apk: 'prometheus', dnf: '/usr/bin/promtool', brew: 'prometheus' },
  },
  {
    command: 'nginx',
    packages: { 'apt-get': 'nginx-light', apk: 'nginx', dnf: 'nginx', brew: 'nginx' },
    versionOption: '-v',
  },
  {
    command: 'caddy',
    packages: { 'apt-get': 'caddy', apk: 'caddy', dnf: 'caddy', brew: 'caddy' },
    versionOption: 'version',
  },
  {
    command: 'haproxy',
    packages: { 'apt-get': 'haproxy', apk: 'haproxy', dnf: 'haproxy', brew: 'haproxy' },
    versionOption: '-v',
  },
  {
    command: 'faketime',
    packages: { 'apt-get': 'faketime', apk: 'libfaketime', dnf: 'libfaketime', brew: 'libfaketime' },
  },
  {
    command: 'chromium',
    packages: { 'apt-get': 'chromium', apk: 'chromium', dnf: 'chromium', brew: 'chromium' },
  },
];

/** Package manager -> steps before, and the step that installs. */
const managers: Readonly<Record<string, { readonly before: string[][]; readonly install: string[] }>> = {
  'apt-get': {
    before: [['apt-get', 'update', '-qq']],
    install: ['apt-get', 'install', '-y', '-qq', '--no-install-recommends'],
  },
  apk: { before: [], install: ['apk', 'add', '--no-cache'] },
  dnf: { before: [], install: ['dnf', 'install', '-y'] },
  brew: { before: [], install: ['brew', 'install'] },
};

const runs = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

const missing = (): readonly Server[] =>
  servers.filter(({ command, versionOption = '--version' }) => !runs(command, versionOption));

const packagesOf = (wanted: readonly Server[], manager: string): string[] => [
  ...new Set(wanted.flatMap(({ packages }) => packages[manager] ?? [])),
];

/** How commands that need it become root; undefined: not without asking. */
const asRoot = (): string[] | undefined =>
  process.getuid?.() === 0 ? [] : runs('sudo', '-n', 'true') ? ['sudo', '-n'] : undefined;

// RUNLEVEL: a package must not start its service.
const quietly = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };

/**
 * Apache Libcloud, a client of Cloud Director that its test runs where it is there. Where it cannot be installed without
 * a question, that one test is skipped.
 */
const installClient = (): void => {
  if (runs('/usr/bin/python3', '-c', 'import libcloud')) return;
  const prefix = runs('apt-get', '--version') ? asRoot() : undefined;
  const steps = managers['apt-get'];
  if (prefix === undefined || steps === undefined) return;
  for (const step of [...steps.before, [...steps.install, 'python3-libcloud']]) {
    const [command, ...args] = [...prefix, ...step] as [string, ...string[]];
    console.error(`installing python3-libcloud: ${[command, ...args].join(' ')}`);
    spawnSync(command, args, { stdio: 'ignore', env: quietly });
  }
};

const install = (wanted: readonly Server[]): void => {
  const manager = Object.keys(managers).find((command) => runs(command, '--version'));
  const steps = manager === undefined ? undefined : managers[manager];
  if (manager === undefined || steps === undefined) return;
  const prefix = manager === 'brew' ? [] : asRoot();
  if (prefix === undefined) return;
  for (const step of [...steps.before, [...steps.install, ...packagesOf(wanted, manager)]]) {
    const [command, ...args] = [...prefix, ...step] as [string, ...string[]];
    console.error(
      `installing ${wanted.map(({ command }) => command).join(', ')}: ${[command, ...args].join(' ')}`,
    );
    spawnSync(command, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: quietly,
    });
  }
};

if (missing().length > 0) install(missing());
installClient();
const stillMissing = missing();
if (stillMissing.length > 0) {
  const line = (system: string, manager: string, sudo: string): string =>
    `  ${system.padEnd(16)} ${sudo}${(managers[manager]?.install ?? []).filter((word) => !word.startsWith('-')).join(' ')} ` +
    packagesOf(stillMissing, manager).join(' ');
  console.error(
    [
      `The tests run against real servers, and these are not on the path: ${stillMissing.map(({ command }) => command).join(', ')}.`,
      'Install them and run `npm test` again:',
      line('Debian, Ubuntu', 'apt-get', 'sudo '),
      line('Alpine', 'apk', 'sudo '),
      line('Fedora', 'dnf', 'sudo '),
      line('macOS', 'brew', ''),
    ].join('\n'),
  );
  process.exitCode = 1;
}
