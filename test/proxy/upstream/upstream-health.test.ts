// Number 9: an address that refuses is known before a caller waits, for requests and tunnels alike; a request goes to another one;
// a circuit opens per address, never because of one route, and never wholly.
//
// With one address nginx ignores max_fails and tries it for every request, HAProxy answers 503 while its check fails, and Envoy
// (panic mode) sends to all hosts when too many are down. Here one request at a time tries it, and the others are 502 at once.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { makeCertificates } from '../../support/certificates.ts';
import { type Forwarding, type ForwardingOptions, startForwarding } from '../../support/forwarding.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import { type RawUpstream, type RawUpstreamOptions, startRawUpstream } from '../../support/raw-upstream.ts';
import { settingsWith } from '../../support/settings.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const broken = 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n';
const switching = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
const handshake =
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n';

/** With a pause that no test outlasts, however slow the machine is. */
const health = { ...settingsWith().upstreams['default']!.health, pauseMs: 3_600_000 };

const open = async (t: Test, options: RawUpstreamOptions = {}): Promise<RawUpstream> => {
  const upstream = await startRawUpstream({ answer: ok, ...options });
  t.teardown(() => upstream.close());
  return upstream;
};

/** A port at which nobody listens. */
const freePort = async (): Promise<number> => {
  const upstream = await startRawUpstream();
  await upstream.close();
  return upstream.port;
};

/** Takes connections, and never says a word: a TLS handshake with it hangs. */
const openSilent = async (t: Test, port = 0) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { server, sockets, port: typeof address === 'object' && address !== null ? address.port : 0 };
};

const forward = async (
  t: Test,
  ports: readonly number[],
  options: ForwardingOptions = {},
  scheme = 'http',
) => {
  const addresses = ports.map((port) => ({ host: '127.0.0.1', port }));
  const proxy = await startForwarding(
    { origin: `${scheme}://api.internal` },
    { ...options, upstream: { addresses, health, ...options.upstream } },
  );
  t.teardown(() => proxy.close());
  const ask = async (request = get) => (await exchangeRaw(proxy.port, request)).status;
  return { proxy, ask };
};

const statesOf = ({ addresses }: Forwarding) => addresses.reading().addresses.map(({ state }) => state);

/** Asks until it is so; the tests fail by their time-out where it never is. */
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
};

t.test('9: an address that refuses costs no request; after three connects it is left alone', async (t) => {
  const upstream = await open(t);
  const { proxy, ask } = await forward(t, [await freePort(), upstream.port]);
  // Nothing has been sent when a connection cannot be opened: a POST may be sent elsewhere as well.
  for (let count = 0; count < 10; count += 1) t.equal(await ask(count % 2 === 0 ? get : post), 200);
  t.same(statesOf(proxy), ['unreachable', 'up']);
  t.equal(proxy.addresses.reading().connectFailures, 3);
  t.match(proxy.lines, [['an address of an upstream is down', { upstream: 'api', cause: /ECONNREFUSED/ }]]);
  t.equal(proxy.lines.length, 1);
  t.equal(upstream.requests.length, 10);
});

t.test('9: those that are up share the requests of one that is down evenly', async (t) => {
  const [one, other] = [await open(t), await open(t)];
  const { ask } = await forward(t, [one.port, await freePort(), other.port]);
  // The first ones find it out.
  for (let count = 0; count < 9; count += 1) t.equal(await ask(), 200);
  const before = [one.requests.length, other.requests.length];
  for (let count = 0; count < 10; count += 1) t.equal(await ask(), 200);
  t.same([one.requests.length - before[0]!, other.requests.length - before[1]!], [5, 5]);
});

t.test('9: tunnels have the same circuit: what one finds out, requests know', async (t) => {
  const upstream = await open(t, { answer: switching });
  const { proxy } = await forward(t, [await freePort(), upstream.port]);
  for (let count = 0; count < 8; count += 1) {
    const client = await connectRaw(proxy.port);
    t.teardown(() => client.socket.destroy());
    client.send(handshake);
    t.match((await client.readHead()).startLine, '101');
  }
  t.equal(proxy.addresses.reading().connectFailures, 3);
  t.same(statesOf(proxy), ['unreachable', 'up']);
});

t.test('9: an address that is up again is found without a request of a caller', async (t) => {
  const upstream = await open(t);
  const port = await freePort();
  const { proxy, ask } = await forward(t, [port, upstream.port], {
    upstream: { health: { ...health, failuresMax: 1, pauseMs: 10 } },
  });
  for (let count = 0; count < 4; count += 1) t.equal(await ask(), 200);
  t.same(statesOf(proxy), ['unreachable', 'up']);
  const again = await open(t, { port });
  while (again.requests.length === 0) t.equal(await ask(), 200, 'and none fails');
  t.same(statesOf(proxy), ['up', 'up']);
  t.match(proxy.lines.at(-1), ['an address of an upstream is up again', { address: `127.0.0.1:${port}` }]);
});

