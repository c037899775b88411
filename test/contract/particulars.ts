// The contract of what does not grant or take away: uses, what a token carries; and of passwords.

import type { Test } from 'tap';
import { exampleToken, startMs, nthGeneration } from './examples.ts';
import { recordFeed } from './recorded-feed.ts';
import { type MakePlace, openFurnished, sure } from './places.ts';

export const particulars = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('the last use is remembered, never goes back, and is told to nobody', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const told = recordFeed();
    const subscription = store.follow(told);
    t.teardown(() => subscription.close());
    const other = exampleToken(user);
    await store.createToken(other.token, other.digest);
    const lastUse = async (): Promise<number | undefined> =>
      sure(await store.findToken(made.token.id))?.lastUsedAtMs;
    t.equal(await lastUse(), undefined);
    const use = (atMs: number) => ({ tokenId: made.token.id, atMs });
    const unknown = { tokenId: exampleToken(user).token.id, atMs: startMs };
    t.equal(
      await store.recordUses([use(startMs + 5), unknown, { tokenId: 'no id at all', atMs: 1 }]),
      'done',
    );
    t.equal(await lastUse(), startMs + 5);
    t.equal(await store.recordUses([use(startMs + 1)]), 'done');
    t.equal(await lastUse(), startMs + 5);
    t.equal(await store.recordUses([]), 'done');
    t.same(sure(await store.findApiToken(made.digest))?.token, { ...made.token, lastUsedAtMs: startMs + 5 });
    t.same(await store.findToken(other.token.id), other.token);
    t.equal(await store.findToken(unknown.tokenId), undefined, 'an unknown token is not made up');
    await store.revokeAll(org.id, user.id, startMs);
    await told.until(() => told.lines.length > 0);
    t.same(
      told.lines.map(({ kind }) => kind),
      ['user'],
    );
  });

  t.test('a thousand uses at once are all remembered', async (t) => {
    const { store, user } = await openFurnished(t, makePlace);
    const made = Array.from({ length: 150 }, () => exampleToken(user));
    await Promise.all(made.map(({ token, digest }) => store.createToken(token, digest)));
    const uses = Array.from({ length: 1_000 }, (_, index) => ({
      tokenId: made[index % made.length]!.token.id,
      atMs: startMs + index,
    }));
    t.equal(await store.recordUses(uses), 'done');
    const last = Math.max(
      ...(await Promise.all(made.map(({ token }) => store.findToken(token.id)))).map(
        (record) => sure(record)?.lastUsedAtMs ?? 0,
      ),
    );
    t.equal(last, startMs + 999);
  });

  t.test('labels, the ID-token wish and the reminder come back as they were', async (t) => {
    const { store, user } = await openFurnished(t, makePlace);
    const labels = [
      { name: 'team', value: '東京 "x" \\' },
      { name: '__proto__', value: '' },
    ];
    const { token, digest } = exampleToken(user, { openid: true, notifyBeforeExpiryMs: 864_000_000, labels });
    t.equal(await store.createToken(token, digest), 'created');
    t.same(await store.findToken(token.id), token);
    t.same(sure(await store.findApiToken(digest))?.token, token);
  });

  t.test('14: the networks of a token come back as they were, also with a new secret', async (t) => {
    const { store, user } = await openFurnished(t, makePlace);
    const { token, digest } = exampleToken(user, { allowFrom: ['10.0.0.0/8', '2001:db8::/32'] });
    t.equal(await store.createToken(token, digest), 'created');
    t.same(await store.findToken(token.id), token);
    t.same(sure(await store.findApiToken(digest))?.token, token);
    const next = { number: 1, digest: exampleToken(user).digest, previousUntilMs: undefined };
    t.match(await store.regenerateToken(token.id, next, startMs), { allowFrom: token.allowFrom });
    t.same(sure(await store.findApiToken(next.digest))?.token.allowFrom, token.allowFrom);
  });

  t.test("a new password moves the user's generation, the same one again does not", async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const after = async (passwordHash: string | null) => {
      const changed = sure(await store.changeUser(org.id, user.id, { passwordHash }, startMs));
      return [changed?.passwordHash, changed?.generation, changed?.tokenGenerationMin];
    };
    t.same(await after('$scrypt$one'), ['$scrypt$one', nthGeneration(1), 0]);
    t.same(await after('$scrypt$one'), ['$scrypt$one', nthGeneration(1), 0]);
    t.same(await after('$scrypt$two'), ['$scrypt$two', nthGeneration(2), 0]);
    t.match(await store.changeUser(org.id, user.id, { name: 'Ada B' }, startMs), {
      passwordHash: '$scrypt$two',
    });
    t.match(await store.findUser(org.id, user.id), {
      passwordHash: '$scrypt$two',
      generation: nthGeneration(2),
    });
    t.notOk(
      'passwordHash' in (sure(await store.findApiToken(made.digest))?.user ?? {}),
      'not on the request path',
    );
    const renewal = { known: '$scrypt$two', next: '$scrypt$three' };
    t.equal(await store.renewPasswordHash(org.id, user.id, renewal), 'renewed');
    t.equal(
      await store.renewPasswordHash(org.id, user.id, renewal),
      'renewed',
      'repeated after an unknown outcome',
    );
    const stale = { known: '$scrypt$two', next: '$scrypt$four' };
    t.equal(
      await store.renewPasswordHash(org.id, user.id, stale),
      'changed',
      'a new password is never undone',
    );
    t.equal(await store.renewPasswordHash(org.id, 'nobody', stale), 'changed');
    const hashed = { passwordHash: '$scrypt$three', generation: nthGeneration(2) };
    t.match(await store.findUser(org.id, user.id), hashed, 'and no session ends');
    t.same(await after(null), [undefined, nthGeneration(3), 0]);
    t.equal(await store.renewPasswordHash(org.id, user.id, renewal), 'changed');
    t.same(await store.findUser(org.id, user.id), { ...user, name: 'Ada B', generation: nthGeneration(3) });
  });
};
