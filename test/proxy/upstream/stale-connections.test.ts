// An API that closes its idle connections without a word: what callers notice of it. Requests that are safe to repeat never
// fail; the others fail only until the proxy has learned at which age this API closes.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type ForwardingOptions, openForwarding, startForwarding } from '../../support/forwarding.ts';
import { anIdentity } from '../../support/identity.ts';
import { root } from '../../support/process.ts';
import { exchangeRaw } from '../../support/raw-client.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx';

/** Answers the first request of a connection, and resets it at the second. */
const openForgetful = (t: Test, options: ForwardingOptions = {}) =>
  openForwarding(t, options, {
    serve: async (connection) => {
      await connection.readMessage();
      connection.send(ok);
      await connection.readHead();
      connection.reset();
    },
  });

const stayIdle = (idleMs: number) => new Promise((resolve) => setTimeout(resolve, idleMs));

t.test('a POST meets a closed connection once; then its age is known, and such are not used', async (t) => {
  const { proxy, upstream } = await openForgetful(t);
  const ask = async () => (await exchangeRaw(proxy.port, post)).status;
  t.equal(await ask(), 200);
  const idleSinceMs = performance.now();
  await stayIdle(20);
  t.equal(await ask(), 502, 'it may have been acted on: not repeated');
  // Not less than what the proxy has measured, however busy the machine is.
  const learnedMs = performance.now() - idleSinceMs;
  for (let count = 0; count < 3; count += 1) {
    t.equal(await ask(), 200, 'on a fresh connection');
    await stayIdle(learnedMs);
  }
  t.equal(upstream.connections.length, 4);
});

t.test('a close that arrives just before a POST is seen before anything is written', async (t) => {
  const { proxy, upstream } = await openForwarding(t, {}, { answer: ok });
  t.equal((await exchangeRaw(proxy.port, post)).status, 200);
  // Sent while the event loop hands out what it had polled before: only the next poll can tell of it.
  proxy.server.prependOnceListener('request', () => upstream.connections[0]!.end());
  t.equal((await exchangeRaw(proxy.port, post)).status, 200);
  t.equal(upstream.connections.length, 2);
});

t.test('a GET meets as many closed connections as it likes, and never fails', async (t) => {
  const { proxy } = await openForgetful(t);
  for (let count = 0; count < 20; count += 1)
    t.equal((await exchangeRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
});

t.test('a request that ends before it is written leaves the connection as good as before', async (t) => {
  const { proxy, upstream } = await openForgetful(t, { identity: anIdentity({}) });
  const ask = async () => (await exchangeRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).status;
  t.equal(await ask(), 200);
  // Its token is revoked while undici waits a turn before it uses the connection again.
  proxy.server.once('request', () => proxy.live.sweep(() => 'revoked', Date.now()));
  t.equal(await ask(), 401);
  t.equal(upstream.connections.length, 1, 'still open');
  t.equal(await ask(), 200, 'and repeated when it turns out to be stale');
  t.equal(upstream.connections.length, 2);
});

const startClosingApi = async (t: Test, ...args: readonly string[]): Promise<{ readonly origin: string }> => {
  const file = join(root, 'test/support/closing-api.ts');
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, file, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => void child.stdin.end());
  const [port] = await once(child.stdout, 'data');
  return { origin: `http://127.0.0.1:${Number(port)}` };
};

t.test('an API that closes idle connections at random: counts', async (t) => {
  const proxy = await startForwarding(await startClosingApi(t, 'random', '30'));
  t.teardown(() => proxy.close());
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const ask = (method: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = httpRequest({ port: proxy.port, method, agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      sent.on('error', reject).end(method === 'POST' ? 'x' : undefined);
    });
  const askMany = async (method: string, count: number): Promise<number> => {
    let failed = 0;
    for (let sent = 0; sent < count; sent += 1) {
      if ((await ask(method)) !== 200) failed += 1;
      await stayIdle((sent * 7) % 40);
    }
    return failed;
  };
  const askAtOnce = async (method: string): Promise<number> => {
    const counts = await Promise.all(Array.from({ length: 4 }, () => askMany(method, 60)));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const learning = await askAtOnce('POST');
  const [gets, posts] = await Promise.all([askAtOnce('GET'), askAtOnce('POST')]);
  t.comment(`of 240: ${learning} POSTs while learning, then ${posts} POSTs and ${gets} GETs failed`);
  t.equal(gets, 0);
  t.ok(posts <= 3, `${posts} of 240 POSTs failed`);
});
