import t from 'tap';
import { createCommandLimit } from '../../src/identity/command-limit.ts';

const account = (user: string) => ({
  org: { id: 'acme', name: 'Acme' },
  user: { id: user, name: user, roles: [] },
});

t.test(
  'each account has its own count, revocations one apart, and a minute later all begin again',
  async (t) => {
    let nowMs = 1_000;
    const limit = createCommandLimit(2, () => nowMs);
    const three = (user: string, kind: 'revocation' | 'other') =>
      [1, 2, 3].map(() => limit(account(user), kind));
    t.same(three('ann', 'other'), [true, true, false]);
    t.same(three('ann', 'revocation'), [true, true, false]);
    t.same(three('bob', 'other'), [true, true, false]);
    nowMs = 61_001;
    t.equal(limit(account('ann'), 'other'), true);
  },
);

t.test('0 is any number', async (t) => {
  const limit = createCommandLimit(0);
  t.ok(Array.from({ length: 1_000 }, () => limit(account('ann'), 'other')).every(Boolean));
});
