import { array, assert, constantFrom, property } from 'fast-check';
import t from 'tap';
import { addressBlockOf } from '../../src/identity/address-block.ts';
import { callerAddress, namesCaller } from '../../src/proxy/caller-address.ts';
import { createTrust, type Peer } from '../../src/proxy/peer.ts';
import { CallerShares } from '../../src/proxy/upstream/caller-shares.ts';
import { anIdentity } from '../support/identity.ts';

const peer = (address: string, isTrusted: boolean): Peer => ({
  address,
  isTrusted,
  proto: 'http',
  forwardedFor: address,
});
const stranger = peer('198.51.100.1', false);
const proxy = peer('10.0.0.1', true);
const trusts = createTrust(['10.0.0.0/8', 'fd00::/8']);

const callerOf = (from: Peer, forwardedFor: string | undefined, forwarded?: string): string =>
  callerAddress(from, { forwardedFor, forwarded }, trusts);

t.test('the caller is the last address that no trusted proxy stands for', async (t) => {
  for (const [sentence, from, forwardedFor, caller] of [
    ['no proxy', stranger, undefined, '198.51.100.1'],
    ['an untrusted peer is not believed', stranger, '203.0.113.9', '198.51.100.1'],
    ['one proxy', proxy, '203.0.113.9', '203.0.113.9'],
    ['two proxies', proxy, '203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['a caller that lies', proxy, '1.1.1.1, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['nonsense ends the search', proxy, '203.0.113.9, nonsense, 10.0.0.2', '10.0.0.2'],
    ['no header', proxy, undefined, '10.0.0.1'],
    ['everyone trusted', proxy, '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['IPv6', proxy, '2001:db8::1', '2001:db8::1'],
  ] as const)
    t.equal(callerOf(from, forwardedFor), caller, sentence);
});

t.test('an address in X-Forwarded-For may have a port, an IPv6 address brackets', async (t) => {
  for (const [forwardedFor, caller] of [
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['203.0.113.9:4711, 10.0.0.2:80', '203.0.113.9'],
    ['203.0.113.9,[fd00::7]:80', '203.0.113.9'],
    ['203.0.113.9:_port', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['[::ffff:203.0.113.9]:1', '203.0.113.9'],
    ['fe80::1%eth0', 'fe80::1'],
  ] as const) {
    t.equal(callerOf(proxy, forwardedFor), caller, forwardedFor);
    t.ok(namesCaller(forwardedFor), `asked with ${forwardedFor}`);
  }
});

t.test('a caller whom a proxy does not know counts as that proxy (RFC 7239 section 6)', async (t) => {
  for (const hidden of ['unknown', 'UNKNOWN', '_hidden', '_SEVKISEK', '_x:_p', 'unknown:80']) {
    t.equal(callerOf(proxy, `203.0.113.9, ${hidden}`), '10.0.0.1', hidden);
    t.equal(callerOf(proxy, `${hidden}, 10.0.0.2`), '10.0.0.2', `${hidden} before a proxy`);
    t.equal(
      callerOf(proxy, undefined, `for=203.0.113.9, for="${hidden}"`),
      '10.0.0.1',
      `Forwarded ${hidden}`,
    );
    t.notOk(namesCaller(`203.0.113.9, ${hidden}`), `nobody asks about ${hidden}`);
  }
});

t.test('what only looks like an address is none', async (t) => {
  for (const nonsense of [
    '',
    '203.0.113',
    '203.0.113.9:',
    '203.0.113.9:port',
    '203.0.113.9:123456',
    '203.0.113.256:80',
    '[203.0.113.9]',
    '[2001:db8::1',
    '2001:db8::1]',
    '[2001:db8::1]80',
    '[2001:db8::g]:80',
    '"203.0.113.9"',
    '203.0.113.9 evil',
    'localhost',
    'http://203.0.113.9',
    'unknowns',
    '_',
    '_a b',
    'unix:',
  ]) {
    t.equal(callerOf(proxy, `203.0.113.9, ${nonsense}`), '10.0.0.1', nonsense);
    t.notOk(namesCaller(`203.0.113.9, ${nonsense}`), `asked with ${nonsense}`);
  }
  t.notOk(namesCaller(undefined));
});

t.test('Forwarded names the caller as X-Forwarded-For does (RFC 7239)', async (t) => {
  for (const [sentence, from, forwarded, caller] of [
    ['an untrusted peer is not believed', stranger, 'for=203.0.113.9', '198.51.100.1'],
    ['a bare address', proxy, 'for=203.0.113.9', '203.0.113.9'],
    ['an address with a port, which is quoted', proxy, 'for="203.0.113.9:4711"', '203.0.113.9'],
    ['IPv6', proxy, 'For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['other parameters', proxy, 'for=203.0.113.9;proto=http;by=10.0.0.1', '203.0.113.9'],
    ['in any order', proxy, 'proto=https;host="a:1";FOR=203.0.113.9', '203.0.113.9'],
    ['two proxies', proxy, 'for=203.0.113.9, for=10.0.0.2', '203.0.113.9'],
    ['a caller that lies', proxy, 'for=1.1.1.1, for=203.0.113.9,for=10.0.0.2', '203.0.113.9'],
    ['an element without a caller ends the search', proxy, 'for=203.0.113.9, proto=http', '10.0.0.1'],
    ['a comma in quotes separates nothing', proxy, 'for=203.0.113.9;x="a, for=1.1.1.1"', '203.0.113.9'],
    ['an escape in quotes', proxy, String.raw`x="a\", for=1.1.1.1";for=203.0.113.9`, '203.0.113.9'],
    ['empty elements do not count', proxy, 'for=203.0.113.9, , for=10.0.0.2,', '203.0.113.9'],
    ['blanks around separators', proxy, 'for=203.0.113.9 ; proto=http , for=10.0.0.2', '203.0.113.9'],
    ['a semicolon at the end', proxy, 'for=203.0.113.9;', '203.0.113.9'],
    ['everyone trusted', proxy, 'for=10.0.0.3, for=10.0.0.2', '10.0.0.3'],
    ['nothing', proxy, '', '10.0.0.1'],
  ] as const)
    t.equal(callerOf(from, undefined, forwarded), caller, sentence);
});

t.test(
  'a Forwarded that breaks the grammar anywhere names nobody: all such callers count as one',
  async (t) => {
    for (const forwarded of [
      'for="203.0.113.9, for=198.51.100.9',
      'for="1.1.1.1, for=203.0.113.9;host="api:80"',
      String.raw`a="\, for="[2001:db8::1]"`,
      'for=1.1.1.1;for=203.0.113.9',
      'for = 203.0.113.9',
      'for=203.0.113.9 proto=http',
      'for=[2001:db8::1]',
      'for=203.0.113.9:80',
      'for',
      '203.0.113.9',
      'for=203.0.113.9, =x',
    ])
      t.equal(callerOf(proxy, undefined, forwarded), 'unclear', forwarded);
  },
);

t.test('where both headers stand they must lead to the same caller', async (t) => {
  for (const [sentence, forwardedFor, forwarded, caller] of [
    ['they do', '203.0.113.9', 'for=203.0.113.9', '203.0.113.9'],
    ['over different proxies', '203.0.113.9, 10.0.0.2', 'for="203.0.113.9:1"', '203.0.113.9'],
    ['in another spelling', '2001:db8::1', 'for="[2001:DB8:0:0::1]"', '2001:db8::1'],
    ['the caller wrote one of them', '203.0.113.9', 'for=198.51.100.9', 'unclear'],
    ['or wrote it first', '1.1.1.1, 203.0.113.9', 'for=1.1.1.1', 'unclear'],
    ['one is broken', '203.0.113.9', 'for=203.0.113.9, for="', 'unclear'],
    ['one hides the caller', '203.0.113.9', 'for=unknown', 'unclear'],
    ['neither knows the caller', 'unknown', 'for=_x', '10.0.0.1'],
  ] as const)
    t.equal(callerOf(proxy, forwardedFor, forwarded), caller, sentence);
  t.equal(callerOf(stranger, '203.0.113.9', 'for=198.51.100.9'), '198.51.100.1', 'of nobody else at all');
});

t.test(
  'whatever a caller writes before it, what the nearest proxy adds decides or nothing does',
  async () => {
    const added = constantFrom(
      'for=203.0.113.9',
      'for="203.0.113.9:80"',
      'for=203.0.113.9;host="a:1";proto=https',
    );
    const piece = constantFrom(
      'for=',
      '"',
      '\\',
      ',',
      ';',
      '=',
      ' ',
      '1.1.1.1',
      '[',
      ']',
      'host',
      ':',
      '_x',
      'é',
    );
    assert(
      property(array(piece, { maxLength: 12 }), added, (pieces, own) => {
        const caller = callerOf(proxy, undefined, `${pieces.join('')}, ${own}`);
        return caller === '203.0.113.9' || caller === 'unclear';
      }),
      { numRuns: 5_000 },
    );
    assert(
      property(array(piece, { maxLength: 12 }), (pieces) => {
        return callerOf(proxy, `${pieces.join('')}, 203.0.113.9:80`) === '203.0.113.9';
      }),
      { numRuns: 2_000 },
    );
  },
);

t.test(
  'a caller whom nobody can make out has no more of the connections to the API than an address',
  async (t) => {
    const shares = new CallerShares({ connectionsMax: 8, callerShare: 1, addressShare: 0.25 });
    const claimOf = (id: string) =>
      shares.claimOf({
        permit: { identity: anIdentity({ user: { id, name: id, roles: [] } }) },
        addressBlock: addressBlockOf(callerOf(proxy, '203.0.113.9', `for=${id}`)),
      });
    for (const id of ['ann', 'bob']) claimOf(id).take();
    t.equal(claimOf('eve').usedUp, 'addressShare');
  },
);

t.test('a long header is read in one go, however it is made', async (t) => {
  const long = 200_000;
  for (const forwarded of [
    `for=1.1.1.1${' '.repeat(long)}x`,
    'a'.repeat(long),
    `a="${'\\a'.repeat(long)}`,
    `a=${'b'.repeat(long)} c`,
    `${';'.repeat(long)}"`,
    `${' ;'.repeat(long)}"`,
  ]) {
    const startMs = performance.now();
    t.equal(callerOf(proxy, undefined, forwarded), 'unclear');
    t.ok(performance.now() - startMs < 5_000, 'not quadratic');
  }
});
