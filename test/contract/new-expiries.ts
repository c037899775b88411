// The contract of a new secret with another expiry: the record, where it is listed, when it is looked at, what the feed says.

import type { Test } from 'tap';
import type { Change } from '../../src/store/records.ts';
import { neverMs, type TokenScan } from '../../src/store/token-listing.ts';
import type { TokenExpiry } from '../../src/store/api-token-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { exampleToken, startMs } from './examples.ts';
import { nextDigest } from './new-secrets.ts';
import { isAlive, type MakePlace, openFurnished, sure } from './places.ts';
import { recordFeed } from './recorded-feed.ts';

const dayMs = 86_400_000;
const soonMs = startMs + 5 * dayMs;
const lateMs = startMs + 90 * dayMs;

const expiry = (expiresAtMs: number | undefined, renewedAtMs = startMs): TokenExpiry => ({
  expiresAtMs,
  renewedAtMs,
});

const openWithTokens = async (t: Test, makePlace: MakePlace) => {
  const { store, another, org, user } = await openFurnished(t, makePlace);
  // What the text of a document could be mistaken for.
  const name = '"expiresAtMs":1,"renewedAtMs":2}';
  const ends = [soonMs, startMs + 30 * dayMs, undefined];
  const made = ends.map((expiresAtMs) =>
    exampleToken(user, { name, expiresAtMs, allowFrom: ['10.0.0.0/8'] }),
  );
  for (const { token, digest } of made) await store.createToken(token, digest);
  return { store, another, org, user, made };
};

