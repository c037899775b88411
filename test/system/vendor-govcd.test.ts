// A client of Cloud Director that nobody here wrote, unmodified: a Go library that Debian packages, an ancestor of
// go-vcloud-director. It follows the links of its session, as pyvcloud, vcd-cli and the Container Service Extension do.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { uuidOfOrg } from '../../src/identity/vendor-ids.ts';
import { startVcdApi } from '../support/vcd-api.ts';
import { password, startVendorGate } from '../support/vendor-gate.ts';

t.setTimeout(300_000);

const goPath = '/usr/share/gocode';
const library = 'github.com/hmrc/vmware-govcd';
const isThere =
  existsSync(join(goPath, 'src', library)) && spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;

/** Signs in, says what it found, signs out after a line on standard input, and tries once more for each further one. */
const program = `package main

import (
	"bufio"
	"fmt"
	"net/url"
	"os"

	govcd "${library}"
)

func main() {
	endpoint, _ := url.Parse(os.Args[1] + "/api")
	client := govcd.NewVCDClient(*endpoint, false)
	org, vdc, err := client.Authenticate("ann", os.Args[2], "acme", "main")
	if err != nil {
		fmt.Println("fault:", err)
		return
	}
	fmt.Println("found", org.Org.Name, vdc.Vdc.Name, client.OrgHREF.Path, client.QueryHREF.Path)
	lines := bufio.NewScanner(os.Stdin)
	lines.Scan()
	fmt.Println("signed out:", client.Disconnect())
	for lines.Scan() {
		_, err := client.RetrieveOrg("main")
		fmt.Println("and then:", err)
	}
}
`;

t.test(
  'a Go client that Debian packages signs in, follows the links of its session, signs out, and reads the errors',
  { skip: isThere ? false : 'needs Go and a client (Debian: golang-go golang-github-hmrc-vmware-govcd-dev)' },
  async (t) => {
    const directory = mkdtempSync('/tmp/tg-');
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    writeFileSync(join(directory, 'main.go'), program);
    const env = {
      PATH: process.env['PATH'],
      HOME: directory,
      GOPATH: goPath,
      GO111MODULE: 'off',
      GOCACHE: join(directory, 'cache'),
      CGO_ENABLED: '0',
    };
    const built = spawnSync('go', ['build', '-o', 'client', 'main.go'], { cwd: directory, env });
    t.equal(built.status, 0, String(built.stderr));

    const api = await startVcdApi(t);
    const gate = await startVendorGate(t, 'vcd', api.url);
    api.base = gate.publicUrl;
    await gate.person('acme', 'ann');
    const start = (withPassword: string) => {
      const client = spawn(join(directory, 'client'), [gate.publicUrl, withPassword], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      t.teardown(() => client.kill());
      const lines = createInterface(client.stdout)[Symbol.asyncIterator]();
      return {
        line: async (): Promise<unknown> => (await lines.next()).value,
        again: () => client.stdin.write('\n'),
      };
    };

    const wrong = start('wrong');
    t.match(
      await wrong.line(),
      /API Error: 401: \[ [\w-]+ \] This operation is denied\./,
      'it reads the error',
    );
    const client = start(password);
    t.equal(await client.line(), `found acme main /api/org/${uuidOfOrg('acme')} /api/query`);
    for (const { url, headers } of api.received.filter(({ url }) => url !== '/api/versions'))
      t.match(headers, { 'x-identity-user': 'ann', 'x-identity-org': 'acme' }, url);
    client.again();
    t.equal(await client.line(), 'signed out: <nil>');
    let then: unknown;
    do {
      client.again();
      then = await client.line();
    } while (then === 'and then: <nil>');
    t.match(
      then,
      /^and then: .*API Error: 401: \[ [\w-]+ \] This operation is denied\./,
      'out, and told why',
    );
  },
);
