// One address has a bounded number of connections, so that its idle ones leave room for others.

import t, { type Test } from 'tap';
import { makeCertificates } from '../../support/certificates.ts';
import { type EdgeOptions, startEdge } from '../../support/edge.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import type { RawConnection } from '../../support/raw-connection.ts';
import { startRawUpstream } from '../../support/raw-upstream.ts';

const greedyAddress = '127.0.0.2';
const otherAddress = '127.0.0.3';
const request = 'GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n';

const setUp = async (t: Test, options: EdgeOptions) => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  const connectMany = async (from: string, count: number): Promise<RawConnection[]> => {
    const clients: RawConnection[] = [];
    t.teardown(() => clients.forEach((client) => client.socket.destroy()));
    while (clients.length < count) clients.push(await connectRaw({ port: edge.port, from }));
    return clients;
  };
  const countOpen = (): Promise<number> =>
    new Promise((resolve, reject) =>
      edge.listener.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    );
  return { edge, connectMany, countOpen };
};

t.test('a thousand idle connections of one address leave all others their room', async (t) => {
  const { edge, connectMany, countOpen } = await setUp(t, {
    limits: { connectionsMax: 60, connectionsPerAddressMax: 40, headersTimeoutMs: 600_000 },
  });
  const idle = await connectMany(greedyAddress, 40);
  const turnedAway = await connectMany(greedyAddress, 200);
  await Promise.all(turnedAway.map(({ closed }) => closed));
  for (let batch = 0; batch < 8; batch += 1)
    await Promise.all((await connectMany(greedyAddress, 100)).map(({ closed }) => closed));
  t.equal(await countOpen(), 40);
  for (let n = 0; n < 5; n += 1)
    t.equal((await exchangeRaw({ port: edge.port, from: otherAddress }, request)).status, 200);
  idle[0]!.send(request);
  t.equal((await idle[0]!.readMessage()).status, 200, 'and those it has stay');
});

t.test('the log names an address with too many connections once, not for each', async (t) => {
  const full: string[] = [];
  const { connectMany } = await setUp(t, {
    limits: { connectionsPerAddressMax: 2 },
    onAddressFull: (address) => void full.push(address),
  });
  await connectMany(greedyAddress, 2);
  t.same(full, []);
  await Promise.all((await connectMany(greedyAddress, 30)).map(({ closed }) => closed));
  t.same(full, [greedyAddress]);
});

t.test('a connection that ends makes room for another of its address', async (t) => {
  const { edge, connectMany, countOpen } = await setUp(t, { limits: { connectionsPerAddressMax: 2 } });
  const [first] = await connectMany(greedyAddress, 2);
  first!.socket.destroy();
  while ((await countOpen()) > 1) await new Promise(setImmediate);
  t.equal((await exchangeRaw({ port: edge.port, from: greedyAddress }, request)).status, 200);
});

t.test('a trusted proxy stands for many callers, and is not counted', async (t) => {
  const { connectMany } = await setUp(t, {
    limits: { connectionsPerAddressMax: 2 },
    trustedProxies: [greedyAddress],
  });
  for (const client of await connectMany(greedyAddress, 10)) {
    client.send(request);
    t.equal((await client.readMessage()).status, 200);
  }
});

t.test('with TLS they are closed before the handshake', async (t) => {
  const { localhost } = makeCertificates();
  const { connectMany, countOpen } = await setUp(t, {
    tls: localhost,
    limits: { connectionsPerAddressMax: 2 },
  });
  await connectMany(greedyAddress, 2);
  const [third] = await connectMany(greedyAddress, 1);
  await third!.closed;
  t.equal(third!.received, '');
  t.equal(await countOpen(), 2);
});
