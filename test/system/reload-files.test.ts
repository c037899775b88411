// Files that change while a gate runs: mounted ConfigMaps and Secrets, certificates, keys, issuers.

import { randomUUID, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { makeCertificates } from '../support/certificates.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { asGate, call, encryptionKey, type GateProcess, startGate, until } from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { cleanEnvironment, root, startProcess } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { reload, reloads } from '../support/reload.ts';
import { makeDirectory } from '../support/temporary-directory.ts';
import { startJwksServer } from '../tokens/jwks-server.ts';

t.setTimeout(180_000);

const things = { name: 'things', path: '/things/*', scopes: ['things:read'] };
const inForce = 'the settings were read again and are in force';

/** A folder as the kubelet mounts it: names are symlinks into `..data`, itself a symlink that is swapped as a whole. */
const mountVolume = (folder: string, files: Readonly<Record<string, string>>): void => {
  const version = `..${randomUUID()}`;
  mkdirSync(join(folder, version), { recursive: true });
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, version, name), text, { mode: 0o600 });
  const isFirst = !existsSync(join(folder, '..data'));
  symlinkSync(version, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  if (isFirst) for (const name of Object.keys(files)) symlinkSync(join('..data', name), join(folder, name));
};

t.test('a mounted ConfigMap and Secret are taken over when they change, without a signal', async (t) => {
  const directory = makeDirectory(t);
  const api = await startEchoApi(t);
  const volume = join(directory, 'config');
  const secrets = join(directory, 'secrets');
  const settings = (routes: object[]) => ({
    'tollgate.yaml': JSON.stringify({
      listen: '127.0.0.1:0',
      ops: '127.0.0.1:0',
      issuer: 'http://127.0.0.1:8080',
      upstream: api.url,
      store: `sqlite:${join(directory, 'tollgate.db')}`,
      oauth: { clients: [{ id: 'reports', secretFile: join(secrets, 'client') }] },
      routes,
      shutdown: { drainDelay: '0s', deadline: '1s' },
    }),
  });
  mountVolume(secrets, { client: 'a-client-secret-of-some-length' });
  mountVolume(volume, settings([things]));
  const settingsFile = join(volume, 'tollgate.yaml');
  const args = [join(root, 'src/main.ts'), 'serve', '--config', settingsFile];
  const running = await startProcess(process.execPath, args, { cwd: directory, env: cleanEnvironment() });
  t.teardown(() => running.stop(3_000));
  const gate = await asGate(running, settingsFile);
  const operator = await openOperator(t, settingsFile);
  await operator.furnish();
  const { secret: token } = await operator.token();
  await gate.whenReady();
  const introspect = async (secret: string): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`reports:${secret}`).toString('base64')}`;
    const init = { method: 'POST', headers: { authorization }, body: new URLSearchParams({ token }) };
    return (await call(gate, '/oauth2/introspect', undefined, init)).status;
  };
  t.equal((await call(gate, '/more/1', token)).status, 403);
  t.equal(await introspect('a-client-secret-of-some-length'), 200);

  mountVolume(volume, settings([things, { name: 'more', path: '/more/*', scopes: [] }]));
  await until(() => reloads(gate).length === 1);
  t.match(reloads(gate)[0], { msg: inForce, changed: ['routes'] });
  t.equal((await call(gate, '/more/1', token)).status, 200);

  mountVolume(secrets, { client: 'another-secret-of-some-length' });
  await until(() => reloads(gate).length === 2);
  t.match(reloads(gate)[1], { msg: inForce, changed: ['oauth'] });
  t.notMatch(gate.output(), /secret-of-some-length/);
  t.same(
    [await introspect('a-client-secret-of-some-length'), await introspect('another-secret-of-some-length')],
    [401, 200],
  );

  mountVolume(volume, { 'tollgate.yaml': '{ routes: [' });
  await until(() => reloads(gate).length === 3);
  t.match(reloads(gate)[2], { level: 'error' });
  t.equal((await call(gate, '/more/1', token)).status, 200, 'the old ones stay');
});

t.test('a certificate and its key are replaced for new connections; open ones go on', async (t) => {
  const directory = makeDirectory(t);
  const { ca, localhost, elsewhere } = makeCertificates();
  const api = await startEchoApi(t);
  mountVolume(join(directory, 'tls'), { 'tls.crt': localhost.cert, 'tls.key': localhost.key });
  const gate = await startGate(t, {
    directory,
    settings: {
      tls: { cert: join(directory, 'tls/tls.crt'), keyFile: join(directory, 'tls/tls.key') },
      upstream: api.url,
      routes: [{ name: 'open', path: '/open', public: true }],
    },
  });
  await gate.whenReady();
  const names = async (): Promise<string | undefined> => {
    const socket = connectTls({
      port: gate.port,
      host: '127.0.0.1',
      ca,
      checkServerIdentity: () => undefined,
    });
    await once(socket, 'secureConnect');
    const { raw } = socket.getPeerCertificate();
    socket.destroy();
    return new X509Certificate(raw).subjectAltName;
  };
  t.equal(await names(), 'DNS:localhost');
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, servername: 'localhost' });
  t.teardown(() => agent.destroy());
  const ask = async () => {
    const request = httpsRequest({ port: gate.port, path: '/open', agent }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await response.resume().toArray();
    return { status: response.statusCode, isReused: request.reusedSocket };
  };
  t.match(await ask(), { status: 200 });

  // The key of another certificate: refused, as between two steps of a replacement.
  mountVolume(join(directory, 'tls'), { 'tls.crt': localhost.cert, 'tls.key': elsewhere.key });
  await until(() => reloads(gate).length === 1);
  t.match(reloads(gate)[0], { level: 'error', problems: [/tls\.key: does not belong to the certificate/] });
  t.equal(await names(), 'DNS:localhost');

  mountVolume(join(directory, 'tls'), { 'tls.crt': elsewhere.cert, 'tls.key': elsewhere.key });
  await until(() => reloads(gate).length === 2);
  t.match(reloads(gate)[1], { msg: inForce, changed: ['tls'] });
  t.equal(await names(), 'DNS:elsewhere.test');
  t.same(await ask(), { status: 200, isReused: true }, 'the connection that was open goes on');
  const line = await reload(gate, { tls: undefined });
  t.match(line, { level: 'error', problems: [/only a restart changes tls/] });
});

const issuer = 'https://login.example.com';

const startWithIssuer = async (t: Test, store: object) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwks = await startJwksServer(t, [
    { ...(await exportJWK(publicKey)), kid: 'first', alg: 'ES256', use: 'sig' },
  ]);
  const api = await startEchoApi(t);
  const of = (more: object) => ({ issuer, jwks: jwks.url, audience: 'api', orgs: ['acme'], ...more });
  const gate: GateProcess = await startGate(t, {
    directory: makeDirectory(t),
    settings: { upstream: api.url, routes: [things], reload: { watch: false }, ...store },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  await gate.whenReady();
  const token = await new SignJWT({ org: 'acme', scope: 'things:read', name: 'Eve', nickname: 'evie' })
    .setProtectedHeader({ alg: 'ES256', kid: 'first', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setSubject('eve')
    .setAudience('api')
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(privateKey);
  const userOf = async (): Promise<unknown> => {
    const answer = await call(gate, '/things/1', token);
    if (answer.status !== 200) return answer.status;
    return (answer.json() as { headers: Record<string, string> }).headers['x-identity-user'];
  };
  return { gate, of, userOf };
};

const addAndRemoveIssuer = async (t: Test, store: object): Promise<void> => {
  const { gate, of, userOf } = await startWithIssuer(t, store);
  t.equal(await userOf(), 401, 'nobody knows it');
  // Its tokens may be a day old: the change feed is read from further back first.
  t.match(await reload(gate, { issuers: [of({})] }), { msg: inForce, changed: ['issuers'] });
  t.equal(await userOf(), 'eve');
  t.match(await reload(gate, { issuers: [of({ claims: { user: 'nickname' } })] }), { msg: inForce });
  t.equal(await userOf(), 'evie', 'though its identity was cached');
  t.match(await reload(gate, { issuers: [] }), { msg: inForce });
  t.equal(await userOf(), 401, 'though its identity was cached');
  t.equal((await gate.readiness()).ready, true);
};

t.test('an issuer is added, mapped anew and removed; what was cached of it goes with it', (t) =>
  addAndRemoveIssuer(t, {}),
);

t.test('and on Redis, whose change feed is read again from further back', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  await addAndRemoveIssuer(t, { store: `redis+unix:${redis.socketPath}`, keys: { encryptionKey } });
});