export const newExpiries = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('a new secret may come with another expiry: later, earlier, or never', async (t) => {
    const { store, made } = await openWithTokens(t, makePlace);
    for (const { token } of made)
      for (const [at, expiresAtMs] of [lateMs, soonMs, undefined, lateMs].entries()) {
        const digest = nextDigest(token);
        const next = { digest, number: at + 1, previousUntilMs: undefined, expiry: expiry(expiresAtMs, at) };
        const record = sure(await store.regenerateToken(token.id, next, startMs));
        const wanted = { ...token, secretNumber: at + 1, expiresAtMs, renewedAtMs: at };
        t.same(record, wanted);
        t.same(await store.regenerateToken(token.id, next, startMs + 1), wanted, 'and again the same');
        t.same(await store.findToken(token.id), wanted);
        t.same(sure(await store.findApiToken(digest))?.token, wanted);
      }
  });

  t.test('another expiry with the same number changes nothing, and a revoked token gets none', async (t) => {
    const { store, made } = await openWithTokens(t, makePlace);
    const [{ token }] = made as [ReturnType<typeof exampleToken>];
    const next = { digest: nextDigest(token), number: 1, previousUntilMs: undefined };
    const first = await store.regenerateToken(token.id, { ...next, expiry: expiry(lateMs) }, startMs);
    t.match(first, { expiresAtMs: lateMs });
    const other = { ...next, expiry: expiry(undefined) };
    t.same(await store.regenerateToken(token.id, other, startMs), first);
    t.equal(await store.regenerateToken(token.id, { ...other, number: 3 }, startMs), 'outdated');
    const rival = { ...other, digest: nextDigest(token) };
    t.equal(await store.regenerateToken(token.id, rival, startMs), 'outdated');
    const kept = { ...next, digest: nextDigest(token), number: 2 };
    t.match(await store.regenerateToken(token.id, kept, startMs), {
      expiresAtMs: lateMs,
      renewedAtMs: startMs,
    });
    await store.revokeToken(token.id, startMs);
    const third = { ...other, number: 3, digest: nextDigest(token) };
    t.equal(await store.regenerateToken(token.id, third, startMs), 'revoked');
    t.match(await store.findToken(token.id), { state: 'revoked', expiresAtMs: lateMs });
    const unknown = exampleToken({ orgId: token.orgId, id: token.userId }).token;
    t.equal(
      await store.regenerateToken(unknown.id, { ...other, digest: nextDigest(unknown) }, startMs),
      'unknown',
    );
  });

  t.test('it is listed, counted and bounded by its new expiry alone', async (t) => {
    const { store, org, user, made } = await openWithTokens(t, makePlace);
    const [soon, middle, never] = made.map(({ token }) => token) as [Token, Token, Token];
    const listed = async (userId: string | undefined): Promise<readonly string[]> => {
      const tokens = await byExpiry(store, { orgId: org.id, userId });
      return tokens.filter((id) => made.some(({ token }) => token.id === id));
    };
    const unexpired = (unexpiredAtMs: number) =>
      store.countTokens({ orgId: org.id, userId: user.id, part: 'live', unexpiredAtMs });
    t.same(await listed(user.id), [soon.id, middle.id, never.id]);
    const give = async (token: Token, expiresAtMs: number | undefined, number = 1): Promise<void> => {
      const next = { digest: nextDigest(token), number, previousUntilMs: undefined };
      const made = await store.regenerateToken(token.id, { ...next, expiry: expiry(expiresAtMs) }, startMs);
      t.match(made, { expiresAtMs });
    };
    await give(soon, lateMs);
    await give(never, soonMs);
    for (const userId of [user.id, undefined])
      t.same(await listed(userId), [never.id, middle.id, soon.id], 'each once');
    t.equal(await unexpired(soonMs), 3, 'the one that never expires of the place, and two');
    await give(middle, undefined);
    for (const userId of [user.id, undefined]) t.same(await listed(userId), [never.id, soon.id, middle.id]);
    t.equal(await unexpired(lateMs), 2);
    const another = exampleToken(user, { createdAtMs: soonMs });
    t.equal(await store.createToken(another.token, another.digest, 3), 'too_many');
    t.equal(await store.createToken(another.token, another.digest, 4), 'created');
    await store.revokeToken(soon.id, startMs);
    t.same(await listed(user.id), [never.id, middle.id]);
  });

  t.test(
    'it is looked at for reminders at once, whatever was planned; not where it never expires',
    async (t) => {
      const { store, made } = await openWithTokens(t, makePlace);
      const [soon, middle, never] = made.map(({ token }) => token) as [Token, Token, Token];
      const plans = [soon, middle].map(({ id }, at) => ({
        tokenId: id,
        atMs: at === 0 ? undefined : lateMs,
      }));
      await store.planReminderLooks(plans);
      t.same(await store.listReminderLooks(startMs, 10), []);
      const ends = new Map([
        [soon, lateMs],
        [middle, undefined],
        [never, soonMs],
      ]);
      for (const [token, expiresAtMs] of ends) {
        const next = { digest: nextDigest(token), number: 1, previousUntilMs: undefined };
        await store.regenerateToken(token.id, { ...next, expiry: expiry(expiresAtMs) }, startMs);
      }
      t.same([...sure(await store.listReminderLooks(startMs, 10))].sort(), [soon.id, never.id].sort());
      t.same([...sure(await store.listReminderLooks(lateMs, 10))].sort(), [soon.id, never.id].sort());
    },
  );

  t.test('a reminder that was sent before the new expiry was given is begun anew', async (t) => {
    const { store, made } = await openWithTokens(t, makePlace);
    const key = { tokenId: made[0]!.token.id, thresholdMs: 1_000, channel: 'mail' } as const;
    const claim = { holder: 'one', nowMs: startMs, staleMs: 60_000, keepUntilMs: soonMs };
    t.equal(await store.claimReminder(key, claim), 'claimed');
    await store.settleReminder(key, { holder: 'one', state: 'sent', atMs: startMs + 1 });
    const later = { ...claim, nowMs: startMs + 10, keepUntilMs: lateMs };
    t.equal(await store.claimReminder(key, { ...later, sinceMs: startMs + 1 }), 'settled');
    t.equal(await store.claimReminder(key, { ...later, sinceMs: startMs + 2 }), 'claimed');
    t.match(await store.findReminders(key.tokenId), [{ state: 'sending', attempts: 1, atMs: startMs + 10 }]);
    t.equal(await store.claimReminder(key, { ...later, holder: 'two', sinceMs: startMs + 2 }), 'busy');
  });

  t.test('the feed says the expiry, and a lost one is given back with the secret', async (t) => {
    const { store, another, org, user, made } = await openWithTokens(t, makePlace);
    const told = recordFeed();
    const subscription = (await another()).follow(told);
    t.teardown(() => subscription.close());
    const [soon, middle, never] = made.map(({ token }) => token) as [Token, Token, Token];
    const next = { digest: nextDigest(soon), number: 1, previousUntilMs: undefined };
    await store.regenerateToken(soon.id, { ...next, expiry: expiry(lateMs) }, startMs);
    await told.until(() => told.lines.length > 0);
    const about = { kind: 'secret', secretNumber: 1, previousUntilMs: undefined } as const;
    const { previousUntilMs: _, ...line } = { ...about, tokenId: soon.id, digest: next.digest };
    t.same(told.lines, [{ ...line, atMs: startMs, endsAtMs: lateMs }]);

    const nowMs = Date.now();
    const lost: readonly Change[] = [
      { ...line, endsAtMs: soonMs, atMs: nowMs },
      { ...about, tokenId: middle.id, digest: nextDigest(middle), endsAtMs: neverMs, atMs: nowMs },
      { ...about, tokenId: never.id, digest: nextDigest(never), endsAtMs: soonMs, atMs: nowMs },
    ];
    t.equal(await store.reapply(lost), 'done');
    t.match(await store.findToken(soon.id), { expiresAtMs: lateMs }, 'what was not lost stays');
    const given = sure(await store.findToken(middle.id));
    t.match([given?.secretNumber, given?.expiresAtMs, given?.renewedAtMs], [1, undefined, nowMs]);
    t.match(await store.findToken(never.id), { secretNumber: 1, expiresAtMs: soonMs, renewedAtMs: nowMs });
    for (const [index, change] of lost.entries())
      t.equal(await isAlive(store, change.kind === 'secret' ? change.digest : ''), true, `${index}`);
    const known = [never, soon, middle].map(({ id }) => id);
    for (const userId of [user.id, undefined]) {
      const ids = await byExpiry(store, { orgId: org.id, userId });
      t.same(
        ids.filter((id) => known.includes(id)),
        known,
      );
    }
    await told.until(() => told.lines.length >= 3);
    t.match(told.lines.slice(1), [{ endsAtMs: neverMs }, { endsAtMs: soonMs }], 'told to the others too');
  });
};

type Token = ReturnType<typeof exampleToken>['token'];

const byExpiry = async (
  store: TokenStore,
  of: Pick<TokenScan, 'orgId' | 'userId'>,
): Promise<readonly string[]> => {
  const scan = { ...of, by: 'expiresAtMs', isDescending: false, parts: ['live'], after: undefined } as const;
  return sure(await store.scanTokens({ ...scan, limit: 100 })).tokens.map(({ id }) => id);
};
