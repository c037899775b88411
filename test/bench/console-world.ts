// A console to look at: one gate on SQLite with an organization, people and API tokens in every state.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { type Chromium, startChromium } from '../support/chromium.ts';
import { done, openOperator, type Operator } from '../support/operator.ts';
import { startTollgate } from '../support/process.ts';
import { setPasswords } from '../support/replicas.ts';

export interface ConsoleWorld {
  readonly url: string;
  readonly chromium: Chromium;
  /** By their names. */
  readonly tokens: ReadonlyMap<string, { readonly secret: string; readonly id: string }>;
  readonly operator: Operator;
}

export const person = { org: 'acme', user: 'ann' };

const dayMs = 86_400_000;

/** Ends with `work`. */
export const withConsole = async (work: (world: ConsoleWorld) => Promise<void>): Promise<void> => {
  const ends: (() => unknown)[] = [];
  const owner = { teardown: (end: () => unknown) => void ends.unshift(end) };
  const directory = mkdtempSync('/tmp/tg-');
  owner.teardown(() => rmSync(directory, { recursive: true, force: true }));
  try {
    const chromium = await startChromium(owner);
    const gate = await startTollgate({
      directory,
      name: 'console',
      settings: {
        upstream: await startApi(owner),
        store: `sqlite:${directory}/tollgate.db`,
        issuer: 'http://127.0.0.1:8080',
        surfaces: { console: { enabled: true } },
        routes: [{ name: 'things', path: '/things/*', scopes: ['things:read'] }],
      },
    });
    owner.teardown(() => gate.stop(3_000));
    const operator = await openOperator(owner, gate.settingsFile);
    await work({ url: gate.url, chromium, operator, tokens: await furnish(operator) });
  } finally {
    for (const end of ends) await end();
  }
};

interface Owner {
  teardown(end: () => unknown): void;
}

const startApi = async (owner: Owner): Promise<string> => {
  const server = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  owner.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const roles = {
  owner: ['org:owner', 'tollgate:tokens:own', 'tollgate:tokens:all', 'tollgate:audit:read'],
  operator: ['tollgate:operate'],
  builder: ['things:read', 'things:write', 'builds:start', 'builds:read'],
  auditor: ['reports:read', 'billing:read'],
};

/** Name, scopes and lifetime in days; undefined: for ever. */
const tokens: readonly (readonly [
  name: string,
  scopes: readonly string[] | 'all',
  days: number | undefined,
])[] = [
  ['Nightly reports', ['reports:read'], 365],
  ['Grafana', ['things:read'], 120],
  ['Terraform', 'all', 90],
  ['Backup of the archive', ['things:read', 'things:write'], undefined],
  ['Old importer', ['things:write'], 180],
  ['Invoices to accounting', ['billing:read', 'reports:read'], 60],
  ['Deploy pipeline', ['things:read', 'things:write', 'builds:start'], 9],
];

const furnish = async (operator: Operator): Promise<ConsoleWorld['tokens']> => {
  const { accounts } = operator;
  done(
    await accounts.createOrg({ id: 'acme', name: 'Acme Corporation', roles, tokenLifetimeMsMax: undefined }),
  );
  const ann = {
    orgId: 'acme',
    id: 'ann',
    name: 'Ann Morgan',
    email: 'ann@acme.example',
    roles: Object.keys(roles),
  };
  done(await accounts.createUser(ann));
  await setPasswords(operator, ['acme/ann']);
  const made = new Map<string, { readonly secret: string; readonly id: string }>();
  for (const [name, scopes, days] of tokens) {
    const lifetimeMs = days === undefined ? null : days * dayMs;
    made.set(name, await operator.token({ user: 'ann', name, scopes, lifetimeMs }));
  }
  return made;
};
