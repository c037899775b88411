// How a gate's process begins and ends: real processes, real signals.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import {
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  startGate,
  until,
} from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { cleanEnvironment, root, type RunningProcess, startProcess } from '../support/process.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

const routes = [
  { name: 'slow', path: '/slow', scopes: ['things:read'] },
  { name: 'socket', path: '/ws', scopes: ['things:read'], upgrade: true },
  { name: 'things', path: '/things/*', scopes: ['things:read'] },
];

interface Scene {
  readonly api: EchoApi;
  readonly gate: GateProcess;
  readonly token: string;
}

const makeDirectory = (t: Test): string => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const startScene = async (t: Test, settings: object): Promise<Scene> => {
  const api = await startEchoApi(t);
  const gate = await startGate(t, {
    directory: makeDirectory(t),
    settings: { upstream: api.url, routes, log: { access: 'all' }, ...settings },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  const { secret } = await operator.token();
  await gate.whenReady();
  return { api, gate, token: secret };
};

t.test(
  'SIGTERM: not ready at once, serves on through the drain delay, finishes what is under way, exits with 0',
  async (t) => {
    const { api, gate, token } = await startScene(t, { shutdown: { drainDelay: '1s', deadline: '10s' } });
    const underWay = call(gate, '/slow', token);
    await until(() => api.open === 1);

    gate.child.kill('SIGTERM');
    t.match(await gate.logged(({ msg }) => msg === 'shutting down'), { signal: 'SIGTERM' });
    const readiness = await gate.readiness();
    t.match(readiness, { status: 503, ready: false });
    t.match(readiness.reasons, ['shutting down']);
    const during = await call(gate, '/things/1', token);
    t.equal(during.status, 200, 'it still serves: load balancers have not noticed yet');
    t.equal(during.headers.get('connection'), 'close', 'and tells callers to go elsewhere next time');
    t.equal((await fetch(`${gate.opsUrl}/livez`)).status, 200);

    await until(() => refusesConnections(gate.port));
    t.equal(api.open, 1, 'the slow request is still under way');
    t.equal((await fetch(`${gate.opsUrl}/livez`)).status, 200, 'alive to the last');
    api.release();
    t.equal((await underWay).status, 200, 'and is answered whole');
    t.strictSame(await gate.ended, { code: 0, signal: null });
    t.match(gate.lines().at(-1), { msg: 'ended' });
    t.match(
      gate.lines().filter(({ msg }) => msg === 'request'),
      [{ status: 200 }, { status: 200 }],
      'every request is in the log',
    );
  },
);

t.test('the deadline ends what does not finish: visibly broken, and still with 0', async (t) => {
  const { api, gate, token } = await startScene(t, { shutdown: { drainDelay: '0s', deadline: '200ms' } });
  const broken = call(gate, '/slow', token).then(
    ({ status }) => status,
    () => 'broken',
  );
  const idle = await connectRaw(gate.port);
  t.teardown(() => idle.socket.destroy());
  await until(() => api.open === 1);
  gate.child.kill('SIGTERM');
  t.strictSame(await gate.ended, { code: 0, signal: null });
  t.match(String(await broken), /^(?:broken|503)$/, 'no half answer passes for a whole one');
  await idle.closed;
  await until(() => api.open === 0);
});

t.test('an open WebSocket does not hold up the end', async (t) => {
  const { gate, token } = await startScene(t, { shutdown: { drainDelay: '0s', deadline: '500ms' } });
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(`${gate.url.replace('http', 'ws')}/ws`, {
    headers: { authorization: `Bearer ${token}` },
  });
  socket.on('error', () => undefined);
  await once(socket, 'message');
  const closed = once(socket, 'close');
  gate.child.kill('SIGINT');
  t.strictSame(await gate.ended, { code: 0, signal: null });
  await closed;
});

t.test('no other signal ends it, nor opens a debugger', async (t) => {
  const { gate, token } = await startScene(t, {});
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    gate.child.kill(signal);
    t.match(await gate.logged(({ msg }) => msg.startsWith(signal)), {
      level: 'warn',
      msg: /does nothing here; SIGHUP reads settings/,
    });
  }
  for (const signal of ['SIGPIPE', 'SIGHUP'] as const) gate.child.kill(signal);
  t.equal((await call(gate, '/things/1', token)).status, 200);
  t.notMatch(gate.output(), /debugger/i);
  t.equal(gate.child.exitCode ?? gate.child.signalCode, null);
});

t.test('a SIGHUP while it shuts down cuts nothing short', async (t) => {
  const { api, gate, token } = await startScene(t, { shutdown: { drainDelay: '0s', deadline: '10s' } });
  const underWay = call(gate, '/slow', token);
  await until(() => api.open === 1);
  gate.child.kill('SIGTERM');
  await gate.logged(({ msg }) => msg === 'shutting down');
  gate.child.kill('SIGHUP');
  await gate.logged(({ msg }) => msg.startsWith('the settings are not read again'));
  api.release();
  t.equal((await underWay).status, 200, 'what was under way is answered whole');
  t.strictSame(await gate.ended, { code: 0, signal: null });
});

t.test('a second signal ends it at once', async (t) => {
  const { gate } = await startScene(t, { shutdown: { drainDelay: '5m', deadline: '10m' } });
  gate.child.kill('SIGTERM');
  await gate.logged(({ msg }) => msg === 'shutting down');
  gate.child.kill('SIGTERM');
  t.strictSame(await gate.ended, { code: null, signal: 'SIGTERM' });
});

t.test('a signal that comes while it starts is obeyed as well', async (t) => {
  const directory = makeDirectory(t);
  const gate = await startGate(t, {
    directory,
    settings: {
      upstream: 'http://127.0.0.1:9',
      store: 'redis+unix:/tmp/tg-nobody-is-there.sock',
      keys: { encryptionKey },
    },
  });
  gate.child.kill('SIGTERM');
  t.strictSame(await gate.ended, { code: 0, signal: null }, 'never ready, and yet it ends as asked');
});

/** Runs `tollgate serve` with a settings file to its end. */
const serveToEnd = async (t: Test, settings: object): Promise<RunningProcess> => {
  const directory = makeDirectory(t);
  const file = join(directory, 'tollgate.yaml');
  writeFileSync(file, JSON.stringify(settings, undefined, 2));
  const running = await startProcess(
    process.execPath,
    [join(root, 'src/main.ts'), 'serve', '--config', file],
    { cwd: directory, env: cleanEnvironment() },
  );
  t.teardown(() => running.stop(0));
  await running.ended;
  return running;
};

t.test('an address that is taken is one clear line, and exit code 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const address = other.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  for (const [taken, free] of [
    ['listen', 'ops'],
    ['ops', 'listen'],
  ] as const) {
    const running = await serveToEnd(t, {
      upstream: 'http://127.0.0.1:9',
      [taken]: `127.0.0.1:${port}`,
      [free]: '127.0.0.1:0',
      issuer: 'http://127.0.0.1:8080',
    });
    t.match(await running.ended, { code: 1, signal: null });
    t.match(running.output(), `cannot listen on 127.0.0.1:${port}: another process listens there`);
    t.notMatch(running.output(), /\n\s+at /, 'no stack trace: nothing is wrong with the code');
    t.equal(running.output().trim().split('\n').filter(isNotJson).length, 1, running.output());
  }
});