t.test('9: an address that nobody asks any more is found up again, too', async (t) => {
  const port = await freePort();
  const { proxy, ask } = await forward(t, [port], {
    upstream: { health: { ...health, failuresMax: 1, pauseMs: 10 } },
  });
  t.equal(await ask(), 502);
  t.same(statesOf(proxy), ['unreachable']);
  const again = await open(t, { port });
  proxy.addresses.start();
  t.teardown(() => proxy.addresses.close());
  await until(() => statesOf(proxy)[0] === 'up');
  t.equal(again.requests.length, 0);
});

t.test('9: one address, and it is gone: one request tries it, the others are 502 at once', async (t) => {
  const port = await freePort();
  const { proxy, ask } = await forward(
    t,
    [port],
    { upstream: { connectTimeoutMs: 60_000, health: { ...health, failuresMax: 1 } } },
    'https',
  );
  t.equal(await ask(), 502, 'the first one finds out');
  t.same(statesOf(proxy), ['unreachable']);
  // A host that is there again, and does not answer yet.
  const silent = await openSilent(t, port);
  const trying = await connectRaw(proxy.port);
  t.teardown(() => trying.socket.destroy());
  trying.send(get);
  await until(() => silent.sockets.length === 1);
  let isTried = false;
  const tried = trying.readMessage().then(({ status }) => {
    isTried = true;
    return status;
  });
  for (let count = 0; count < 5; count += 1) t.equal(await ask(), 502);
  t.equal(await ask(handshake), 502);
  t.notOk(isTried, 'they do not wait for it');
  t.match(proxy.ends[1], {
    failure: { cause: { message: /no address of upstream api can be connected to/ } },
  });
  t.equal(silent.sockets.length, 1, 'and try nothing themselves');
  silent.sockets[0]?.destroy();
  t.equal(await tried, 502);
});

t.test('9: the first request after its return finds one address up again, without a pause', async (t) => {
  const port = await freePort();
  const { proxy, ask } = await forward(t, [port], {
    upstream: { health: health },
  });
  for (let count = 0; count < 5; count += 1) t.equal(await ask(), 502);
  t.same(statesOf(proxy), ['unreachable']);
  t.equal(proxy.addresses.reading().connectFailures, 5, 'each one tried it: a refusal costs no time');
  await open(t, { port });
  for (let count = 0; count < 5; count += 1) t.equal(await ask(), 200);
});

t.test(
  '9: when all addresses are gone, a request tries several, and the first that returns is used',
  async (t) => {
    const ports = [await freePort(), await freePort()];
    const { proxy, ask } = await forward(t, ports, {
      upstream: { health: health },
    });
    for (let count = 0; count < 3; count += 1) t.equal(await ask(), 502);
    t.same(statesOf(proxy), ['unreachable', 'unreachable']);
    t.equal(proxy.addresses.health(), 'down');
    t.equal(proxy.addresses.reading().connectFailures, 6);
    const again = await open(t, { port: ports[1]! });
    for (let count = 0; count < 5; count += 1) t.equal(await ask(), 200);
    t.equal(again.requests.length, 5);
  },
);

t.test('9: a route that is slow, or breaks off, takes no address down', async (t) => {
  const upstream = await open(t, {
    serve: async (connection) => {
      const { startLine } = await connection.readMessage();
      if (startLine.includes('/quick')) connection.send(ok);
      else if (startLine.includes('/reset')) connection.reset();
    },
  });
  const { proxy, ask } = await forward(t, [upstream.port], { rule: { responseTimeoutMs: 300 } });
  for (let count = 0; count < 4; count += 1) {
    t.equal(await ask('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'), 504);
    t.equal(await ask('GET /reset HTTP/1.1\r\nHost: a\r\n\r\n'), 502);
  }
  t.same(statesOf(proxy), ['up']);
  t.equal(await ask('GET /quick HTTP/1.1\r\nHost: a\r\n\r\n'), 200);
});

t.test('9: an answer of 503 says nothing of the address, unless the settings count it', async (t) => {
  const [bad, good] = [await open(t, { answer: broken }), await open(t)];
  const plain = await forward(t, [bad.port, good.port]);
  for (let count = 0; count < 10; count += 1) await plain.ask();
  t.same(statesOf(plain.proxy), ['up', 'up']);
  t.equal(bad.requests.length, 5);

  const counting = await forward(t, [bad.port, good.port], {
    upstream: { health: { ...health, failureStatuses: [502, 503] } },
  });
  const statuses: number[] = [];
  for (let count = 0; count < 10; count += 1) statuses.push(await counting.ask());
  t.equal(statuses.filter((status) => status === 503).length, 3);
  t.same(statesOf(counting.proxy), ['failing', 'up']);
});

