// Connections that begin with a PROXY header, at the real listener: who is the caller, who is refused, and what becomes of the
// bytes behind it. HAProxy itself is in test/system/proxy-protocol.test.ts.

import t, { type Test } from 'tap';
import { createTrust } from '../../../src/proxy/peer.ts';
import { expectProxyHeaders } from '../../../src/proxy/connections/proxy-protocol.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { type EdgeOptions, startEdge } from '../../support/edge.ts';
import { connectRaw } from '../../support/raw-client.ts';
import type { RawConnection } from '../../support/raw-connection.ts';
import { startRawUpstream } from '../../support/raw-upstream.ts';
import { binaryHeader, lineHeader, signature } from '../../support/proxy-header.ts';

const request = 'GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n';
const minute = 60_000;

const setUp = async (t: Test, options: EdgeOptions & { readonly timeoutMs?: number } = {}) => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  const refusals: string[] = [];
  const protocol = expectProxyHeaders(edge.listener, {
    trusts: () => createTrust(['127.0.0.1']),
    timeoutMs: () => options.timeoutMs ?? minute,
    onRefused: (why, peer) => void refusals.push(`${peer} ${why}`),
  });
  t.teardown(() => protocol.endWaiting());
  const connect = async (from = '127.0.0.1'): Promise<RawConnection> => {
    const client = await connectRaw({ port: edge.port, from });
    t.teardown(() => client.socket.destroy());
    return client;
  };
  const callerOf = async (header: Buffer): Promise<string> => {
    const client = await connect();
    client.socket.write(Buffer.concat([header, Buffer.from(request)]));
    t.equal((await client.readMessage()).status, 200);
    return (await edge.nextOutcome()).clientAddress;
  };
  return { edge, upstream, protocol, refusals, connect, callerOf };
};

t.test('the caller is whom the header names: for the log, and for the API', async (t) => {
  const { callerOf, upstream } = await setUp(t);
  t.equal(await callerOf(lineHeader('TCP4', '203.0.113.9')), '203.0.113.9');
  t.equal(upstream.requests[0]?.header('x-forwarded-for'), '203.0.113.9');
  t.equal(await callerOf(lineHeader('TCP6', '2001:db8::9')), '2001:db8::9');
  t.match(upstream.requests[1]?.header('forwarded'), 'for="[2001:db8::9]"');
  t.equal(await callerOf(binaryHeader({ source: '198.51.100.7' })), '198.51.100.7');
  t.equal(await callerOf(binaryHeader({ source: '2001:db8::7', tlvs: Buffer.alloc(500) })), '2001:db8::7');
  t.equal(
    await callerOf(binaryHeader({ source: '0:0:0:0:0:ffff:cb00:7109' })),
    '203.0.113.9',
    'IPv4 in IPv6',
  );
});

t.test('a header without a caller leaves the load balancer in its place', async (t) => {
  const { callerOf } = await setUp(t);
  t.equal(await callerOf(Buffer.from('PROXY UNKNOWN\r\n')), '127.0.0.1');
  t.equal(
    await callerOf(binaryHeader({ command: 0x20, family: 0, addresses: Buffer.alloc(0) })),
    '127.0.0.1',
  );
});

