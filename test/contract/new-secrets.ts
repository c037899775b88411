// The contract of regenerating: a new secret for the same token, the old one dead at once or after an overlap.

import type { Test } from 'tap';
import { createSecret, digestOf } from '../../src/tokens/api-token.ts';
import { shardOfTokenId } from '../../src/tokens/shard.ts';
import type { ApiTokenRecord, Change } from '../../src/store/records.ts';
import { exampleToken, exampleUser, startMs } from './examples.ts';
import { recordFeed } from './recorded-feed.ts';
import { isAlive, type MakePlace, openFurnished, ownerOf, sure } from './places.ts';

/** The digest of a new secret that falls into the shard of a token. */
export const nextDigest = ({ id }: Pick<ApiTokenRecord, 'id'>): string =>
  digestOf(createSecret({ shard: shardOfTokenId(id), length: 65 }));

export const newSecrets = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('a token is found by its new secret; by the old one too, which is over', async (t) => {
    const { store, user, made } = await openFurnished(t, makePlace);
    const digest = nextDigest(made.token);
    const next = { digest, number: 1, previousUntilMs: undefined };
    const record = sure(await store.regenerateToken(made.token.id, next, startMs));
    t.same(record, { ...made.token, secretNumber: 1 });
    t.same(await store.findToken(made.token.id), record);
    const found = { token: record, user: ownerOf(user) };
    t.same(await store.findApiToken(digest), { ...found, secretNumber: 1 });
    t.same(await store.findApiToken(made.digest), { ...found, secretNumber: 0 });
    t.same([await isAlive(store, digest), await isAlive(store, made.digest)], [true, false]);
  });

  t.test('with an overlap the old secret is good until it ends', async (t) => {
    const { store, made } = await openFurnished(t, makePlace);
    const digest = nextDigest(made.token);
    const next = { digest, number: 1, previousUntilMs: startMs + 1_000 };
    t.match(await store.regenerateToken(made.token.id, next, startMs), {
      secretNumber: 1,
      previousSecretExpiresAtMs: startMs + 1_000,
    });
    t.equal(await isAlive(store, made.digest, startMs + 999), true);
    t.equal(await isAlive(store, made.digest, startMs + 1_000), false);
    t.equal(await isAlive(store, digest, startMs + 1_000), true);
  });

  t.test('the next secret ends an overlap: only the one before it may still be good', async (t) => {
    const { store, made } = await openFurnished(t, makePlace);
    const [first, second] = [nextDigest(made.token), nextDigest(made.token)];
    const overlap = { previousUntilMs: startMs + 1_000 };
    await store.regenerateToken(made.token.id, { digest: first, number: 1, ...overlap }, startMs);
    await store.regenerateToken(made.token.id, { digest: second, number: 2, ...overlap }, startMs);
    t.same(await Promise.all([made.digest, first, second].map((digest) => isAlive(store, digest))), [
      false,
      true,
      true,
    ]);
    const third = { digest: nextDigest(made.token), number: 3, previousUntilMs: undefined };
    t.match(await store.regenerateToken(made.token.id, third, startMs), {
      secretNumber: 3,
      previousSecretExpiresAtMs: undefined,
    });
    t.equal(await isAlive(store, second), false, 'a later one without an overlap has none');
  });

  t.test('the same secret again, after an unknown outcome, answers the same and burns nothing', async (t) => {
    const { store, made } = await openFurnished(t, makePlace);
    const next = { digest: nextDigest(made.token), number: 1, previousUntilMs: startMs + 5 };
    const first = await store.regenerateToken(made.token.id, next, startMs);
    t.same(await store.regenerateToken(made.token.id, next, startMs + 1), first);
    t.equal(await isAlive(store, next.digest), true);
  });

  t.test('of two who regenerate at once, one does, and the other is told to read again', async (t) => {
    const { store, another, made } = await openFurnished(t, makePlace);
    const second = await another();
    const rivals = [nextDigest(made.token), nextDigest(made.token)];
    const answers = await Promise.all(
      rivals.map((digest, index) =>
        [store, second][index]!.regenerateToken(
          made.token.id,
          { digest, number: 1, previousUntilMs: undefined },
          startMs,
        ),
      ),
    );
    t.equal(answers.filter((answer) => answer === 'outdated').length, 1);
    const winner = answers.findIndex((answer) => answer !== 'outdated');
    t.equal(await isAlive(store, rivals[winner]!), true);
    t.equal(await store.findApiToken(rivals[1 - winner]!), undefined);
    const skipping = { digest: nextDigest(made.token), number: 3, previousUntilMs: undefined };
    t.equal(await store.regenerateToken(made.token.id, skipping, startMs), 'outdated');
  });

  t.test(
    'a revoked or unknown token gets no new secret, and a taken digest is not taken twice',
    async (t) => {
      const { store, org, user, made } = await openFurnished(t, makePlace);
      const next = (token: ApiTokenRecord) => ({
        digest: nextDigest(token),
        number: 1,
        previousUntilMs: undefined,
      });
      const unknown = exampleToken(user).token;
      t.equal(await store.regenerateToken(unknown.id, next(unknown), startMs), 'unknown');
      t.equal(await store.regenerateToken('no id at all', next(made.token), startMs), 'unknown');
      const other = exampleToken(user);
      await store.createToken(other.token, other.digest);
      const taken = { ...next(made.token), digest: other.digest };
      t.equal(await store.regenerateToken(made.token.id, taken, startMs), 'digest_taken');
      const replaced = next(other.token);
      await store.regenerateToken(other.token.id, replaced, startMs);
      t.equal(
        await store.regenerateToken(made.token.id, taken, startMs),
        'digest_taken',
        'a replaced one too',
      );
      t.equal(await store.createToken(exampleToken(user).token, other.digest), 'digest_taken');
      t.same(sure(await store.findApiToken(made.digest))?.secretNumber, 0, 'and its secret stays');
      await store.revokeToken(made.token.id, startMs);
      t.equal(await store.regenerateToken(made.token.id, next(made.token), startMs), 'revoked');
      t.equal(sure(await store.findOrg(org.id))?.generation, 0);
    },
  );

  t.test('a new secret does not revive what a revoke-all has ended', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    await store.revokeAll(org.id, user.id, startMs);
    const next = { digest: nextDigest(made.token), number: 1, previousUntilMs: undefined };
    await store.regenerateToken(made.token.id, next, startMs);
    t.equal(await isAlive(store, next.digest), false);
  });

  t.test(
    'an imported token gets a secret of our own; the imported one is over wherever it lay',
    async (t) => {
      const { store, org } = await openFurnished(t, makePlace);
      const importer = exampleUser(org.id);
      await store.createUser(importer);
      for (let number = 0; number < 20; number++) {
        const { token } = exampleToken(importer, { origin: 'imported' });
        const legacy = digestOf(`legacy ${number}`);
        await store.createToken(token, legacy);
        const next = { digest: nextDigest(token), number: 1, previousUntilMs: startMs + 10 };
        t.match(await store.regenerateToken(token.id, next, startMs), { secretNumber: 1 });
        t.match(await store.findApiToken(next.digest), { token: { id: token.id }, secretNumber: 1 });
        t.match(await store.findApiToken(legacy), { token: { id: token.id }, secretNumber: 0 });
        t.equal(await isAlive(store, legacy, startMs + 10), false);
      }
    },
  );

  t.test('the feed tells of a new secret, once, with all that a replica needs', async (t) => {
    const { store, another, made } = await openFurnished(t, makePlace);
    const told = recordFeed();
    const subscription = (await another()).follow(told);
    t.teardown(() => subscription.close());
    const first = { digest: nextDigest(made.token), number: 1, previousUntilMs: undefined };
    const second = { digest: nextDigest(made.token), number: 2, previousUntilMs: startMs + 50 };
    await store.regenerateToken(made.token.id, first, startMs + 1);
    await store.regenerateToken(made.token.id, first, startMs + 2);
    await store.regenerateToken(made.token.id, second, startMs + 3);
    await told.until(() => told.lines.length >= 2);
    const about = { kind: 'secret', tokenId: made.token.id };
    t.same(told.lines, [
      { ...about, secretNumber: 1, digest: first.digest, atMs: startMs + 1 },
      { ...about, secretNumber: 2, digest: second.digest, previousUntilMs: startMs + 50, atMs: startMs + 3 },
    ]);
  });

  t.test('a lost new secret is given back: it opens again, and the old one does not', async (t) => {
    const { store, made } = await openFurnished(t, makePlace);
    const told = recordFeed();
    const subscription = store.follow(told);
    t.teardown(() => subscription.close());
    const digest = nextDigest(made.token);
    const nowMs = Date.now();
    const line: Change = { kind: 'secret', tokenId: made.token.id, secretNumber: 1, digest, atMs: nowMs };
    t.equal(await store.reapply([line]), 'done');
    t.same([await isAlive(store, digest), await isAlive(store, made.digest)], [true, false]);
    t.match(await store.findToken(made.token.id), { secretNumber: 1 });
    await store.reapply([line, { ...line, secretNumber: 0, digest: made.digest }]);
    t.equal(await isAlive(store, made.digest), false, 'an older line gives nothing back');
    await store.reapply([
      { ...line, secretNumber: 3, digest: nextDigest(made.token), previousUntilMs: nowMs * 2 },
    ]);
    t.equal(await isAlive(store, digest), false, 'the secrets between are not known and not good');
    await told.until(() => told.lines.length >= 2);
    t.same(
      told.lines.map((change) => change.kind === 'secret' && change.secretNumber),
      [1, 3],
      'and the other replicas are told once',
    );
    const unknown = exampleToken({ orgId: made.token.orgId, id: made.token.userId }).token;
    t.equal(await store.reapply([{ ...line, tokenId: unknown.id, digest: nextDigest(unknown) }]), 'done');
    t.equal(await store.findToken(unknown.id), undefined, 'a token that is gone is not made up');
  });
};
