import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import { callerAddress, createTrust, describePeer, type Peer } from '../../src/proxy/peer.ts';

const peer = (address: string, isTrusted: boolean): Peer => ({
  address,
  isTrusted,
  proto: 'http',
  forwardedFor: address,
});

t.test('nobody is trusted unless the settings say so', async (t) => {
  const nobody = createTrust([]);
  for (const address of ['127.0.0.1', '::1', '10.0.0.1', 'unknown']) t.notOk(nobody(address), address);
  const some = createTrust(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::1']);
  for (const address of ['10.1.2.3', '192.0.2.7', 'fd12::1', '::1']) t.ok(some(address), address);
  for (const address of ['11.0.0.1', '192.0.2.8', 'fe80::1', '127.0.0.1', 'unknown', '10.0.0.1.evil', ''])
    t.notOk(some(address), address);
  t.ok(createTrust(['unix'])('unknown'));
});

t.test('the caller is the last address that no trusted proxy stands for', async (t) => {
  const trusts = createTrust(['10.0.0.0/8']);
  for (const [sentence, from, forwardedFor, caller] of [
    ['no proxy', peer('198.51.100.1', false), undefined, '198.51.100.1'],
    ['an untrusted peer is not believed', peer('198.51.100.1', false), '203.0.113.9', '198.51.100.1'],
    ['one proxy', peer('10.0.0.1', true), '203.0.113.9', '203.0.113.9'],
    ['two proxies', peer('10.0.0.1', true), '203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['a caller that lies', peer('10.0.0.1', true), '1.1.1.1, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['nonsense ends the search', peer('10.0.0.1', true), '203.0.113.9, nonsense, 10.0.0.2', '10.0.0.2'],
    ['no header', peer('10.0.0.1', true), undefined, '10.0.0.1'],
    ['everyone trusted', peer('10.0.0.1', true), '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['IPv6', peer('10.0.0.1', true), '2001:db8::1', '2001:db8::1'],
  ] as const)
    t.equal(callerAddress(from, forwardedFor, trusts), caller, sentence);
});

t.test('an IPv4 address is in its own form, whatever the socket says', async (t) => {
  const server = createServer().listen(0, '::');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(address.port, '127.0.0.1');
  const [socket] = await accepted;
  t.match(describePeer(socket, createTrust(['127.0.0.0/8'])), {
    address: '127.0.0.1',
    isTrusted: true,
    proto: 'http',
    forwardedFor: '127.0.0.1',
  });
  client.destroy();
  socket.destroy();
  t.equal(describePeer({ remoteAddress: 'fe80::1%eth0' } as Socket, () => false).forwardedFor, '"[fe80::1]"');
  t.equal(describePeer({} as Socket, () => false).address, 'unknown', 'a unix socket has no address');
});
