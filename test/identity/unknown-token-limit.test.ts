import t from 'tap';
import { createUnknownTokenLimit } from '../../src/identity/unknown-token-limit.ts';

t.test('an address is blocked once it has used up its unknown tokens', async (t) => {
  const limit = createUnknownTokenLimit(2);
  t.notOk(limit.isBlocked('192.0.2.1'));
  limit.penalize('192.0.2.1');
  t.notOk(limit.isBlocked('192.0.2.1'));
  limit.penalize('192.0.2.1');
  t.ok(limit.isBlocked('192.0.2.1'));
  t.notOk(limit.isBlocked('192.0.2.2'), 'its neighbour is not');
});

t.test('past the limit one look-up a second is still made, so that nobody is locked out', async (t) => {
  let nowMs = 1_000;
  const limit = createUnknownTokenLimit(1, () => nowMs);
  t.ok(limit.takeTurn('192.0.2.1'), 'not blocked: no turn to take');
  limit.penalize('192.0.2.1');
  t.notOk(limit.takeTurn('192.0.2.1'));
  for (const later of [2_000, 3_500]) {
    nowMs = later;
    t.ok(limit.isBlocked('192.0.2.1'));
    t.ok(limit.takeTurn('192.0.2.1'));
    t.notOk(limit.takeTurn('192.0.2.1'), 'taken');
  }
  nowMs = 62_000;
  t.notOk(limit.isBlocked('192.0.2.1'));
  t.ok(limit.takeTurn('192.0.2.1'));
});

t.test('an IPv6 network of one customer counts as one address, an IPv4 one in IPv6 as itself', async (t) => {
  const limit = createUnknownTokenLimit(1);
  limit.penalize('2001:db8:1:2::5');
  limit.penalize('::ffff:192.0.2.1');
  limit.penalize('::1');
  t.ok(limit.isBlocked('2001:db8:1:2:ffff:1:1:1'));
  t.notOk(limit.isBlocked('2001:db8:1:3::5'));
  t.ok(limit.isBlocked('192.0.2.1'));
  t.notOk(limit.isBlocked('::ffff:192.0.2.2'));
  t.ok(limit.isBlocked('::1'));
});

t.test('no limit is no limit', async (t) => {
  const limit = createUnknownTokenLimit(0);
  for (let times = 0; times < 100; times++) limit.penalize('192.0.2.1');
  t.notOk(limit.isBlocked('192.0.2.1'));
});

t.test('however many addresses try, only the latest are kept in mind', async (t) => {
  const limit = createUnknownTokenLimit(1);
  limit.penalize('192.0.2.1');
  t.ok(limit.isBlocked('192.0.2.1'));
  for (let number = 0; number < 10_000; number++) limit.penalize(`10.0.${number >> 8}.${number & 255}`);
  t.notOk(limit.isBlocked('192.0.2.1'), 'forgotten');
  t.ok(limit.isBlocked('10.0.39.15'));
});
