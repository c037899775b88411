import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import { createTrust, describePeer } from '../../src/proxy/peer.ts';

t.test('nobody is trusted unless the settings say so', async (t) => {
  const nobody = createTrust([]);
  for (const address of ['127.0.0.1', '::1', '10.0.0.1', 'unknown']) t.notOk(nobody(address), address);
  const some = createTrust(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::1']);
  for (const address of ['10.1.2.3', '192.0.2.7', 'fd12::1', '::1']) t.ok(some(address), address);
  for (const address of ['11.0.0.1', '192.0.2.8', 'fe80::1', '127.0.0.1', 'unknown', '10.0.0.1.evil', ''])
    t.notOk(some(address), address);
  t.ok(createTrust(['unix'])('unknown'));
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
