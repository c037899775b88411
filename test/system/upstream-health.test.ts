// Numbers 8 and 9 on a real process: readiness, /readyz?verbose and the metrics tell of the API, and a client certificate that
// was renewed is shown without a restart.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:https';
import { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { makeCertificates } from '../support/certificates.ts';
import { type GateProcess, startGate, until } from '../support/gate-process.ts';
import { listenRestartably } from '../support/restartable-server.ts';

const routes = [
  { name: 'all', path: '/*', public: true },
  { name: 'reports', path: '/reports/*', public: true, upstream: 'reports' },
];

const verboseOf = async (gate: GateProcess): Promise<unknown> =>
  (await fetch(`${gate.opsUrl}/readyz?verbose`)).json();

t.test(
  '9: /readyz is 503 while a required API is down, and 200 when a probe finds it up',
  async (t: Test) => {
    const server = createServer((request, response) => void response.end(request.url));
    const api = await listenRestartably(t, server);
    await api.stop();
    const gate = await startGate(t, {
      directory: t.testdir(),
      settings: {
        routes,
        upstream: {
          url: `http://127.0.0.1:${api.port}`,
          health: { probe: { path: '/healthz', interval: '100ms' } },
        },
        // Nobody listens there, and nothing asks for it.
        upstreams: { reports: { url: 'http://127.0.0.1:1' } },
        ready: { requireUpstream: ['default'] },
      },
    });
    await gate.logged(({ msg }) => msg === 'an address of an upstream is down');
    await until(async () => (await gate.readiness()).reasons.length === 1);
    const down = await gate.readiness();
    t.equal(down.status, 503);
    t.match(down.reasons, [/^upstream default: no address is up: 127\.0\.0\.1:\d+ \(connect ECONNREFUSED/]);
    t.equal(await gate.metric('tollgate_upstream_address_up', { upstream: 'default' }), 0);
    t.ok((await gate.metric('tollgate_upstream_connect_failures_total', { upstream: 'default' })) === 0);
    t.match(await verboseOf(gate), {
      upstreams: {
        default: { addresses: [{ address: `127.0.0.1:${api.port}`, state: 'unreachable' }] },
        reports: { addresses: [{ address: '127.0.0.1:1', state: 'unknown' }] },
      },
    });

    await api.start();
    await gate.whenReady();
    t.equal((await fetch(`${gate.url}/things`)).status, 200);
    t.equal(await gate.metric('tollgate_upstream_address_up', { upstream: 'default' }), 1);

    // The other one is found to be down by those who call it, and only a warning.
    for (let count = 0; count < 3; count += 1) t.equal((await fetch(`${gate.url}/reports/1`)).status, 502);
    t.match(await verboseOf(gate), {
      ready: true,
      reasons: [],
      warnings: [/^upstream reports: no address is up: 127\.0\.0\.1:1/],
      upstreams: {
        reports: { addresses: [{ state: 'unreachable', fault: /ECONNREFUSED/ }], connectFailures: 3 },
      },
    });
  },
);

t.test('8: a client certificate that was renewed is shown to the API without a restart', async (t: Test) => {
  const [old, renewed] = [makeCertificates(), makeCertificates()];
  const seen: string[] = [];
  const server = createTlsServer(
    { ...old.localhost, ca: [old.ca, renewed.ca], requestCert: true, rejectUnauthorized: true },
    ({ socket }, response) => {
      seen.push(socket instanceof TLSSocket ? socket.getPeerCertificate().fingerprint256 : '');
      response.end('ok');
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const directory = t.testdir();
  const [cert, key] = [join(directory, 'client.crt'), join(directory, 'client.key')];
  const write = (pair: { readonly cert: string; readonly key: string }): void => {
    writeFileSync(cert, pair.cert);
    writeFileSync(key, pair.key, { mode: 0o600 });
  };
  write(old.client);
  const gate = await startGate(t, {
    directory,
    settings: {
      routes: [routes[0]],
      upstream: { url: `https://localhost:${port}`, ca: old.ca, clientCertificate: { cert, key } },
    },
  });
  const ask = async (): Promise<number> => (await fetch(`${gate.url}/things`)).status;
  t.equal(await ask(), 200);
  write(renewed.client);
  await gate.logged(({ msg }) => msg === 'the settings were read again and are in force');
  t.equal(await ask(), 200);
  t.equal(new Set(seen).size, 2, 'it has seen both');
});
