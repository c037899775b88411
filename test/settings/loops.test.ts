// Issue 9, number 6: an upstream that is a listener of this process is a settings error, however its address is written.

import { hostname } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { leadsTo } from '../../src/settings/check-loops.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { address, upstreamUrl } from '../../src/settings/network-readers.ts';
import { issueLine } from '../../src/settings/settings-issue.ts';

const machine = new Set(['web1', '10.0.0.5', 'fd00::5']);
const isLoop = (url: string, listen: string): boolean => {
  const [upstream, own] = [upstreamUrl.read(url), address.read(listen)];
  if (!upstream.ok || !own.ok) throw new Error(`${url} ${listen}`);
  return leadsTo(upstream.value, own.value, machine);
};

t.test('an address of this machine is one of ours where we listen on it', async (t) => {
  for (const [url, listen] of [
    ['http://127.0.0.1:8080', '127.0.0.1:8080'],
    ['http://localhost:8080', '127.0.0.1:8080'],
    ['http://LOCALHOST.:8080', '[::1]:8080'],
    ['http://[::1]:8080', 'localhost:8080'],
    ['http://127.0.0.1:8080', '0.0.0.0:8080'],
    ['http://0.0.0.0:8080', '127.0.0.1:8080'],
    ['http://[::]:8080', '0.0.0.0:8080'],
    ['http://[::ffff:127.0.0.1]:8080', '127.0.0.1:8080'],
    ['http://2130706433:8080', '127.0.0.1:8080'],
    ['http://10.0.0.5:8080', '0.0.0.0:8080'],
    ['http://[::ffff:10.0.0.5]:8080', '[::]:8080'],
    ['http://[fd00:0::5]:8080', '[::]:8080'],
    ['http://web1:8080', '[::]:8080'],
    ['http://Web1.:8080', '0.0.0.0:8080'],
    ['http://10.0.0.5:8080', '10.0.0.5:8080'],
    ['http://api.example', 'api.example:80'],
    ['https://127.0.0.1', '0.0.0.0:443'],
    ['unix:/run/a.sock', 'unix:/run/a.sock'],
    ['unix:/run/./b/../a.sock', 'unix:/run//a.sock'],
    ['unix:a.sock', `unix:${join(process.cwd(), 'a.sock')}`],
  ] as const)
    t.equal(isLoop(url, listen), true, `${url} ${listen}`);
});

t.test('another port, machine, interface or socket is not', async (t) => {
  for (const [url, listen] of [
    ['http://127.0.0.1:8081', '127.0.0.1:8080'],
    ['http://127.0.0.1:8080', '10.0.0.5:8080'],
    ['http://10.0.0.5:8080', '127.0.0.1:8080'],
    ['http://web1:8080', '127.0.0.1:8080'],
    ['http://10.0.0.6:8080', '0.0.0.0:8080'],
    ['http://web2:8080', '0.0.0.0:8080'],
    ['http://127.0.0.1:8080', '127.0.0.1:0'],
    ['unix:/run/b.sock', 'unix:/run/a.sock'],
    ['unix:/run/a.sock', '127.0.0.1:80'],
  ] as const)
    t.equal(isLoop(url, listen), false, `${url} ${listen}`);
});

t.test('each listener counts, and so does each upstream', async (t) => {
  const file = join(
    t.testdir({
      'a.yaml': `listen: 127.0.0.1:8080
ops: 0.0.0.0:9464
upstream: { url: 'http://localhost:8090' }
upstreams:
  metrics: { url: 'http://${hostname()}:9464' }
  auth: { url: unix:/run/auth.sock }
  moved: { url: 'http://api.example', addresses: ['127.0.0.1:8080'] }
  fine: { url: 'http://localhost:8081' }
forwardAuth: { listen: unix:/run/auth.sock, trustedPeers: [unix] }
surfaces: { console: { enabled: true, listen: 127.0.0.1:8090 } }
`,
    }),
    'a.yaml',
  );
  const loaded = loadSettings({ file, env: {}, flags: {} });
  t.same(loaded.ok, false);
  const said = loaded.ok ? [] : loaded.problems.map(issueLine);
  t.match(said, [
    /:3:\d+: upstream.url: is Tollgate itself \(`surfaces.console.listen`\)/,
    /:5:\d+: upstreams.metrics.url: is Tollgate itself \(`ops`\)/,
    /:6:\d+: upstreams.auth.url: is Tollgate itself \(`forwardAuth.listen`\)/,
    /:7:\d+: upstreams.moved.addresses: "127.0.0.1:8080" is Tollgate itself \(`listen`\)/,
  ]);
  t.equal(said.length, 4);
});
