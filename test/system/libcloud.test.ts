// A client of Cloud Director that nobody here wrote, unmodified: Apache Libcloud's vCloud driver, as Debian packages it.
// It signs in at the gate, finds the org's data centers in an API behind it, and is out when its session is ended.

import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import t from 'tap';
import { done } from '../support/operator.ts';
import { startVcdApi } from '../support/vcd-api.ts';
import { password, startVendorGate } from '../support/vendor-gate.ts';

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

t.test(
  'Apache Libcloud signs in, calls the API, and is out when its user’s sessions are revoked',
  { skip: isThere ? false : 'needs Apache Libcloud (Debian: python3-libcloud)' },
  async (t) => {
    const api = await startVcdApi(t);
    const gate = await startVendorGate(t, 'vcd', api.url);
    api.base = gate.publicUrl;
    await gate.person('acme', 'ann');

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
    for (const { url, headers } of api.received) {
      t.match(headers, { 'x-identity-user': 'ann', 'x-identity-org': 'acme' }, url);
      t.equal(headers['x-vcloud-authorization'], undefined, 'its credential stays here');
    }
    client.again();
    t.equal(await client.line(), 'found main', 'and goes on');
    done(await gate.operator.apiTokens.revokeAll('acme', 'ann'));
    const lines: unknown[] = [];
    do {
      client.again();
      lines.push(await client.line());
    } while (lines.at(-1) === 'found main');
    t.match(lines.at(-1), /^fault /, 'until its sessions are revoked');
    const before = api.received.length;
    client.again();
    t.match(await client.line(), /^fault /);
    t.equal(api.received.length, before, 'nothing more reaches the API');
  },
);
