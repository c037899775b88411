import {
  array,
  assert,
  constantFrom,
  integer,
  ipV4,
  ipV6,
  nat,
  oneof,
  property,
  uint8Array,
} from 'fast-check';
import { SocketAddress } from 'node:net';
import t from 'tap';
import { readProxyHeader } from '../../../src/proxy/connections/proxy-header.ts';
import { binaryHeader, lineHeader, signature } from '../../support/proxy-header.ts';

const read = (bytes: Buffer | string) =>
  readProxyHeader(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
const sourceOf = (bytes: Buffer | string): string | undefined => {
  const header = read(bytes);
  return header.kind === 'header' ? header.source : header.kind;
};

t.test('version 1 names the caller (section 2.1)', async (t) => {
  for (const [line, source] of [
    ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n', '255.255.255.255'],
    ['PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n', '192.168.0.1'],
    ['PROXY TCP6 2001:db8::9 2001:db8::1 0 0\r\n', '2001:db8::9'],
    [
      'PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n',
      'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    ],
  ] as const)
    t.same(read(`${line}GET / HTTP/1.1\r\n`), { kind: 'header', length: line.length, source }, line);
});

t.test('version 1 may leave the caller to the connection, whatever else it says', async (t) => {
  const longest = `PROXY UNKNOWN ${'x'.repeat(107 - 'PROXY UNKNOWN '.length - 2)}\r\n`;
  t.equal(longest.length, 107);
  for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff::1 \0\xff 65535 1\r\n', longest])
    t.same(read(line), { kind: 'header', length: line.length, source: undefined }, line);
});

t.test('what is not exactly version 1 is broken', async (t) => {
  for (const line of [
    'PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\n',
    'PROXY TCP4 203.0.113.9 192.0.2.1 56324 443 \r\n',
    'PROXY TCP4 203.0.113.9  192.0.2.1 56324 443\r\n',
    'PROXY TCP4  203.0.113.9 192.0.2.1 56324 443\r\n',
    'PROXY TCP4 203.0.113.9 192.0.2.1 056324 443\r\n',
    'PROXY TCP4 203.0.113.9 192.0.2.1 65536 443\r\n',
    'PROXY TCP4 203.0.113.9 192.0.2.1 56324\r\n',
    'PROXY TCP4 203.0.113.9 192.0.2.1 -1 443\r\n',
    'PROXY TCP4 203.0.113.256 192.0.2.1 1 1\r\n',
    'PROXY TCP4 203.0.113.09 192.0.2.1 1 1\r\n',
    'PROXY TCP4 2001:db8::9 2001:db8::1 1 1\r\n',
    'PROXY TCP6 203.0.113.9 192.0.2.1 1 1\r\n',
    'PROXY TCP6 fe80::1%eth0 fe80::2 1 1\r\n',
    'PROXY TCP5 203.0.113.9 192.0.2.1 1 1\r\n',
    'PROXY UDP4 203.0.113.9 192.0.2.1 1 1\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY \r\n',
    'proxy TCP4 203.0.113.9 192.0.2.1 1 1\r\n',
    ' PROXY TCP4 203.0.113.9 192.0.2.1 1 1\r\n',
    'GET / HTTP/1.1\r\n',
    '\x16\x03\x01\x02\x00',
  ])
    t.equal(sourceOf(line.padEnd(120, 'x')), 'broken', line);
});

t.test('version 2 names the caller (section 2.2), and its TLVs are skipped', async (t) => {
  for (const source of ['203.0.113.9', '0.0.0.0', '2001:db8::9', 'ff02::1', '1:2:3:4:5:6:7:8'])
    for (const tlvs of [Buffer.alloc(0), Buffer.from([4, 0, 1, 0]), Buffer.alloc(1_000, 0xff)]) {
      const bytes = binaryHeader({ source, tlvs });
      t.same(read(Buffer.concat([bytes, Buffer.from('GET /')])), {
        kind: 'header',
        length: bytes.length,
        source,
      });
    }
  t.equal(sourceOf(binaryHeader({ source: '0:0:0:0:0:ffff:cb00:7109' })), '::ffff:203.0.113.9');
});

t.test(
  'version 2 may leave the caller to the connection: LOCAL, and what has no address of TCP',
  async (t) => {
    const none = Buffer.alloc(0);
    for (const [sentence, bytes] of [
      ['LOCAL', binaryHeader({ command: 0x20, family: 0, addresses: none })],
      ['LOCAL with addresses', binaryHeader({ command: 0x20 })],
      ['LOCAL of a family that there is not', binaryHeader({ command: 0x20, family: 0xff, addresses: none })],
      ['UNSPEC', binaryHeader({ family: 0, addresses: none })],
      ['UNSPEC with bytes', binaryHeader({ family: 0, addresses: Buffer.alloc(36) })],
      ['a unix socket', binaryHeader({ family: 0x31, addresses: Buffer.alloc(216) })],
      ['UDP', binaryHeader({ family: 0x12 })],
    ] as const)
      t.same(read(bytes), { kind: 'header', length: bytes.length, source: undefined }, sentence);
  },
);

t.test('what is not exactly version 2 is broken', async (t) => {
  for (const [sentence, bytes] of [
    ['version 1 in binary', binaryHeader({ command: 0x11 })],
    ['version 3', binaryHeader({ command: 0x31 })],
    ['another command', binaryHeader({ command: 0x22 })],
    ['another family', binaryHeader({ family: 0x41 })],
    ['another transport', binaryHeader({ family: 0x13 })],
    ['IPv4 too short', binaryHeader({ addresses: Buffer.alloc(11) })],
    ['IPv6 too short', binaryHeader({ family: 0x21, addresses: Buffer.alloc(35) })],
    ['no address', binaryHeader({ addresses: Buffer.alloc(0) })],
    ['longer than 4 KB', binaryHeader({ length: 4_081 })],
    ['as long as can be', binaryHeader({ length: 65_535 })],
    ['another signature', Buffer.from('\r\n\r\n\0\r\nQUIT\r'.padEnd(40), 'latin1')],
  ] as const)
    t.equal(read(bytes).kind, 'broken', sentence);
});

t.test('a header is partial until its last byte, however it is cut, and never reads further', async () => {
  const header = oneof(
    ipV4().map((source) => lineHeader('TCP4', source)),
    ipV6().map((source) =>
      lineHeader('TCP6', new SocketAddress({ address: source, family: 'ipv6' }).address),
    ),
    ipV4().map((source) => binaryHeader({ source })),
    nat(4_000).map((size) => binaryHeader({ tlvs: Buffer.alloc(size, 7) })),
  );
  assert(
    property(header, uint8Array({ maxLength: 200 }), nat(), (bytes, after, cut) => {
      const whole = read(Buffer.concat([bytes, after]));
      const piece = read(bytes.subarray(0, cut % bytes.length));
      return whole.kind === 'header' && whole.length === bytes.length && piece.kind === 'partial';
    }),
  );
});

t.test(
  'no bytes make it throw, wait for more than its bound, or name something else than an address',
  async () => {
    const noise = oneof(
      uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      uint8Array({ maxLength: 4_200 }).map((bytes) => Buffer.concat([signature, bytes])),
      array(
        constantFrom(
          'PROXY ',
          'TCP4 ',
          'TCP6 ',
          'UNKNOWN',
          '1.2.3.4 ',
          '::1 ',
          '80 ',
          '443',
          '\r',
          '\n',
          '\0',
          ' ',
        ),
        { maxLength: 30 },
      ).map((pieces) => Buffer.from(pieces.join(''), 'latin1')),
      integer({ min: 0, max: 27 }).chain((at) =>
        nat(255).map((value) => {
          const bytes = binaryHeader({});
          bytes[at] = value;
          return bytes;
        }),
      ),
    );
    assert(
      property(noise, (bytes) => {
        const header = read(bytes);
        if (header.kind === 'partial') return bytes.length < 4_096;
        if (header.kind === 'broken') return true;
        const { length, source } = header;
        return (
          length <= bytes.length &&
          (source === undefined ||
            SocketAddress.parse(`[${source}]`) !== undefined ||
            /^[\d.]+$/.test(source))
        );
      }),
      { numRuns: 5_000 },
    );
  },
);
