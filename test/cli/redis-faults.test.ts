// Each thing that can be wrong between the command line and Redis is told apart, with what to do about it, and without
// the password. Real servers on loopback: one with a password, one with TLS, one of a Cluster, and some that are no Redis.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { t } from 'tap';
import { RedisFault } from '../../src/store/redis/fault.ts';
import { makeCertificates } from '../support/certificates.ts';
import { freePort } from '../support/process.ts';
import { startTcpRedis } from '../support/redis-tcp.ts';
import { run } from './run.ts';

const password = 'the-password-itself';

t.test(
  'a key on another member of the Cluster, or keys on several, mean that the address is of a Cluster',
  async (t) => {
    for (const code of ['MOVED', 'CROSSSLOT'])
      t.match(new RedisFault(code, `${code} ...`).advice, /write store: redis-cluster:/);
    t.equal(
      new RedisFault('LOADING', 'LOADING ...').advice,
      undefined,
      'what passes by itself has no advice',
    );
  },
);

t.test('what is wrong with the connection to Redis is said, with what to do', async (t) => {
  const plain = await startTcpRedis();
  t.teardown(() => plain.close());
  const guarded = await startTcpRedis();
  t.teardown(() => guarded.close());
  execFileSync('redis-cli', ['-s', guarded.socketPath, 'config', 'set', 'requirepass', 'another']);
  const member = await startTcpRedis(['--cluster-enabled', 'yes']);
  t.teardown(() => member.close());
  const files = t.testdir({});
  const { ca, address } = makeCertificates();
  const paths = { ca: join(files, 'ca.pem'), cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };
  for (const [path, text] of [
    [paths.ca, ca],
    [paths.cert, address.cert],
    [paths.key, address.key],
  ] as const)
    writeFileSync(path, text);
  const secure = await startTcpRedis((port) =>
    Promise.resolve(
      `--port 0 --tls-port ${port} --tls-auth-clients no --tls-cert-file ${paths.cert} --tls-key-file ${paths.key} --tls-ca-cert-file ${paths.ca}`.split(
        ' ',
      ),
    ),
  );
  t.teardown(() => secure.close());
  const listen = async (serve: (socket: Socket) => void): Promise<number> => {
    const server = createServer((socket) => serve(socket.on('error', () => undefined))).listen(
      0,
      '127.0.0.1',
    );
    t.teardown(() => server.close());
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const web = await listen((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  const mute = await listen((socket) => socket.resume());

  const cases: Readonly<Record<string, readonly [store: string, told: RegExp, env?: NodeJS.ProcessEnv]>> = {
    'a wrong password': [`redis://:${password}@127.0.0.1:${guarded.port}`, /WRONGPASS.*store\.password/],
    'no password where one is asked for': [
      `redis://127.0.0.1:${guarded.port}`,
      /NOAUTH.*none is set: set store\.password/,
    ],
    'a host nobody knows': ['redis://no-such-host.invalid:6379', /(ENOTFOUND|EAI_AGAIN).*host name/],
    'a port nobody listens on': [
      `redis://:${password}@127.0.0.1:${await freePort()}`,
      /ECONNREFUSED 127\.0\.0\.1:.*Nothing listens there/,
    ],
    'a socket that is not there': ['redis+unix:/nowhere/redis.sock', /ENOENT.*no such socket/],
    'a certificate of an unknown CA': [`rediss://127.0.0.1:${secure.port}`, /certificate.*store\.ca/],
    'a certificate for another name': [
      `rediss://localhost:${secure.port}`,
      /certificate is for another name/,
      { TOLLGATE_STORE_CA_FILE: paths.ca },
    ],
    'a server that speaks TLS, spoken to without': [
      `redis://127.0.0.1:${secure.port}`,
      /speaks TLS, write rediss:/,
    ],
    'a server without TLS, spoken to with it': [
      `rediss://127.0.0.1:${plain.port}`,
      /store\.connectTimeout.*\(redis:\/\/\)/,
    ],
    'a web server': [`redis://127.0.0.1:${web}`, /What listens there is no Redis/],
    'a server that says nothing': [
      `redis://127.0.0.1:${mute}`,
      /did not answer in time/,
      { TOLLGATE_STORE_READ_TIMEOUT: '50ms' },
    ],
    'one member of a Cluster': [`redis://127.0.0.1:${member.port}`, /Cluster.*redis-cluster:\/\//],
    'a single server taken for a Cluster': [
      `redis-cluster://127.0.0.1:${plain.port}`,
      /is no Redis Cluster: write store: redis:/,
    ],
    'a database that is not there': [`redis://127.0.0.1:${plain.port}/99`, /no such database/],
    'a server taken for a sentinel': [
      `redis-sentinel://127.0.0.1:${plain.port}/main`,
      /No sentinel names a master/,
    ],
  };
  const encryption = { TOLLGATE_KEYS_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64') };
  for (const [name, [store, told, env]] of Object.entries(cases)) {
    const ran = await run(['org', 'list'], { env: { ...encryption, TOLLGATE_STORE: store, ...env } });
    t.equal(ran.code, 69, name);
    t.match(ran.stderr, /^tollgate: The store does not answer: .*Then repeat the command/, name);
    t.match(ran.stderr, told, name);
    t.notMatch(ran.stderr, password, `${name}: no password`);
  }
});
