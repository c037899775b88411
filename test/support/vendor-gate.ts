// A gate with a vendor's ready settings, under a URL that is known before it listens: the links in its answers lead back
// to it, so that clients can follow them.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { parse } from 'yaml';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { createPasswords } from '../../src/lifecycle/passwords.ts';
import { type GateProcess, startGate } from './gate-process.ts';
import { done, type Operator, openOperator } from './operator.ts';
import { root } from './process.ts';

export const password = 'correct horse battery staple';

export interface VendorGate extends GateProcess {
  /** Its issuer, and where clients reach it: `http://127.0.0.1:PORT`. */
  readonly publicUrl: string;
  readonly operator: Operator;
  /** An org, once, and a user of it with these roles and the password. */
  person(orgId: string, userId: string, roles?: Readonly<Record<string, readonly string[]>>): Promise<void>;
}

/** `change`: settings beside those of the file, which stay as they are shipped. */
export const startVendorGate = async (
  t: Test,
  vendor: 'astra' | 'csp' | 'navigator' | 'vcd',
  upstream: string,
  change: Readonly<Record<string, unknown>> = {},
): Promise<VendorGate> => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const text = readFileSync(join(root, `config/vendors/${vendor}.yaml`), 'utf8');
  const { listen: _listen, store: _store, ...ready } = parse(text) as Record<string, unknown>;
  const relay = await startRelay(t);
  const publicUrl = `http://127.0.0.1:${relay.port}`;
  const settings = { ...ready, issuer: publicUrl, upstream, ...change };
  const gate = await startGate(t, { directory, settings });
  relay.leadTo(gate.port);
  const operator = await openOperator(t, gate.settingsFile);
  const { accounts, store } = operator;
  const limit = createSignInLimit({ signInFailuresPerAccount: 0, signInFailuresPerAddress: 0 });
  const passwords = createPasswords({ store, passwords: createPasswordHashes(), limit, now: Date.now });
  await gate.whenReady();
  return {
    ...gate,
    publicUrl,
    operator,
    person: async (orgId, userId, roles = {}) => {
      if ((await store.findOrg(orgId)) === undefined)
        done(await accounts.createOrg({ id: orgId, name: orgId, roles: {}, tokenLifetimeMsMax: undefined }));
      for (const [role, scopes] of Object.entries(roles))
        done(await accounts.defineRole(orgId, role, scopes));
      done(await accounts.createUser({ orgId, id: userId, name: undefined, roles: Object.keys(roles) }));
      done(await passwords.setPassword(orgId, userId, password));
    },
  };
};

/** A port of 127.0.0.1 whose connections lead to another one, once that is known. */
const startRelay = async (t: Test): Promise<{ readonly port: number; leadTo(port: number): void }> => {
  let target = 0;
  const relay = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    near.on('error', () => far.destroy()).pipe(far);
    far.on('error', () => near.destroy()).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.teardown(() => void relay.close());
  return {
    port: (relay.address() as AddressInfo).port,
    leadTo: (port) => {
      target = port;
    },
  };
};