t.test('9: a probe finds an address down before a caller comes, and up again', async (t) => {
  let isWell = false;
  const bad = await open(t, {
    answer: ({ startLine }) => (startLine.includes('/healthz') && !isWell ? broken : ok),
  });
  const good = await open(t);
  const probe = { path: '/healthz', intervalMs: 20, timeoutMs: 2_000, status: undefined };
  const { proxy, ask } = await forward(t, [bad.port, good.port], {
    upstream: { health: { ...health, probe } },
  });
  await until(() => statesOf(proxy)[0] === 'failing');
  const asked = () => bad.requests.filter(({ startLine }) => !startLine.includes('/healthz')).length;
  for (let count = 0; count < 6; count += 1) t.equal(await ask(), 200);
  t.equal(asked(), 0);
  t.match(proxy.addresses.reading().addresses[0], { fault: 'the probe /healthz: it answered 503' });
  const [first] = bad.requests;
  t.equal(first?.startLine, 'GET /healthz HTTP/1.1');
  t.equal(first?.header('host'), 'api.internal');
  t.equal(first?.header('authorization'), undefined);
  isWell = true;
  await until(() => statesOf(proxy)[0] === 'up');
  for (let count = 0; count < 4; count += 1) t.equal(await ask(), 200);
  t.equal(asked(), 2);
});

t.test('9: a probe shows the client certificate as requests do', async (t) => {
  const { ca, localhost, client: clientCertificate } = makeCertificates();
  const tls = { ...localhost, ca, requestCert: true, rejectUnauthorized: true };
  const upstream = await open(t, { tls });
  const probe = { path: '/healthz', intervalMs: 20, timeoutMs: 2_000, status: undefined };
  for (const [certificate, expected] of [
    [clientCertificate, 'up'],
    [undefined, 'down'],
  ] as const) {
    const proxy = await startForwarding(upstream, {
      upstream: { ca, clientCertificate: certificate, health: { ...health, probe } },
    });
    t.teardown(() => proxy.close());
    await until(() => proxy.addresses.health() === expected);
  }
  t.ok(upstream.requests.length >= 1);
});

t.test('9: where only probes say that all addresses are down, requests go there all the same', async (t) => {
  const upstream = await open(t, { answer: ({ startLine }) => (startLine.includes('/wrong') ? broken : ok) });
  const probe = { path: '/wrong', intervalMs: 20, timeoutMs: 2_000, status: undefined };
  const { proxy, ask } = await forward(t, [upstream.port], { upstream: { health: { ...health, probe } } });
  await until(() => statesOf(proxy)[0] === 'failing');
  t.same(await Promise.all([ask(), ask(), ask()]), [200, 200, 200]);
});

t.test(
  '9: a probe without a path opens a connection; a status may be asked for; silence is a failure',
  async (t) => {
    const silent = await openSilent(t);
    const probe = { path: undefined, intervalMs: 20, timeoutMs: 100, status: undefined };
    const opening = await forward(t, [silent.port], { upstream: { health: { ...health, probe } } });
    await until(() => opening.proxy.addresses.health() === 'up');

    const hanging = await forward(t, [silent.port], {
      upstream: { health: { ...health, probe: { ...probe, path: '/healthz' } } },
    });
    await until(() => hanging.proxy.addresses.health() === 'down');
    t.match(hanging.proxy.addresses.faults(), /the probe \/healthz: no answer within 100 ms/);

    const upstream = await open(t);
    const strict = await forward(t, [upstream.port], {
      upstream: { health: { ...health, probe: { ...probe, timeoutMs: 2_000, path: '/', status: 204 } } },
    });
    await until(() => strict.proxy.addresses.health() === 'down');
    t.match(strict.proxy.addresses.faults(), /it answered 200/);
  },
);

t.test('9: a request that met a stale connection is sent once more, to another address', async (t) => {
  const forgetful = await open(t, {
    serve: async (connection) => {
      await connection.readMessage();
      connection.send(ok);
      await connection.readHead();
      connection.reset();
    },
  });
  const other = await open(t);
  const { proxy, ask } = await forward(t, [forgetful.port, other.port]);
  t.same([await ask(), await ask()], [200, 200], 'a connection to each');
  t.equal(await ask(), 200);
  t.equal(forgetful.connections.length, 1, 'not to the same one');
  t.equal(other.requests.length, 2);
  t.equal(proxy.addresses.reading().retries, 1);
  t.same(statesOf(proxy), ['up', 'up'], 'that it closed a connection is no failure');
});

t.test('9: what is under way is counted at its address, and counted out', async (t) => {
  const upstream = await open(t);
  const { proxy, ask } = await forward(t, [upstream.port, await freePort()]);
  for (let count = 0; count < 6; count += 1) await ask();
  for (const { busy } of proxy.addresses.reading().addresses) t.equal(busy, 0);
  const sockets = await open(t, { answer: switching });
  const tunnels = await forward(t, [sockets.port]);
  const client = await connectRaw(tunnels.proxy.port);
  client.send(handshake);
  await client.readHead();
  t.match(tunnels.proxy.addresses.reading().addresses, [{ busy: 1, open: 1 }]);
  client.socket.destroy();
  await tunnels.proxy.nextEnd();
  await until(() => tunnels.proxy.addresses.reading().addresses[0]?.open === 0);
  t.match(tunnels.proxy.addresses.reading().addresses, [{ busy: 0, open: 0 }]);
});
