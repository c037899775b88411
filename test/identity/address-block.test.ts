import { array, assert, integer, nat, property } from 'fast-check';
import t from 'tap';
import { addressBlockOf } from '../../src/identity/address-block.ts';

t.test('an IPv4 address is its own block, as is what is no address', async (t) => {
  for (const address of ['192.0.2.7', '127.0.0.1', 'unknown']) t.equal(addressBlockOf(address), address);
});

t.test('all addresses of one /64 are one block, however they are written', async (t) => {
  for (const address of [
    '2001:db8:0:7::1',
    '2001:db8:0:7:ffff:ffff:ffff:ffff',
    '2001:DB8:0000:0007::',
    '2001:db8:0:7:0:0:192.0.2.7',
    '2001:db8::7:0:0:0:1',
  ])
    t.equal(addressBlockOf(address), '2001:db8:0:7::/64', address);
  t.equal(addressBlockOf('::1'), '0:0:0:0::/64');
  t.equal(addressBlockOf('::'), '0:0:0:0::/64');
  t.equal(addressBlockOf('1::192.0.2.7'), '1:0:0:0::/64');
});

t.test('an IPv4 address is the same block when it is written as IPv6', async (t) => {
  t.equal(addressBlockOf('::ffff:192.0.2.7'), '192.0.2.7');
  t.equal(addressBlockOf('::FFFF:192.0.2.7'), '192.0.2.7');
  t.not(addressBlockOf('::ffff:c000:207'), addressBlockOf('::ffff:c000:208'));
});

t.test('two addresses share a block exactly when their first 64 bits are the same', async () => {
  const group = integer({ min: 0, max: 0xffff });
  assert(
    property(array(group, { minLength: 8, maxLength: 8 }), nat(7), group, (groups, at, other) => {
      const changed = groups.with(at, other);
      const written = (list: readonly number[]): string => list.map((n) => n.toString(16)).join(':');
      const isSame = addressBlockOf(written(groups)) === addressBlockOf(written(changed));
      return isSame === (at > 3 || groups[at] === other);
    }),
  );
});