t.test('a store file that cannot be used is one clear line, and exit code 69', async (t) => {
  const running = await serveToEnd(t, {
    upstream: 'http://127.0.0.1:9',
    store: 'sqlite:/proc/nowhere/tollgate.db',
    listen: '127.0.0.1:0',
    ops: '127.0.0.1:0',
  });
  t.match(await running.ended, { code: 69, signal: null });
  t.match(running.output(), '/proc/nowhere');
  t.notMatch(running.output(), /\n\s+at /);
});

t.test('bad settings: every problem at once, nothing started, exit code 2', async (t) => {
  const running = await serveToEnd(t, {
    listen: 'nowhere',
    upstraem: 'http://127.0.0.1:9',
    store: 'mysql://127.0.0.1',
    routes: [{ name: 'things', path: 'things', scopes: ['things:read'] }, { path: '/all/*' }],
    cache: { identityTtl: 'soon' },
  });
  t.match(await running.ended, { code: 2, signal: null });
  const output = running.output();
  for (const part of ['listen', 'upstraem', 'store', 'routes[0].path', 'routes[1]', 'cache.identityTtl'])
    t.match(output, part, `${part} is told`);
  t.match(output, 'nothing was started');
  t.notMatch(output, /\n\s+at /);
});

t.test('a wrong sealing key: alive, not ready, and the reason says what to do', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const directory = makeDirectory(t);
  const settings = { upstream: 'http://127.0.0.1:9', store: `redis+unix:${redis.socketPath}`, routes };
  const right = await startGate(t, {
    directory,
    name: 'right',
    settings: { ...settings, keys: { encryptionKey } },
  });
  const operator = await openOperator(t, right.settingsFile);
  await operator.furnish();
  const { secret } = await operator.token();
  await right.whenReady();
  const accessToken = await exchange(right, secret);

  const wrongKey = Buffer.alloc(32, 9).toString('base64');
  const wrong = await startGate(t, {
    directory,
    name: 'wrong',
    settings: { ...settings, keys: { encryptionKey: wrongKey } },
  });
  await wrong.logged(({ msg }) => msg.startsWith('signing keys: '));
  await until(async () => (await wrong.metric('tollgate_feed_connected')) === 1);
  t.equal((await fetch(`${wrong.opsUrl}/livez`)).status, 200);
  const readiness = await wrong.readiness();
  t.match(readiness, { status: 503, ready: false });
  t.match(readiness.reasons.join('\n'), /signing keys: .*(?:sealed|encryptionKey)/);
  t.notMatch(JSON.stringify(readiness) + wrong.output(), wrongKey, 'and shows no key');
  const refused = await call(wrong, '/things/1', secret);
  t.equal(refused.status, 503, 'an identity it cannot sign is an outage, never a 401');
  t.ok(refused.headers.get('retry-after'));
  t.equal(await call(wrong, '/things/1', accessToken).then(({ status }) => status), 503);
});

t.test('a socket file left by a killed process is taken over; one in use is not', async (t) => {
  const directory = makeDirectory(t);
  const listen = `unix:${join(directory, 'g.sock')}`;
  const settings = { upstream: 'http://127.0.0.1:9', listen };
  const first = await startGate(t, { directory, name: 'first', settings });
  const second = await startProcess(
    process.execPath,
    [join(root, 'src/main.ts'), 'serve', '--config', first.settingsFile],
    { cwd: directory, env: cleanEnvironment() },
  );
  t.teardown(() => second.stop(0));
  t.match(await second.ended, { code: 1 });
  t.match(second.output(), `cannot listen on ${listen}: another process listens there`);
  first.child.kill('SIGKILL');
  await first.ended;
  const third = await startGate(t, { directory, name: 'third', settings });
  t.match(await third.logged(({ msg }) => msg === 'listening'), { address: listen });
});

const refusesConnections = async (port: number): Promise<boolean> => {
  const { connect } = await import('node:net');
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
};

const isNotJson = (line: string): boolean => !line.startsWith('{');
