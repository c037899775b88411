// A real HAProxy in front of gates, as an operator sets one up: it asks each gate's /readyz and sends callers to those that
// are ready. It repeats nothing that reached a gate.
//
//   const balancer = await startHaproxy(t, [{ name: 'a', port: 8081, opsPort: 9081 }]);
//   await balancer.isUp('a')                             // what HAProxy has found out
//   await call(balancer, '/things', token)

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePort, startProcess } from './process.ts';

export interface BalancedGate {
  readonly name: string;
  readonly port: number;
  readonly opsPort: number;
}

export interface Haproxy {
  readonly url: string;
  readonly port: number;
  isUp(name: string): Promise<boolean>;
  /** When it found a gate up or down, and why, as its log says. */
  changes(): readonly string[];
}

/** Marks a gate down after two failed checks, 100 ms apart, and up after two good ones; ends with the test. */
export const startHaproxy = async (t: Test, gates: readonly BalancedGate[]): Promise<Haproxy> => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const [port, statsPort] = [await freePort(), await freePort()];
  const servers = gates.map(
    ({ name, port: at, opsPort }) => `  server ${name} 127.0.0.1:${at} check port ${opsPort}`,
  );
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  maxconn 500
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout check 10s
  default-server inter 100ms fall 2 rise 2
frontend callers
  bind 127.0.0.1:${port}
  default_backend gates
backend gates
  balance roundrobin
  option httpchk GET /readyz
${servers.join('\n')}
frontend statistics
  bind 127.0.0.1:${statsPort}
  no log
  stats enable
  stats uri /
`,
  );
  const statistics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${statsPort}/;csv`)).text();
  const running = await startProcess('haproxy', ['-db', '-f', file], {
    isReady: () =>
      statistics().then(
        () => true,
        () => false,
      ),
  });
  t.teardown(() => running.stop(3_000));
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    isUp: async (name) => {
      const row = (await statistics()).split('\n').find((line) => line.startsWith(`gates,${name},`));
      return row?.split(',')[17] === 'UP';
    },
    changes: () =>
      running
        .output()
        .split('\n')
        .filter((line) => / is (?:UP|DOWN)/.test(line)),
  };
};
