// The contract of reminders: which tokens are looked at next, who sends, and that no reminder is begun by two.

import type { Test } from 'tap';
import type { ReminderKey } from '../../src/store/reminder-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { exampleToken, startMs } from './examples.ts';
import { type MakePlace, openFurnished, openStores, sure } from './places.ts';

// Records of Redis end by the clock of its server: what is to last must end later than now.
const expiresAtMs = startMs + 3_600_000;

const claimOf = (holder: string, nowMs: number) => ({
  holder,
  nowMs,
  staleMs: 60_000,
  keepUntilMs: expiresAtMs,
});

export const reminders = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('a new token that will expire is looked at, and again when it was said', async (t) => {
    const { store, another, user } = await openFurnished(t, makePlace);
    const [one, two] = [exampleToken(user, { expiresAtMs }), exampleToken(user, { expiresAtMs })];
    for (const { token, digest } of [one, two]) await store.createToken(token, digest);
    const looks = async (nowMs: number): Promise<readonly string[]> =>
      [...sure(await store.listReminderLooks(nowMs, 10))].sort();
    t.same(await looks(startMs), [one.token.id, two.token.id].sort(), 'not the one that never expires');
    t.equal(sure(await store.listReminderLooks(startMs, 1)).length, 1, 'no more than was asked for');
    const planned = [
      { tokenId: one.token.id, atMs: startMs + 5_000 },
      { tokenId: two.token.id, atMs: undefined },
      { tokenId: 'no id at all', atMs: 1 },
      { tokenId: exampleToken(user).token.id, atMs: 1 },
    ];
    t.equal(await (await another()).planReminderLooks(planned), 'done');
    t.same(await looks(startMs + 4_999), []);
    t.same(await looks(startMs + 5_000), [one.token.id]);
    t.same(await looks(startMs + 9e9), [one.token.id], 'what is never looked at again is not there');
    t.equal(await store.planReminderLooks([]), 'done');
  });

  t.test('a revoked token, and that of a deleted user, is not looked at', async (t) => {
    const { store, org, user } = await openFurnished(t, makePlace);
    const [one, two] = [exampleToken(user, { expiresAtMs }), exampleToken(user, { expiresAtMs })];
    for (const { token, digest } of [one, two]) await store.createToken(token, digest);
    await store.revokeToken(one.token.id, startMs);
    t.same(await store.listReminderLooks(startMs, 10), [two.token.id]);
    await store.planReminderLooks([{ tokenId: one.token.id, atMs: 0 }]);
    t.same(await store.listReminderLooks(startMs, 10), [two.token.id], 'planning does not bring it back');
    await store.deleteUser(org.id, user.id, startMs);
    t.same(await store.listReminderLooks(startMs, 10), []);
  });

  t.test('many tokens are looked at in steps, each once', async (t) => {
    const { store, user } = await openFurnished(t, makePlace);
    const made = Array.from({ length: 25 }, () => exampleToken(user, { expiresAtMs }));
    await Promise.all(made.map(({ token, digest }) => store.createToken(token, digest)));
    const seen: string[] = [];
    for (;;) {
      const ids = sure(await store.listReminderLooks(startMs, 10));
      if (ids.length === 0) break;
      seen.push(...ids);
      await store.planReminderLooks(ids.map((tokenId) => ({ tokenId, atMs: startMs + 1_000 })));
    }
    t.same(seen.toSorted(), made.map(({ token }) => token.id).sort());
  });

  t.test('one holder has the lease; another gets it once it ends or is let go', async (t) => {
    const [store, another] = await openStores(t, makePlace);
    const other = await another();
    t.equal(await store.leaseReminders('one', startMs, 60_000), 'held');
    t.equal(await store.leaseReminders('one', startMs + 1, 60_000), 'held', 'for longer');
    t.equal(await other.leaseReminders('two', startMs + 2, 60_000), 'taken');
    t.equal(await other.leaseReminders('two', startMs + 2, 0), 'taken', 'nobody lets go for another');
    t.equal(await store.leaseReminders('one', startMs + 3, 0), 'held');
    t.equal(await other.leaseReminders('two', startMs + 4, 60_000), 'held');
    t.equal(await store.leaseReminders('one', startMs + 5, 60_000), 'taken');
  });

  t.test('a reminder is begun once, by one', async (t) => {
    const { store, another, key } = await withKey(t, makePlace);
    const other = await another();
    t.same(await store.findReminders(key.tokenId), []);
    const claims = await Promise.all(
      [store, other, store, other].map((each, index) =>
        each.claimReminder(key, claimOf(`holder-${index}`, startMs)),
      ),
    );
    t.same(claims.map(String).sort(), ['busy', 'busy', 'busy', 'claimed']);
    const holder = `holder-${claims.indexOf('claimed')}`;
    t.same(await other.findReminders(key.tokenId), [
      { thresholdMs: 1_000, channel: 'mail', state: 'sending', attempts: 1, atMs: startMs, holder },
    ]);
    await store.settleReminder(key, { holder, state: 'sent', atMs: startMs + 1 });
    for (const each of ['holder-9', holder])
      t.equal(await other.claimReminder(key, claimOf(each, startMs + 9e6)), 'settled');
    t.match(await store.findReminders(key.tokenId), [{ state: 'sent', atMs: startMs + 1 }]);
    for (const each of [
      { ...key, channel: 'webhook' as const },
      { ...key, thresholdMs: 2_000 },
    ])
      t.equal(await store.claimReminder(each, claimOf('one', startMs)), 'claimed', 'another one');
    t.equal(sure(await store.findReminders(key.tokenId)).length, 3);
  });

  t.test('what a process left when it died is begun again, and said to be repeated', async (t) => {
    const { store, key } = await withKey(t, makePlace);
    t.equal(await store.claimReminder(key, claimOf('dead', startMs)), 'claimed');
    t.equal(await store.claimReminder(key, claimOf('one', startMs + 59_999)), 'busy');
    t.equal(await store.claimReminder(key, claimOf('one', startMs + 60_000)), 'repeated');
    t.equal(await store.claimReminder(key, claimOf('two', startMs + 60_001)), 'busy');
    await store.settleReminder(key, { holder: 'dead', state: 'failed', atMs: startMs + 60_002 });
    t.match(await store.findReminders(key.tokenId), [{ state: 'sending', holder: 'one', attempts: 2 }]);
    await store.settleReminder(key, { holder: 'dead', state: 'sent', atMs: startMs + 60_003 });
    t.match(await store.findReminders(key.tokenId), [{ state: 'sent' }], 'it was sent, whoever did it');
    await store.settleReminder(key, { holder: 'one', state: 'failed', atMs: startMs + 60_004 });
    t.match(await store.findReminders(key.tokenId), [{ state: 'sent' }]);
  });

  t.test('one that failed is begun again, one that was given up is not', async (t) => {
    const { store, key } = await withKey(t, makePlace);
    await store.claimReminder(key, claimOf('one', startMs));
    await store.settleReminder(key, { holder: 'one', state: 'failed', atMs: startMs + 1 });
    t.match(await store.findReminders(key.tokenId), [{ state: 'failed', attempts: 1, atMs: startMs + 1 }]);
    t.equal(await store.claimReminder(key, claimOf('two', startMs + 2)), 'claimed');
    await store.settleReminder(key, { holder: 'two', state: 'given_up', atMs: startMs + 3 });
    t.match(await store.findReminders(key.tokenId), [{ state: 'given_up', attempts: 2 }]);
    t.equal(await store.claimReminder(key, claimOf('one', startMs + 9e6)), 'settled');
    const unknown = { ...key, thresholdMs: 7_000 };
    t.equal(
      await store.settleReminder(unknown, { holder: 'one', state: 'sent', atMs: startMs }),
      'done',
      'of one that nobody began nothing is written',
    );
    t.equal(sure(await store.findReminders(key.tokenId)).length, 1);
  });
};

const withKey = async (
  t: Test,
  makePlace: MakePlace,
): Promise<{
  readonly store: TokenStore;
  readonly another: () => Promise<TokenStore>;
  readonly key: ReminderKey;
}> => {
  const { store, another, user } = await openFurnished(t, makePlace);
  const { token, digest } = exampleToken(user, { expiresAtMs });
  await store.createToken(token, digest);
  return { store, another, key: { tokenId: token.id, thresholdMs: 1_000, channel: 'mail' } };
};
