// The real HAProxy in front of a gate, in TCP mode, with `send-proxy` and `send-proxy-v2`: plain, with TLS that goes through it,
// and with the health checks it makes of its own.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeCertificates } from '../support/certificates.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { type GateProcess, startGate, until } from '../support/gate-process.ts';
import { freePort, startProcess } from '../support/process.ts';
import { connectRaw } from '../support/raw-client.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

const request = 'GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n';

interface Way {
  readonly name: string;
  readonly port: number;
  readonly gate: GateProcess;
  /** Of HAProxy's line `server`. */
  readonly options: string;
}

const configurationOf = (ways: readonly Way[]): string => `global
  maxconn 200
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  default-server inter 50ms
${ways
  .map(
    ({ name, port, gate, options }) => `listen ${name}
  bind 127.0.0.1:${port}
  bind [::1]:${port}
  server gate 127.0.0.1:${gate.port} ${options}`,
  )
  .join('\n')}
`;

t.test('the caller of HAProxy is the caller of Tollgate, by both versions of the header', async (t) => {
  const directory = makeDirectory(t);
  const api = await startEchoApi(t);
  const certificates = makeCertificates();
  const settings = {
    upstream: api.url,
    routes: [{ name: 'public', path: '/public/*', public: true }],
    log: { access: 'all' },
    proxyProtocol: { listeners: ['callers'], trustedPeers: ['127.0.0.1'] },
  };
  const plain = await startGate(t, { directory, name: 'plain', settings });
  const secured = await startGate(t, {
    directory,
    name: 'secured',
    settings: { ...settings, tls: certificates.localhost },
  });
  const way = async (name: string, gate: GateProcess, options: string): Promise<Way> => ({
    name,
    port: await freePort(),
    gate,
    options,
  });
  const ways = [
    await way('v1', plain, 'send-proxy check'),
    await way('v2', plain, 'send-proxy-v2 proxy-v2-options unique-id,crc32c check check-send-proxy'),
    await way('v1-tls', secured, 'send-proxy'),
    await way('v2-tls', secured, 'send-proxy-v2'),
  ];
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(file, configurationOf(ways));
  const answers = async (port: number): Promise<boolean> =>
    connectRaw(port).then(
      ({ socket }) => socket.destroy() !== undefined,
      () => false,
    );
  const haproxy = await startProcess('haproxy', ['-db', '-f', file], {
    isReady: () => answers(ways[0]!.port),
  });
  t.teardown(() => haproxy.stop(3_000));
  await Promise.all([plain.whenReady(), secured.whenReady()]);

  for (const { name, port, gate } of ways)
    await t.test(name, async (t) => {
      const callersBefore = api.received.length;
      const client = await connectRaw(
        gate === secured
          ? { port, tls: { ca: certificates.ca, servername: 'localhost' } }
          : { port, from: '127.0.0.5' },
      );
      t.teardown(() => client.socket.destroy());
      const from = gate === secured ? '127.0.0.1' : '127.0.0.5';
      for (let n = 0; n < 2; n += 1) {
        client.send(request);
        const { status, body } = await client.readMessage();
        t.equal(status, 200);
        t.equal(JSON.parse(body).headers['x-forwarded-for'], from);
      }
      t.equal(api.received.length, callersBefore + 2);
      t.ok(await gate.logged((line) => line['client'] === from));
    });

  await t.test('IPv6', async (t) => {
    for (const { port } of ways.slice(0, 2)) {
      const answer = await fetch(`http://[::1]:${port}/public/x`);
      const { headers } = (await answer.json()) as { headers: Record<string, string> };
      t.equal(headers['x-forwarded-for'], '::1');
    }
  });

  await t.test('whoever does not come through HAProxy is refused', async (t) => {
    const refused = 'tollgate_client_connections_refused_by_proxy_header_total';
    t.equal(await plain.metric(refused), 0, 'health checks are no refusals');
    const stranger = await connectRaw({ port: plain.port, from: '127.0.0.2' });
    stranger.send(request);
    await stranger.closed;
    t.equal(stranger.received.length, 0);
    await until(async () => (await plain.metric(refused)) === 1);
    const line = await plain.logged(({ msg }) => msg.startsWith('proxyProtocol: '));
    t.match(line, { level: 'warn', peer: '127.0.0.2', msg: /is not in proxyProtocol\.trustedPeers/ });
  });
});
