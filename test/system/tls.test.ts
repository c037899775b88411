// Encrypted end to end, with a private CA: https in, https out, names and certificates verified, TLS 1.2 at least.

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { type GateProcess, startGate } from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';

t.setTimeout(180_000);

let certificates: Certificates;
let directory: string;
let api: EchoApi;
let elsewhere: EchoApi;
let gate: GateProcess;
let token = '';

t.before(async () => {
  directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  certificates = makeCertificates();
  const pem = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  api = await startEchoApi(t, certificates.localhost);
  elsewhere = await startEchoApi(t, certificates.elsewhere);
  const ca = pem('ca.pem', certificates.ca);
  gate = await startGate(t, {
    directory,
    settings: {
      tls: {
        cert: pem('tls.crt', certificates.localhost.cert),
        key: pem('tls.key', certificates.localhost.key),
      },
      upstream: { url: api.url, ca },
      upstreams: {
        unverified: { url: api.url },
        misnamed: { url: elsewhere.url, ca },
      },
      routes: [
        {
          name: 'unverified',
          path: '/unverified',
          scopes: ['things:read'],
          upstream: 'unverified',
          upgrade: true,
        },
        { name: 'misnamed', path: '/misnamed', scopes: ['things:read'], upstream: 'misnamed', upgrade: true },
        { name: 'all', path: '/*', scopes: ['things:read'], upgrade: true },
      ],
      log: { access: 'all' },
    },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  token = (await operator.token()).secret;
  await gate.whenReady();
});

interface Answered {
  readonly status: number;
  readonly text: string;
}

const call = async (path: string, method = 'GET', body?: string): Promise<Answered> => {
  const sent = httpsRequest({
    host: 'localhost',
    port: gate.port,
    path,
    method,
    ca: certificates.ca,
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response) text += String(piece);
  return { status: response.statusCode ?? 0, text };
};

t.test('when the certificate expires is in the metrics', async (t) => {
  const expiry = await gate.metric('tollgate_tls_certificate_expiry_timestamp_seconds');
  t.equal(expiry, new X509Certificate(certificates.localhost.cert).validToDate.getTime() / 1000);
});

t.test('a request goes in by https and out by https', async (t) => {
  const { status, text } = await call('/things');
  t.equal(status, 200, text);
  t.match(JSON.parse(text), {
    headers: { 'x-identity-user': 'ada', 'x-forwarded-proto': 'https', authorization: undefined },
  });
});

t.test('the token endpoints are on the same listener', async (t) => {
  const { status, text } = await call(
    '/oauth2/token',
    'POST',
    new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }).toString(),
  );
  t.equal(status, 200, text);
});

t.test('an API whose certificate nobody vouches for, or that is somebody else, is 502', async (t) => {
  const before = [api.received.length, elsewhere.received.length];
  for (const path of ['/unverified', '/misnamed']) {
    const { status, text } = await call(path);
    t.equal(status, 502, path);
    t.notMatch(text, /certificate|altname/i, 'the caller learns nothing of it');
    const line = await gate.logged((each) => each.msg === 'request' && each['path'] === path);
    t.match(line, { result: 'outage', reason: 'upstream_unreachable', cause: /certificate|altnames/i });
  }
  t.strictSame([api.received.length, elsewhere.received.length], before, 'and the API got no request');
});

const openSocket = async (t: Test, path: string): Promise<string> => {
  const socket = new WebSocket(`wss://localhost:${gate.port}${path}`, {
    ca: certificates.ca,
    headers: { authorization: `Bearer ${token}` },
  });
  t.teardown(() => socket.terminate());
  return new Promise((resolve, reject) => {
    socket.once('message', (data) => resolve((data as Buffer).toString()));
    socket.once('error', reject);
  });
};

t.test('a WebSocket is encrypted on both sides, and verified as well', async (t) => {
  t.match(JSON.parse(await openSocket(t, '/ws')), { 'x-identity-user': 'ada', 'x-forwarded-proto': 'https' });
  for (const path of ['/unverified', '/misnamed'])
    await t.rejects(openSocket(t, path), { message: 'Unexpected server response: 502' }, path);
});

const handshake = async (options: ConnectionOptions): Promise<string> => {
  const socket = connectTls({ port: gate.port, host: '127.0.0.1', ca: certificates.ca, ...options });
  try {
    await once(socket, 'secureConnect');
    return socket.getProtocol() ?? 'none';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'error';
  } finally {
    socket.destroy();
  }
};

t.test('TLS 1.3 and 1.2 are spoken, nothing older; plain HTTP on the port is cut off', async (t) => {
  t.equal(await handshake({ servername: 'localhost' }), 'TLSv1.3');
  t.equal(await handshake({ servername: 'localhost', maxVersion: 'TLSv1.2' }), 'TLSv1.2');
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  t.match(await handshake({ servername: 'localhost', ...old }), /^(?:ERR_|ECONNRESET)/);
  const response = await fetch(`http://127.0.0.1:${gate.port}/things`).then(
    ({ status }) => status,
    () => 'cut off',
  );
  t.match(String(response), /^(?:cut off|400)$/);
  t.equal((await call('/things')).status, 200, 'and the others are served on');
});

t.test('a thousand broken handshakes leave nothing open', async (t) => {
  const { connect } = await import('node:net');
  const attempt = async (): Promise<void> => {
    const socket = connect(gate.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write('not TLS at all');
    await new Promise((resolve) => {
      socket.once('close', resolve);
      socket.resume();
    });
  };
  for (let round = 0; round < 20; round += 1) await Promise.all(Array.from({ length: 50 }, attempt));
  t.equal((await call('/things')).status, 200);
  t.ok((await gate.metric('tollgate_client_connections')) < 10);
  t.equal(await gate.metric('tollgate_process_faults_total'), 0);
});
