// Issue 9, number 15: usage for each API token and day. Each batch counts once, however often it is sent.

import type { Test } from 'tap';
import type { TokenStore } from '../../src/store/token-store.ts';
import { addDays, dayOf, type TokenUsage, type UsageBatch } from '../../src/store/usage-store.ts';
import { exampleOrg, exampleToken, exampleUser } from './examples.ts';
import { type MakePlace, openFurnished, openStores, sure } from './places.ts';

// Hashes of Redis end by the clock of its server: a day that is long over would be gone at once.
const today = dayOf(Date.now());
const yesterday = addDays(today, -1);
const everyDay = { from: '0001-01-01', to: '9999-12-31' };

const batchOf = (
  number: number,
  sums: readonly TokenUsage[],
  more: Partial<UsageBatch> = {},
): UsageBatch => ({
  writer: 'one',
  number,
  day: today,
  keepDays: 90,
  sums,
  ...more,
});

const useOf = (
  { token }: ReturnType<typeof exampleToken>,
  [requests, refused, bytesIn, bytesOut]: readonly [number, number, number, number],
): TokenUsage => {
  const { id: tokenId, orgId, userId } = token;
  return { tokenId, orgId, userId, requests, refused, bytesIn, bytesOut };
};

export const usageContract = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('uses of several tokens add up for each token, user and org', async (t) => {
    const { store, another, org, user, made } = await openFurnished(t, makePlace);
    const others = Array.from({ length: 20 }, () => exampleToken(exampleUser(org.id)));
    const sameUser = exampleToken(user);
    const stranger = exampleToken(exampleUser(exampleOrg().id));
    const sums = [
      useOf(made, [3, 1, 10, 100]),
      useOf(sameUser, [1, 0, 0, 7]),
      useOf(stranger, [9, 9, 9, 9]),
      ...others.map((other) => useOf(other, [1, 1, 1, 1])),
    ];
    t.equal(await store.addUsage(batchOf(1, sums)), 'done');
    t.equal(
      await (await another()).addUsage(batchOf(1, [useOf(made, [1, 0, 5, 0])], { writer: 'two' })),
      'done',
    );
    const sumOf = async (subject: Parameters<TokenStore['readUsage']>[0]) =>
      sure(await store.readUsage(subject, everyDay));
    const day = { day: today };
    t.same(await sumOf({ tokenId: made.token.id }), [
      { ...day, requests: 4, refused: 1, bytesIn: 15, bytesOut: 100 },
    ]);
    t.same(await sumOf({ orgId: org.id, userId: user.id }), [
      { ...day, requests: 5, refused: 1, bytesIn: 15, bytesOut: 107 },
    ]);
    t.same(await sumOf({ orgId: org.id, userId: undefined }), [
      { ...day, requests: 25, refused: 21, bytesIn: 35, bytesOut: 127 },
    ]);
    t.same(await sumOf({ tokenId: stranger.token.id }), [
      { ...day, requests: 9, refused: 9, bytesIn: 9, bytesOut: 9 },
    ]);
  });

  t.test(
    'a batch that is sent again after an unknown outcome adds nothing, nor does an earlier one',
    async (t) => {
      const { store, another, made } = await openFurnished(t, makePlace);
      const other = await another();
      const use = useOf(made, [1, 0, 2, 3]);
      const requests = async () =>
        sure(await store.readUsage({ tokenId: made.token.id }, everyDay)).map((each) => each.requests);
      for (const each of [store, store, other]) t.equal(await each.addUsage(batchOf(7, [use])), 'done');
      t.same(await requests(), [1]);
      t.equal(await store.addUsage(batchOf(8, [use])), 'done');
      t.equal(await other.addUsage(batchOf(7, [use])), 'done', 'one that was late on its way');
      t.same(await requests(), [2]);
      await Promise.all(
        Array.from({ length: 10 }, (_, writer) =>
          store.addUsage(batchOf(1, [use], { writer: `w${writer}` })),
        ),
      );
      t.same(await requests(), [12], 'writers at the same time');
    },
  );

  t.test('each day has its own sums, and only those of the days asked for are answered', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const days = [yesterday, today, addDays(today, 1), addDays(today, -40)];
    for (const [index, day] of days.entries())
      await store.addUsage(batchOf(index, [useOf(made, [index + 1, 0, 0, 0])], { day }));
    const { id: tokenId } = made.token;
    for (const subject of [
      { tokenId },
      { orgId: org.id, userId: user.id },
      { orgId: org.id, userId: undefined },
    ]) {
      t.match(await store.readUsage(subject, { from: yesterday, to: today }), [
        { day: yesterday, requests: 1 },
        { day: today, requests: 2 },
      ]);
      t.match(await store.readUsage(subject, { from: today, to: today }), [{ day: today, requests: 2 }]);
      t.same(await store.readUsage(subject, { from: today, to: yesterday }), []);
      t.equal(sure(await store.readUsage(subject, everyDay)).length, 4);
    }
  });

  t.test('what has been kept for long enough is forgotten when a later day is counted', async (t) => {
    const { store, org, made } = await openFurnished(t, makePlace);
    const old = addDays(today, -10);
    const add = (number: number, day: string, keepDays: number) =>
      store.addUsage(batchOf(number, [useOf(made, [number, 0, 0, 0])], { day, keepDays }));
    await add(1, old, 9);
    await add(2, addDays(today, -9), 9);
    await add(3, today, 9);
    for (const subject of [{ tokenId: made.token.id }, { orgId: org.id, userId: undefined }])
      t.match(await store.readUsage(subject, everyDay), [{ requests: 2 }, { requests: 3 }]);
  });

  t.test('sums of large numbers stay whole numbers that can be read', async (t) => {
    const { store, made } = await openFurnished(t, makePlace);
    const huge = Number.MAX_SAFE_INTEGER;
    await store.addUsage(batchOf(1, [useOf(made, [1, 0, huge - 5, huge])]));
    await store.addUsage(batchOf(2, [useOf(made, [1, 0, 4, 1])]));
    t.same(await store.readUsage({ tokenId: made.token.id }, everyDay), [
      { day: today, requests: 2, refused: 0, bytesIn: huge - 1, bytesOut: huge },
    ]);
  });

  t.test('nothing is known of what was never used, and what can be no id is passed over', async (t) => {
    const [store] = await openStores(t, makePlace);
    const stranger = exampleToken(exampleUser(exampleOrg().id));
    t.same(await store.readUsage({ tokenId: stranger.token.id }, everyDay), []);
    t.same(await store.readUsage({ tokenId: 'no id' }, everyDay), []);
    t.same(await store.readUsage({ orgId: 'nowhere', userId: 'nobody' }, everyDay), []);
    t.same(await store.readUsage({ orgId: '\ud800', userId: undefined }, everyDay), []);
    t.equal(await store.addUsage(batchOf(1, [])), 'done');
    const noId = { ...useOf(stranger, [1, 1, 1, 1]), tokenId: 'no id' };
    t.equal(await store.addUsage(batchOf(2, [noId, useOf(stranger, [1, 0, 0, 0])])), 'done');
    t.match(await store.readUsage({ tokenId: stranger.token.id }, everyDay), [{ requests: 1 }]);
  });

  t.test(
    'the use of a token stays when it is revoked, given a new secret, or its user is deleted',
    async (t) => {
      const { store, org, user, made } = await openFurnished(t, makePlace);
      const { id: tokenId } = made.token;
      await store.addUsage(batchOf(1, [useOf(made, [1, 0, 0, 0])]));
      const { digest } = exampleToken(user);
      await store.regenerateToken(tokenId, { digest, number: 1, previousUntilMs: undefined }, Date.now());
      await store.addUsage(batchOf(2, [useOf(made, [1, 0, 0, 0])]));
      await store.revokeToken(tokenId, Date.now());
      await store.deleteUser(org.id, user.id, Date.now());
      for (const subject of [{ tokenId }, { orgId: org.id, userId: user.id }])
        t.match(await store.readUsage(subject, everyDay), [{ requests: 2 }]);
    },
  );
};
