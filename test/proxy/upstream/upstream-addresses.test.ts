// Number 8: connections have an age and a number of requests, a name that moves is followed, all addresses of a name are used,
// and an API may ask for a client certificate. Requests and WebSocket tunnels go the same way.

import { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { agedMs } from '../../../src/proxy/upstream/upstream-connections.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { type ForwardingOptions, startForwarding } from '../../support/forwarding.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import { settingsWith } from '../../support/settings.ts';
import { type RawUpstream, type RawUpstreamOptions, startRawUpstream } from '../../support/raw-upstream.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const handshake =
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n';
const switching = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

const open = async (t: Test, options: RawUpstreamOptions = {}): Promise<RawUpstream> => {
  const upstream = await startRawUpstream({ answer: ok, ...options });
  t.teardown(() => upstream.close());
  return upstream;
};

const forward = async (t: Test, origin: string, options: ForwardingOptions = {}) => {
  const proxy = await startForwarding({ origin }, options);
  t.teardown(() => proxy.close());
  const ask = async (request = get) => (await exchangeRaw(proxy.port, request)).status;
  return { proxy, ask };
};

/** APIs at the same port of 127.0.0.1, 127.0.0.2, ...: what a name with several addresses leads to. */
const openSameports = async (t: Test, count: number): Promise<readonly RawUpstream[]> => {
  const first = await open(t);
  const others = Array.from({ length: count - 1 }, (_, at) =>
    open(t, { host: `127.0.0.${at + 2}`, port: first.port }),
  );
  return [first, ...(await Promise.all(others))];
};

const found = (...addresses: readonly string[]) => addresses.map((address) => ({ address }));

t.test('8: a connection ends with its number of requests', async (t) => {
  const upstream = await open(t);
  const { ask } = await forward(t, upstream.origin, { upstream: { requestsPerConnectionMax: 3 } });
  for (let count = 0; count < 9; count += 1) t.equal(await ask(), 200);
  t.equal(upstream.connections.length, 3);
});

t.test('8: a connection ends with its age, after its request', async (t) => {
  const upstream = await open(t);
  const { ask } = await forward(t, upstream.origin, {
    upstream: { connectionAgeMsMax: 100, keepAliveTimeoutMs: 60_000 },
  });
  const first = { closed: false };
  t.equal(await ask(), 200);
  void upstream.connections[0]?.closed.then(() => (first.closed = true));
  while (!first.closed) t.equal(await ask(), 200, 'no request fails for it');
  t.equal(await ask(), 200);
  t.ok(upstream.connections.length >= 2);
});

t.test('8: connections that are opened together do not all have the same age', async (t) => {
  const ages = Array.from({ length: 50 }, () => agedMs(1_000_000));
  t.ok(new Set(ages).size > 40);
  t.ok(
    ages.every((age) => age >= 800_000 && age <= 1_000_000),
    'up to a fifth less',
  );
  t.equal(agedMs(Infinity), Infinity);
});

t.test('8: keep-alive can be off: a connection for each request, which says so', async (t) => {
  const upstream = await open(t);
  const { ask } = await forward(t, upstream.origin, { upstream: { keepAlive: false } });
  for (const request of [get, post, get]) t.equal(await ask(request), 200);
  t.equal(upstream.connections.length, 3);
  for (const request of upstream.requests) t.same(request.all('connection'), ['close']);
});

t.test('8: all addresses get requests, in turns', async (t) => {
  const upstreams = await Promise.all([open(t), open(t), open(t)]);
  const addresses = upstreams.map(({ port }) => ({ host: '127.0.0.1', port }));
  const { ask } = await forward(t, 'http://api.internal', { upstream: { addresses } });
  for (let count = 0; count < 12; count += 1) t.equal(await ask(count % 2 === 0 ? get : post), 200);
  t.same(
    upstreams.map(({ requests }) => requests.length),
    [4, 4, 4],
  );
  t.same(
    upstreams.map(({ connections }) => connections.length),
    [1, 1, 1],
    'each on a connection that is kept',
  );
});

t.test('8: the least busy address gets the next request', async (t) => {
  const slow = await open(t, { serve: async (connection) => void (await connection.readHead()) });
  const quick = await open(t);
  const addresses = [slow, quick].map(({ port }) => ({ host: '127.0.0.1', port }));
  const { proxy, ask } = await forward(t, 'http://api.internal', { upstream: { addresses } });
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  // One of the two turns is the slow one's.
  while (slow.connections.length === 0) {
    client.send(get);
    await Promise.race([slow.accept(), client.readMessage()]);
  }
  const before = quick.requests.length;
  for (let count = 0; count < 5; count += 1) t.equal(await ask(), 200);
  t.equal(quick.requests.length, before + 5);
});

t.test('8: all addresses of a name are used, by requests and by tunnels', async (t) => {
  const upstreams = await openSameports(t, 2);
  const lookup = async () => found('127.0.0.1', '127.0.0.2');
  const { ask } = await forward(t, `http://api.internal:${upstreams[0]!.port}`, { lookup });
  for (let count = 0; count < 6; count += 1) t.equal(await ask(), 200);
  t.same(
    upstreams.map(({ requests }) => requests.length),
    [3, 3],
  );
  t.equal(upstreams[0]!.requests[0]!.header('host'), 'a', 'the Host is as it was');

  const one = await open(t, { answer: switching });
  const other = await open(t, { answer: switching, host: '127.0.0.2', port: one.port });
  const tunnels = await forward(t, `http://api.internal:${one.port}`, { lookup });
  for (let count = 0; count < 4; count += 1) {
    const client = await connectRaw(tunnels.proxy.port);
    t.teardown(() => client.socket.destroy());
    client.send(handshake);
    t.match((await client.readHead()).startLine, '101');
  }
  t.same([one.requests.length, other.requests.length], [2, 2]);
});

t.test('8: a family of addresses that is not served costs no request, as of localhost', async (t) => {
  const upstream = await open(t);
  const { proxy, ask } = await forward(t, `http://localhost:${upstream.port}`, {
    lookup: async () => found('::1', '127.0.0.1'),
    upstream: { health: { ...settingsWith().upstreams['default']!.health, pauseMs: 3_600_000 } },
  });
  for (let count = 0; count < 10; count += 1) t.equal(await ask(count % 2 === 0 ? get : post), 200);
  t.match(proxy.addresses.reading(), {
    addresses: [{ state: 'unreachable' }, { state: 'up' }],
    connectFailures: 3,
  });
});

t.test('8: requests and tunnels go to a unix socket', async (t) => {
  for (const [request, answer, status] of [
    [get, ok, 200],
    [handshake, switching, 101],
  ] as const) {
    const { origin, socketPath } = await open(t, { unix: true, answer });
    const proxy = await startForwarding({ origin, socketPath });
    t.teardown(() => proxy.close());
    const client = await connectRaw(proxy.port);
    t.teardown(() => client.socket.destroy());
    client.send(request);
    t.match((await client.readHead()).startLine, `HTTP/1.1 ${status}`);
    t.match(proxy.addresses.reading().addresses, [{ address: `unix:${socketPath}`, state: 'up', open: 1 }]);
  }
});

t.test('8: a name that moves is followed under steady traffic, and no request fails', async (t) => {
  const [before, after] = await openSameports(t, 2);
  let address = '127.0.0.1';
  const { ask } = await forward(t, `http://api.internal:${before!.port}`, {
    lookup: async () => found(address),
    upstream: { lookupIntervalMs: 20, keepAliveTimeoutMs: 60_000 },
  });
  t.equal(await ask(), 200);
  address = '127.0.0.2';
  while (after!.requests.length === 0) t.equal(await ask(), 200);
  await before!.connections[0]!.closed;
  const asked = before!.requests.length;
  for (let count = 0; count < 5; count += 1) t.equal(await ask(), 200);
  t.equal(before!.requests.length, asked, 'the old address gets no more');
});

t.test('8: a request that has a connection never waits for a look-up', async (t) => {
  const upstream = await open(t);
  const asked: string[] = [];
  const never = new Promise<never>(() => undefined);
  const { ask } = await forward(t, `http://api.internal:${upstream.port}`, {
    lookup: (name) => (asked.push(name) === 1 ? Promise.resolve(found('127.0.0.1')) : never),
    upstream: { lookupIntervalMs: 20, keepAliveTimeoutMs: 60_000 },
  });
  t.equal(await ask(), 200);
  while (asked.length < 2) t.equal(await ask(), 200);
  for (let count = 0; count < 5; count += 1) t.equal(await ask(), 200);
  t.equal(asked.length, 2, 'one look-up at a time');
  t.equal(upstream.connections.length, 1);
});

t.test(
  '8: where a look-up hangs, the addresses known are used, and one request waits for it at a time',
  async (t) => {
    const upstream = await open(t);
    const asked: string[] = [];
    const never = new Promise<never>(() => undefined);
    const { proxy, ask } = await forward(t, `http://api.internal:${upstream.port}`, {
      lookup: (name) => (asked.push(name) === 1 ? Promise.resolve(found('127.0.0.1')) : never),
      upstream: { lookupIntervalMs: 3_600_000, keepAlive: false, connectTimeoutMs: 100 },
    });
    t.equal(await ask(), 200);
    // As if it had not been used for hours.
    const later = performance.now() + 8_000_000;
    t.ok(proxy.addresses.book.refreshed(later));
    proxy.addresses.book.postpone(later);
    t.equal(proxy.addresses.book.refreshed(later), undefined);
    t.equal(await ask(), 200);
    t.equal(asked.length, 2);
  },
);

t.test('8: a name without addresses is a clear refusal: 502, and the log names it', async (t) => {
  const lookup = async (): Promise<never> => {
    throw new Error('getaddrinfo ENOTFOUND api.internal');
  };
  const { proxy, ask } = await forward(t, 'http://api.internal', { lookup });
  for (const request of [get, post, handshake]) {
    t.equal(await ask(request), 502);
    t.match(await proxy.nextEnd(), {
      failure: {
        reason: 'upstream_unreachable',
        cause: {
          message: 'the name api.internal of upstream api has no address: getaddrinfo ENOTFOUND api.internal',
        },
      },
    });
  }
  t.match(proxy.lines, [['the name of an upstream has no address', { upstream: 'api' }]]);
  t.equal(proxy.lines.length, 1, 'once');
  t.equal(proxy.addresses.health(), 'down');
});

t.test('8: a look-up that hangs is bounded by the time to connect: 504', async (t) => {
  const { ask, proxy } = await forward(t, 'http://api.internal', {
    lookup: () => new Promise<never>(() => undefined),
    upstream: { connectTimeoutMs: 200 },
  });
  t.equal(await ask(), 504);
  t.match(await proxy.nextEnd(), { failure: { cause: { message: /api was not resolved within 200 ms/ } } });
});

t.test('8: an API that asks for a client certificate gets it, from requests and tunnels', async (t) => {
  const { ca, localhost, client: clientCertificate } = makeCertificates();
  const tls = { ...localhost, ca, requestCert: true, rejectUnauthorized: true };
  const upstream = await open(t, { tls });
  const { ask } = await forward(t, upstream.origin, { upstream: { ca, clientCertificate } });
  t.equal(await ask(), 200);
  t.equal(await ask(post), 200);
  const sockets = await open(t, { tls, answer: switching });
  const tunnels = await forward(t, sockets.origin, { upstream: { ca, clientCertificate } });
  const client = await connectRaw(tunnels.proxy.port);
  t.teardown(() => client.socket.destroy());
  client.send(handshake);
  t.match((await client.readHead()).startLine, '101');

  const bare = await forward(t, upstream.origin, { upstream: { ca } });
  t.equal(await bare.ask(), 502, 'without one the API refuses');
  t.equal(upstream.requests.length, 2);
});

t.test('8: a TLS session is resumed, but never one of a server with a wrong name', async (t) => {
  const { ca, localhost, elsewhere } = makeCertificates();
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const isResumed: boolean[] = [];
    const good = await open(t, {
      tls: { ...localhost, maxVersion },
      serve: async (connection) => {
        isResumed.push(connection.socket instanceof TLSSocket && connection.socket.isSessionReused());
        await connection.readMessage();
        connection.send(ok);
      },
    });
    const { ask } = await forward(t, good.origin, { upstream: { ca, keepAlive: false } });
    for (let count = 0; count < 3; count += 1) t.equal(await ask(), 200);
    t.same(isResumed, [false, true, true], maxVersion);
    const bad = await open(t, { tls: { ...elsewhere, maxVersion } });
    const wrong = await forward(t, bad.origin, { upstream: { ca, keepAlive: false } });
    for (let count = 0; count < 3; count += 1) t.equal(await wrong.ask(), 502);
    t.equal(bad.requests.length, 0);
  }
});

t.test('8: an API at fixed addresses must have a certificate for the name in its URL', async (t) => {
  const { ca, localhost, elsewhere } = makeCertificates();
  const good = await open(t, { tls: localhost });
  const bad = await open(t, { tls: elsewhere });
  for (const [upstream, status] of [
    [good, 200],
    [bad, 502],
  ] as const) {
    const addresses = [{ host: '127.0.0.1', port: upstream.port }];
    const { ask } = await forward(t, 'https://localhost', { upstream: { ca, addresses } });
    t.equal(await ask(), status);
    t.equal(await ask(handshake), status);
  }
  t.equal(bad.requests.length, 0);
});
