// Number 14 of issue 9: address rules. The grammar is CIDR notation (RFC 4632 section 3.1, RFC 4291 section 2.3).

import { isIP, SocketAddress } from 'node:net';
import t from 'tap';
import {
  addressRuleOf,
  allowsCaller,
  canonicalNetwork,
  holdsNetwork,
  parseAddress,
  parseAddressRule,
} from '../../src/decision/address-rule.ts';

const nobody = addressRuleOf([]);

t.test('14: a network is kept in one form', async (t) => {
  for (const [written, kept] of [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::/0', '::/0'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'], // RFC 5952 section 4.2.3: the first of equal runs
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0/128'],
    // RFC 4291 section 2.5.5.2: an IPv4-mapped address is the IPv4 address.
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:c000:207', '192.0.2.7/32'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
  ] as const)
    t.equal(canonicalNetwork(written), kept, written);
});

t.test('14: what is no network is refused, and no address is in it', async (t) => {
  for (const entry of [
    '',
    'unix',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0 /8',
    '10.0.0',
    '10.0.0.256',
    // Octal to some programs (CVE-2021-29923).
    '010.0.0.1',
    '2001:db8::/129',
    'fe80::1%eth0',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7:8:9',
    '10.0.0.1-10.0.0.9',
    '*',
  ]) {
    t.equal(canonicalNetwork(entry), undefined, entry);
    t.equal(parseAddressRule(['10.0.0.0/8', entry]), undefined, entry);
    t.equal(allowsCaller(addressRuleOf(['0.0.0.0/0', '::/0']), entry, nobody), false, entry);
  }
  t.equal(canonicalNetwork('10.1.2.3/8'), undefined, 'bits behind the prefix: one of the two is not meant');
});

t.test('14: addresses are read as the system reads them', async (t) => {
  const letters = '0123456789abcdefABCDEF::::....';
  let seed = 14;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 20_000; round++) {
    const length = random(24);
    let text = Array.from({ length }, () => letters[random(letters.length)]).join('');
    if (round % 2 === 0) text = `${random(300)}.${random(300)}.${random(300)}.${random(300)}`;
    if (round % 5 === 0) text = `::${text}`;
    if ((parseAddress(text) !== undefined) !== (isIP(text) !== 0)) t.fail(text);
  }
  for (let round = 0; round < 2_000; round++) {
    const text = Array.from({ length: 8 }, () => (random(2) === 0 ? '0' : random(65_536).toString(16))).join(
      ':',
    );
    const { address } = new SocketAddress({ address: text, family: 'ipv6' });
    // inet_ntop writes an IPv4 address at the end of some that begin with zeros.
    if (!address.includes('.')) t.equal(canonicalNetwork(text), `${address}/128`);
  }
});

t.test('14: a caller is let in from the networks of the rule, and from nowhere else', async (t) => {
  const rule = addressRuleOf(['10.0.0.0/8', '192.0.2.7', '2001:db8:0:ff00::/56']);
  for (const [address, isIn] of [
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['::ffff:10.0.0.1', true],
    ['::ffff:a00:1', true],
    ['2001:db8:0:ffab::1', true],
    ['2001:DB8::FFAB:0:0:0:1', true],
    ['2001:db8:0:fe00::1', false],
    // What stands where an address is not known: a unix socket, two headers that differ.
    ['unknown', false],
    ['unclear', false],
    ['', false],
    ['10.0.0.1:1234', false],
  ] as const)
    t.equal(allowsCaller(rule, address, nobody), isIn, address);
  t.equal(allowsCaller(addressRuleOf([]), '10.0.0.1', nobody), false, 'an empty list lets nobody in');
});

t.test('14: `::/0` is every IPv6 address and no IPv4 address', async (t) => {
  const everyIpv6 = addressRuleOf(['::/0']);
  t.equal(allowsCaller(everyIpv6, '2001:db8::1', nobody), true);
  t.equal(allowsCaller(everyIpv6, '203.0.113.7', nobody), false);
  t.equal(allowsCaller(everyIpv6, '::ffff:203.0.113.7', nobody), false);
  t.equal(allowsCaller(addressRuleOf(['0.0.0.0/0']), '2001:db8::1', nobody), false);
});

t.test('14: the address of a proxy is nobody’s, so no rule is for it', async (t) => {
  const rule = addressRuleOf(['10.0.0.0/8']);
  const proxies = addressRuleOf(['10.0.0.5/32', '10.9.1.1/16']);
  t.equal(allowsCaller(rule, '10.0.0.4', proxies), true);
  t.equal(allowsCaller(rule, '10.0.0.5', proxies), false);
  t.equal(
    allowsCaller(rule, '10.9.7.7', proxies),
    false,
    'a range of `trustedProxies` is read with its prefix',
  );
});

t.test('14: a network lies in another, or not', async (t) => {
  const rule = addressRuleOf(['10.0.0.0/8', 'fd00::/8']);
  for (const [network, isHeld] of [
    ['10.1.0.0/16', true],
    ['10.0.0.0/8', true],
    ['10.0.0.0/7', false],
    ['0.0.0.0/0', false],
    ['fd12::1', true],
    ['fc00::/7', false],
  ] as const)
    t.equal(holdsNetwork(rule, network), isHeld, network);
});
