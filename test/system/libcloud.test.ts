// A client of Cloud Director that nobody here wrote, unmodified: Apache Libcloud's vCloud driver, as Debian packages it.
// It signs in at the gate, finds the org's data centers in an API behind it, and is out when its session is ended.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { parse } from 'yaml';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { createPasswords } from '../../src/lifecycle/passwords.ts';
import { startGate } from '../support/gate-process.ts';
import { done, openOperator } from '../support/operator.ts';
import { root } from '../support/process.ts';

t.setTimeout(120_000);

const python = '/usr/bin/python3';
const isThere = spawnSync(python, ['-c', 'import libcloud'], { stdio: 'ignore' }).status === 0;

/** Signs in and lists; then again, after each line on standard input. */
const script = `
import sys
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider
driver = get_driver(Provider.VCLOUD)(
    'ann@acme', sys.argv[2], secure=False, host='127.0.0.1', port=int(sys.argv[1]), api_version=sys.argv[3])
while True:
    try:
        driver._vdcs = None
        print('found', *[vdc.name for vdc in driver.vdcs], flush=True)
    except Exception as fault:
        print('fault', type(fault).__name__, flush=True)
    if not sys.stdin.readline():
        break
`;

const password = 'correct horse battery staple';
const xmlns = 'xmlns="http://www.vmware.com/vcloud/v1.5"';
const kind = (name: string): string => `type="application/vnd.vmware.vcloud.${name}+xml"`;
const documents: Readonly<Record<string, string>> = {
  '/api/org': `<OrgList ${xmlns}><Org ${kind('org')} name="acme" href="http://vcd/api/org/7"/></OrgList>`,
  '/api/org/7': `<Org ${xmlns} name="acme"><Link ${kind('vdc')} name="main" href="http://vcd/api/vdc/9"/></Org>`,
  '/api/vdc/9': `<Vdc ${xmlns} name="main" href="http://vcd/api/vdc/9"/>`,
};

t.test(
  'Apache Libcloud signs in, calls the API, and is out when its user’s sessions are revoked',
  { skip: isThere ? false : 'needs Apache Libcloud (Debian: python3-libcloud)' },
  async (t) => {
    const directory = mkdtempSync('/tmp/tg-');
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const received: (readonly [string, IncomingHttpHeaders])[] = [];
    const api = createServer(({ url = '', headers }, response) => {
      received.push([url, headers]);
      response.writeHead(documents[url] === undefined ? 404 : 200, { 'content-type': 'application/xml' });
      response.end(documents[url]);
    });
    api.listen(0, '127.0.0.1');
    await once(api, 'listening');
    t.teardown(() => api.close());
    const text = readFileSync(join(root, 'config/vendors/vcd.yaml'), 'utf8');
    const { listen: _listen, store: _store, ...ready } = parse(text) as Record<string, unknown>;
    const upstream = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
    const gate = await startGate(t, { directory, settings: { ...ready, upstream } });
    const { accounts, apiTokens, store } = await openOperator(t, gate.settingsFile);
    done(await accounts.createOrg({ id: 'acme', name: 'acme', roles: {}, tokenLifetimeMsMax: undefined }));
    done(await accounts.createUser({ orgId: 'acme', id: 'ann', name: undefined, roles: [] }));
    const limit = createSignInLimit({ signInFailuresPerAccount: 0, signInFailuresPerAddress: 0 });
    const passwords = createPasswords({ store, passwords: createPasswordHashes(), limit, now: Date.now });
    done(await passwords.setPassword('acme', 'ann', password));
    await gate.whenReady();

    const start = (withPassword: string, version: string) => {
      const args = ['-c', script, String(gate.port), withPassword, version];
      const client = spawn(python, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      t.teardown(() => client.kill());
      const lines = createInterface(client.stdout)[Symbol.asyncIterator]();
      return {
        line: async (): Promise<unknown> => (await lines.next()).value,
        again: () => client.stdin.write('\n'),
      };
    };
    const [client, newer, wrong] = [start(password, '1.5'), start(password, '5.5'), start('no', '5.5')];
    t.equal(await client.line(), 'found main');
    t.equal(await newer.line(), 'found main', 'another version of the vendor’s API');
    t.match(await wrong.line(), /^fault /, 'a wrong password is a fault to it');
    for (const [url, headers] of received) {
      t.match(headers, { 'x-identity-user': 'ann', 'x-identity-org': 'acme' }, url);
      t.equal(headers['x-vcloud-authorization'], undefined, 'its credential stays here');
    }
    client.again();
    t.equal(await client.line(), 'found main', 'and goes on');
    done(await apiTokens.revokeAll('acme', 'ann'));
    const lines: unknown[] = [];
    do {
      client.again();
      lines.push(await client.line());
    } while (lines.at(-1) === 'found main');
    t.match(lines.at(-1), /^fault /, 'until its sessions are revoked');
    const before = received.length;
    client.again();
    t.match(await client.line(), /^fault /);
    t.equal(received.length, before, 'nothing more reaches the API');
  },
);