t.test(
  'X-Forwarded-For is believed by the address in the header, not by that of the load balancer',
  async (t) => {
    const { connect, edge } = await setUp(t, { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
    for (const [source, caller] of [
      ['203.0.113.9', '203.0.113.9'],
      ['10.0.0.7', '192.0.2.7'],
    ] as const) {
      const client = await connect();
      client.socket.write(
        Buffer.concat([
          lineHeader('TCP4', source),
          Buffer.from(request.replace('\r\n\r\n', '\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n')),
        ]),
      );
      await client.readMessage();
      t.equal((await edge.nextOutcome()).clientAddress, caller);
    }
  },
);

t.test('a peer that is not trusted is refused, with a header and without', async (t) => {
  const { connect, edge, protocol, refusals, upstream } = await setUp(t);
  for (const bytes of [lineHeader('TCP4', '203.0.113.9'), Buffer.from(request)]) {
    const client = await connect('127.0.0.2');
    client.socket.write(bytes);
    await client.closed;
    t.equal(client.received.length, 0);
  }
  t.equal(protocol.refused(), 2);
  t.match(refusals, [/^127\.0\.0\.2 is not in proxyProtocol\.trustedPeers/, /^127\.0\.0\.2 /]);
  t.same([edge.outcomes.length, upstream.requests.length], [0, 0]);
});

t.test('a trusted peer without a whole header is refused', async (t) => {
  const { connect, edge, protocol, refusals } = await setUp(t);
  const bad = [
    Buffer.from(request),
    Buffer.from('PROXY TCP4 evil evil 1 1\r\n'),
    Buffer.from(`PROXY UNKNOWN ${'x'.repeat(5_000)}`),
    binaryHeader({ length: 65_535 }),
    binaryHeader({ family: 0x41 }),
  ];
  for (const bytes of bad) {
    const client = await connect();
    client.socket.write(bytes);
    await client.closed;
    t.equal(client.received.length, 0);
  }
  const cut = await connect();
  cut.socket.end(signature);
  await cut.closed;
  t.equal(protocol.refused(), bad.length + 1);
  for (const refusal of refusals) t.match(refusal, /^127\.0\.0\.1 sends no PROXY header/);
  t.equal(edge.outcomes.length, 0);
});

t.test('a header that never ends is ended in time, however its bytes trickle', async (t) => {
  const { connect, protocol, refusals } = await setUp(t, { timeoutMs: 300 });
  const silent = await connect();
  const trickling = await connect();
  const timer = setInterval(() => trickling.socket.write('x'), 20);
  t.teardown(() => clearInterval(timer));
  trickling.socket.write('PROXY UNKNOWN ');
  await Promise.all([silent.closed, trickling.closed]);
  t.equal(protocol.refused(), 2);
  t.match(refusals, [/does not end its PROXY header in time/, /does not end its PROXY header in time/]);
});

t.test('a health check that connects and says nothing is no refusal', async (t) => {
  const { connect, protocol } = await setUp(t);
  const check = await connect();
  check.socket.end();
  await check.closed;
  t.equal(protocol.refused(), 0);
});

t.test('at the end of the process nobody waits for a header', async (t) => {
  const { connect, protocol, edge } = await setUp(t);
  const waiting = await connect();
  waiting.send('PROXY ');
  const after = await connect();
  after.socket.write(Buffer.concat([lineHeader('TCP4', '203.0.113.9'), Buffer.from(request)]));
  await edge.nextOutcome();
  protocol.endWaiting();
  await waiting.closed;
  after.send(request);
  t.equal((await after.readMessage()).status, 200, 'a connection with its header goes on');
});

t.test('what follows the header is HTTP, in one piece with it or byte by byte', async (t) => {
  const { connect, edge, upstream } = await setUp(t);
  const body = 'x'.repeat(70_000);
  const post = `POST /public/x HTTP/1.1\r\nHost: api\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  for (const header of [lineHeader('TCP4', '203.0.113.9'), binaryHeader({ tlvs: Buffer.alloc(40) })]) {
    const whole = await connect();
    whole.socket.write(Buffer.concat([header, Buffer.from(`${post}${request}${request}`)]));
    const slow = await connect();
    for (const byte of header) {
      slow.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const character of request) {
      slow.send(character);
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.equal((await slow.readMessage()).status, 200);
    slow.send(post);
    t.equal((await slow.readMessage()).status, 200);
    for (let n = 0; n < 3; n += 1) t.equal((await whole.readMessage()).status, 200);
  }
  t.equal(upstream.requests.filter((seen) => seen.body === body).length, 4, 'no byte is lost');
  t.ok(edge.outcomes.every(({ clientAddress }) => clientAddress === '203.0.113.9'));
});

t.test('connections are counted for the caller, not for the load balancer', async (t) => {
  const { connect } = await setUp(t, { limits: { connectionsPerAddressMax: 2 } });
  const callFrom = async (source: string): Promise<RawConnection> => {
    const client = await connect();
    client.socket.write(Buffer.concat([lineHeader('TCP4', source), Buffer.from(request)]));
    return client;
  };
  for (let n = 0; n < 2; n += 1) t.equal((await (await callFrom('203.0.113.9')).readMessage()).status, 200);
  t.equal(await (await callFrom('203.0.113.9')).closed.then(() => 'closed'), 'closed', 'a third');
  for (let n = 0; n < 3; n += 1)
    t.equal((await (await callFrom(`203.0.113.${10 + n}`)).readMessage()).status, 200, 'others');
});

t.test('TLS begins behind the header', async (t) => {
  const { ca, localhost } = makeCertificates();
  const { edge, protocol, refusals } = await setUp(t, { tls: localhost });
  const { connect: connectTls } = await import('node:tls');
  const { connect } = await import('node:net');
  for (const [header, source] of [
    [lineHeader('TCP6', '2001:db8::9'), '2001:db8::9'],
    [binaryHeader({ source: '203.0.113.9', tlvs: Buffer.alloc(300) }), '203.0.113.9'],
    [binaryHeader({ command: 0x20, family: 0, addresses: Buffer.alloc(0) }), '127.0.0.1'],
  ] as const) {
    const socket = connect(edge.port, '127.0.0.1');
    t.teardown(() => socket.destroy());
    socket.write(header);
    const secured = connectTls({ socket, ca, servername: 'localhost' });
    secured.write(request);
    const [answer] = await new Promise<[Buffer]>((resolve, reject) => {
      secured.once('data', (piece: Buffer) => resolve([piece])).once('error', reject);
    });
    t.match(answer.toString(), /^HTTP\/1\.1 200 /);
    t.equal((await edge.nextOutcome()).clientAddress, source);
  }
  const bare = connectTls({ port: edge.port, host: '127.0.0.1', ca, servername: 'localhost' });
  await new Promise((resolve) => bare.once('error', resolve));
  t.equal(protocol.refused(), 1, 'TLS without a header is refused');
  t.match(refusals[0], /sends no PROXY header/);
});
