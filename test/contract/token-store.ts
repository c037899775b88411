// The specification of the TokenStore port: every adapter passes this suite, whole.

import type { Test } from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import type { Change } from '../../src/store/records.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { digestOf } from '../../src/tokens/api-token.ts';
import { exampleKey, exampleOrg, exampleToken, exampleUser, startMs, nthGeneration } from './examples.ts';
import { auditContract } from './audit.ts';
import { counts } from './counts.ts';
import { deletions } from './deletions.ts';
import { lostLines } from './lost-lines.ts';
import { newExpiries } from './new-expiries.ts';
import { newSecrets } from './new-secrets.ts';
import { particulars } from './particulars.ts';
import { collect, isAlive, type MakePlace, openFurnished, openStores, ownerOf, sure } from './places.ts';
import { tokensOfUser } from '../support/tokens-of-user.ts';
import { recordFeed } from './recorded-feed.ts';
import { reminders } from './reminders.ts';
import { tokenListings } from './token-listings.ts';
import { usageContract } from './usage.ts';

export const tokenStoreContract = (t: Test, makePlace: MakePlace): void => {
  t.test('orgs', (t) => orgs(t, makePlace));
  t.test('users', (t) => users(t, makePlace));
  t.test('API tokens', (t) => tokens(t, makePlace));
  t.test('revocation', (t) => revocation(t, makePlace));
  t.test('deleted users and orgs', (t) => deletions(t, makePlace));
  t.test('new secrets', (t) => newSecrets(t, makePlace));
  t.test('new secrets with another expiry', (t) => newExpiries(t, makePlace));
  t.test('uses, passwords and what a token carries', (t) => particulars(t, makePlace));
  t.test('listings of API tokens', (t) => tokenListings(t, makePlace));
  t.test('reminders', (t) => reminders(t, makePlace));
  t.test('usage', (t) => usageContract(t, makePlace));
  t.test('counts', (t) => counts(t, makePlace));
  t.test('the audit', (t) => auditContract(t, makePlace));
  t.test('signing keys', (t) => keys(t, makePlace));
  t.test('revoked signing keys', (t) => revokedKeys(t, makePlace));
  t.test('the change feed', (t) => feed(t, makePlace));
  t.test('writing back what a server lost', (t) => reapply(t, makePlace));
  t.test('writing back lines that the feed lost', (t) => lostLines(t, makePlace));
  t.test('a store says that it answers look-ups, and what time it is', async (t) => {
    const [store] = await openStores(t, makePlace);
    const probe = sure(await store.probe());
    const [beforeMs, monotonicMs, afterMs] = [Date.now(), performance.now(), Date.now()];
    for (const { originMs, uncertaintyMs } of probe.readings)
      // Here all have one clock, which shows whole milliseconds.
      t.ok(
        originMs >= beforeMs - monotonicMs - uncertaintyMs - 2 &&
          originMs <= afterMs - monotonicMs + uncertaintyMs + 2,
        'a reading is wrong by its uncertainty at most',
      );
  });
  t.test('a closed store answers with an outage and throws nothing', async (t) => {
    const open = await makePlace(t);
    const store = await open();
    await store.close();
    t.ok(isOutage(await store.probe()));
    t.ok(isOutage(await store.findOrg('acme')));
    t.ok(isOutage(await store.findApiToken(digestOf('x'))));
    t.ok(isOutage(await store.createOrg(exampleOrg())));
    t.ok(isOutage(await store.revokeToken('00000000-0000-4000-8000-000000000000', startMs)));
  });
};

const orgs = async (t: Test, makePlace: MakePlace): Promise<void> => {
  const [store] = await openStores(t, makePlace);

  t.test('an org is found as it was created, and a second one of its id is refused', async (t) => {
    const org = exampleOrg({ tokenLifetimeMsMax: 86_400_000 });
    t.equal(await store.findOrg(org.id), undefined);
    t.equal(await store.createOrg(org), 'created');
    t.equal(await store.createOrg({ ...org, name: 'Impostor' }), 'exists');
    t.equal(await store.createOrg(org), 'created', 'the same attempt again, after an unknown outcome');
    t.same(await store.findOrg(org.id), org);
  });

  t.test('names in any script and roles of any name come back as they were', async (t) => {
    const org = exampleOrg({
      id: 'o@x~y.z-1',
      name: '東京 "Ünï" \\ \u{1F511} \'; DROP TABLE orgs --',
      roles: { constructor: ['a:b'], toString: [], 'with space': ['x'], empty: [] },
    });
    t.equal(await store.createOrg(org), 'created');
    t.same(await store.findOrg(org.id), org);
  });

  t.test('roles are defined, redefined and deleted one by one; other roles stay', async (t) => {
    const org = exampleOrg({ roles: { reader: ['a'], writer: ['b'] } });
    await store.createOrg(org);
    const changed = sure(
      await store.changeOrg(org.id, { roles: { writer: ['b', 'c'], reader: null, owner: ['d'] } }, startMs),
    );
    t.same(changed?.roles, { writer: ['b', 'c'], owner: ['d'] });
    t.same(await store.findOrg(org.id), changed);
  });

  t.test('every real change of state or roles moves the generation, a repeated one does not', async (t) => {
    const org = exampleOrg();
    await store.createOrg(org);
    const generationAfter = async (change: Parameters<TokenStore['changeOrg']>[1]) =>
      sure(await store.changeOrg(org.id, change, startMs))?.generation;
    t.equal(await generationAfter({ roles: { reader: [] } }), nthGeneration(1));
    t.equal(await generationAfter({ roles: { reader: [] } }), nthGeneration(1), 'the same roles again');
    t.equal(
      await generationAfter({ roles: { nobody: null } }),
      nthGeneration(1),
      'a role that is not there is deleted',
    );
    t.equal(await generationAfter({ state: 'disabled' }), nthGeneration(2));
    t.equal(await generationAfter({ state: 'disabled' }), nthGeneration(2), 'disabled again');
    t.equal(await generationAfter({ state: 'active' }), nthGeneration(3));
    t.equal(
      await generationAfter({ name: 'New name', tokenLifetimeMsMax: 1_000 }),
      nthGeneration(3),
      'nothing that grants',
    );
    t.equal(sure(await store.findOrg(org.id))?.tokenGenerationMin, 0, 'its API tokens live on');
  });

  t.test('a lifetime limit is set and taken away', async (t) => {
    const org = exampleOrg();
    await store.createOrg(org);
    t.match(await store.changeOrg(org.id, { tokenLifetimeMsMax: 5_000 }, startMs), {
      tokenLifetimeMsMax: 5_000,
    });
    t.match(await store.changeOrg(org.id, { name: 'B' }, startMs), { tokenLifetimeMsMax: 5_000, name: 'B' });
    t.equal(
      sure(await store.changeOrg(org.id, { tokenLifetimeMsMax: null }, startMs))?.tokenLifetimeMsMax,
      undefined,
    );
  });

  t.test('an org nobody knows cannot be changed', async (t) => {
    t.equal(await store.changeOrg('nobody', { name: 'x' }, startMs), undefined);
  });

  t.test('listing gives every org once, however small the pages', async (t) => {
    const [store] = await openStores(t, makePlace);
    const made = Array.from({ length: 7 }, () => exampleOrg());
    for (const org of made) await store.createOrg(org);
    for (const limit of [1, 3, 7, 100])
      t.same(
        ids(await collect((cursor) => store.listOrgs({ limit, cursor }))),
        ids(made),
        `pages of ${limit}`,
      );
  });
};

const users = async (t: Test, makePlace: MakePlace): Promise<void> => {
  const [store] = await openStores(t, makePlace);
  const org = exampleOrg();
  await store.createOrg(org);

  t.test('a user belongs to an org that exists, and is created once', async (t) => {
    const user = exampleUser(org.id, { roles: ['reader', 'constructor'], name: 'Ada Lovelace \u{1F9EE}' });
    t.equal(await store.createUser(exampleUser('nobody')), 'org_unknown');
    t.equal(await store.findUser(org.id, user.id), undefined);
    t.equal(await store.createUser(user), 'created');
    t.equal(await store.createUser({ ...user, roles: ['admin'] }), 'exists');
    t.equal(await store.createUser(user), 'created', 'the same attempt again, after an unknown outcome');
    t.same(await store.findUser(org.id, user.id), user);
    t.equal(await store.findUser('nobody', user.id), undefined);
  });

  t.test('every real change of state or roles moves the generation, a repeated one does not', async (t) => {
    const user = exampleUser(org.id, { roles: ['reader'] });
    await store.createUser(user);
    const generationAfter = async (change: Parameters<TokenStore['changeUser']>[2]) =>
      sure(await store.changeUser(org.id, user.id, change, startMs))?.generation;
    t.equal(await generationAfter({ roles: ['reader', 'admin'] }), nthGeneration(1));
    t.equal(await generationAfter({ roles: ['reader', 'admin'] }), nthGeneration(1), 'the same roles again');
    t.equal(await generationAfter({ state: 'disabled' }), nthGeneration(2));
    t.equal(await generationAfter({ state: 'disabled' }), nthGeneration(2), 'disabled again');
    t.equal(
      await generationAfter({ state: 'active', roles: [] }),
      nthGeneration(3),
      'two things at once are one change',
    );
    t.equal(await generationAfter({ name: 'New name' }), nthGeneration(3), 'a name grants nothing');
    t.match(sure(await store.findUser(org.id, user.id)), {
      name: 'New name',
      state: 'active',
      generation: nthGeneration(3),
      tokenGenerationMin: 0,
    });
    t.same(sure(await store.findUser(org.id, user.id))?.roles, []);
  });

  t.test('a user nobody knows cannot be changed', async (t) => {
    t.equal(await store.changeUser(org.id, 'nobody', { name: 'x' }, startMs), undefined);
  });

  t.test('listing gives every user of one org once, however small the pages', async (t) => {
    const [first, second] = [exampleOrg(), exampleOrg()];
    await store.createOrg(first);
    await store.createOrg(second);
    const made = Array.from({ length: 5 }, () => exampleUser(first.id));
    for (const user of [...made, exampleUser(second.id)]) await store.createUser(user);
    for (const limit of [1, 2, 5, 100]) {
      const listed = await collect((cursor) => store.listUsers(first.id, { limit, cursor }));
      t.same(ids(listed), ids(made), `pages of ${limit}`);
    }
    t.same(await store.listUsers('nobody', { limit: 10, cursor: undefined }), {
      items: [],
      nextCursor: undefined,
    });
  });
};

const tokens = async (t: Test, makePlace: MakePlace): Promise<void> => {
  const { store, org, user, made } = await openFurnished(t, makePlace);

  t.test('a secret is found by its digest, together with its user', async (t) => {
    t.same(await store.findApiToken(made.digest), {
      token: made.token,
      user: ownerOf(user),
      secretNumber: 0,
    });
    t.same(await store.findToken(made.token.id), made.token);
  });

  t.test('an unknown digest, and an unknown id, find nothing', async (t) => {
    const other = exampleToken(user);
    t.equal(await store.findApiToken(other.digest), undefined);
    t.equal(await store.findToken(other.token.id), undefined);
    t.equal(await store.findToken('no id at all'), undefined);
  });

  t.test(
    'creating a token again after an unknown outcome answers the same and changes nothing',
    async (t) => {
      t.equal(await store.createToken({ ...made.token, name: 'another' }, made.digest), 'created');
      t.same(await store.findToken(made.token.id), made.token);
    },
  );

  t.test('a digest belongs to one token, whoever its user is', async (t) => {
    const rival = exampleToken(user);
    t.equal(await store.createToken(rival.token, made.digest), 'digest_taken');
    const stranger = exampleUser(org.id);
    await store.createUser(stranger);
    t.equal(await store.createToken(exampleToken(stranger).token, made.digest), 'digest_taken');
    t.same(sure(await store.findApiToken(made.digest))?.token, made.token);
    t.equal(await store.findToken(rival.token.id), undefined, 'the refused one left nothing behind');
    t.equal(await store.createToken(made.token, rival.digest), 'digest_taken', 'nor may an id be reused');
    t.equal(await store.findApiToken(rival.digest), undefined);
  });

  t.test('a token needs a user', async (t) => {
    const { token, digest } = exampleToken({ orgId: org.id, id: 'nobody' });
    t.equal(await store.createToken(token, digest), 'user_unknown');
    t.equal(await store.findApiToken(digest), undefined);
  });

  t.test('all scopes, no scopes and some scopes are three different things', async (t) => {
    for (const scopes of ['all', [], ['a', 'b:c']] as const) {
      const { token, digest } = exampleToken(user, {
        scopes,
        name: '名 "x"',
        expiresAtMs: Date.now() + 9_000_000,
        generation: { org: 3, user: 4 },
      });
      t.equal(await store.createToken(token, digest), 'created');
      t.same(sure(await store.findApiToken(digest))?.token, token);
      t.same(await store.findToken(token.id), token);
    }
  });

  t.test('a look-up shows the user as they are now', async (t) => {
    const changed = sure(
      await store.changeUser(org.id, user.id, { roles: ['admin'], state: 'disabled' }, startMs),
    );
    t.same(sure(await store.findApiToken(made.digest))?.user, ownerOf(changed!));
    await store.changeUser(org.id, user.id, { state: 'active' }, startMs);
  });

  t.test('listing gives the tokens of one user once, revoked ones too', async (t) => {
    const [lister, other] = [exampleUser(org.id), exampleUser(org.id)];
    await store.createUser(lister);
    await store.createUser(other);
    const own = Array.from({ length: 7 }, () => exampleToken(lister));
    for (const { token, digest } of [...own, exampleToken(other)]) await store.createToken(token, digest);
    await store.revokeToken(own[2]!.token.id, startMs + 5);
    for (const limit of [1, 3, 100]) {
      const listed = sure(await tokensOfUser(store, org.id, lister.id, limit));
      t.same(ids(listed), ids(own.map(({ token }) => token)), `pages of ${limit}`);
      t.same(
        listed.filter(({ state }) => state === 'revoked').map(({ id }) => id),
        [own[2]!.token.id],
      );
    }
    t.same(await tokensOfUser(store, org.id, 'nobody'), []);
  });

  t.test('an imported token is found wherever its digest falls', async (t) => {
    t.equal(await store.hasImports(), false, 'tokens made here are not imports');
    const importer = exampleUser(org.id);
    await store.createUser(importer);
    const shards = new Set<string>();
    for (let number = 0; shards.size < 16; number++) {
      const digest = digestOf(`legacy secret ${number}`);
      if (shards.has(digest.charAt(1))) continue;
      shards.add(digest.charAt(1));
      const { token } = exampleToken(importer, { origin: 'imported', name: `legacy ${number}` });
      t.equal(await store.createToken(token, digest), 'created');
      t.equal(await store.createToken(token, digest), 'created', 'importing again is safe');
      t.same(await store.findApiToken(digest), { token, user: ownerOf(importer), secretNumber: 0 });
      t.equal(await store.createToken(exampleToken(user).token, digest), 'digest_taken');
    }
    t.equal(await store.hasImports(), true);
  });
};

const revocation = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('a revoked token is found as revoked, since the first revocation', async (t) => {
    const { store, made } = await openFurnished(t, makePlace);
    t.equal(await store.revokeToken(made.token.id, startMs + 10), 'revoked');
    t.equal(await store.revokeToken(made.token.id, startMs + 20), 'already_revoked');
    const revoked = { ...made.token, state: 'revoked', revokedAtMs: startMs + 10 };
    t.same(sure(await store.findApiToken(made.digest))?.token, revoked);
    t.same(await store.findToken(made.token.id), revoked);
    t.equal(await store.createToken(made.token, made.digest), 'created', 'a late repetition of its creation');
    t.same(await store.findToken(made.token.id), revoked, 'does not revive it');
  });

  t.test(
    'of a token without a record the id is revoked, and a record made later is born revoked',
    async (t) => {
      const { store, another, user } = await openFurnished(t, makePlace);
      const told = recordFeed();
      const subscription = (await another()).follow(told);
      t.teardown(() => subscription.close());
      const lost = exampleToken(user);
      t.equal(await store.revokeToken(lost.token.id, startMs), 'unknown');
      t.equal(await store.revokeToken(lost.token.id, startMs + 1), 'unknown', 'again');
      t.equal(await store.revokeToken('no id at all', startMs), 'unknown');
      // Of the same user, so that its line comes after that one, on a Cluster too.
      const last = exampleToken(user).token.id;
      t.equal(await store.revokeToken(last, startMs), 'unknown');
      const tokens = () => told.lines.flatMap((line) => (line.kind === 'token' ? [line.tokenId] : []));
      await told.until(() => tokens().includes(last));
      t.same(tokens(), [lost.token.id, last], 'told once');
      t.equal(await store.createToken(lost.token, lost.digest), 'created');
      t.match(await store.findToken(lost.token.id), { state: 'revoked' });
      t.equal(await isAlive(store, lost.digest), false);
    },
  );

  t.test('by a secret a token is revoked only while that secret is good', async (t) => {
    const { store, user, made } = await openFurnished(t, makePlace);
    const secretOf = (number: number, previousUntilMs: number | undefined) => ({
      digest: exampleToken(user).digest,
      number,
      previousUntilMs,
    });
    const second = secretOf(1, startMs + 100);
    await store.regenerateToken(made.token.id, second, startMs);
    const third = secretOf(2, startMs + 100);
    await store.regenerateToken(made.token.id, third, startMs);
    const asked = async (digest: string, nowMs: number) => store.revokeToken(made.token.id, nowMs, digest);
    t.equal(await asked(made.digest, startMs), 'replaced', 'the first of three');
    t.equal(await asked(second.digest, startMs + 100), 'replaced', 'after its overlap');
    t.match(await store.findToken(made.token.id), { state: 'active' });
    t.equal(await asked(second.digest, startMs + 99), 'revoked', 'within its overlap');
    t.equal(await asked(third.digest, startMs + 200), 'already_revoked');
  });

  t.test('revoking all of a user ends what was made before, not what is made after', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const neighbour = exampleUser(org.id);
    const kept = exampleToken(neighbour);
    await store.createUser(neighbour);
    await store.createToken(kept.token, kept.digest);
    t.equal(await store.revokeAll(org.id, user.id, startMs), 'revoked');
    t.match(sure(await store.findUser(org.id, user.id)), {
      generation: startMs,
      tokenGenerationMin: startMs,
    });
    t.equal(await isAlive(store, made.digest), false);
    t.equal(await isAlive(store, kept.digest), true, 'a neighbour keeps theirs');
    const later = exampleToken(user, { generation: { org: 0, user: startMs } });
    await store.createToken(later.token, later.digest);
    t.equal(await isAlive(store, later.digest), true);
    t.equal(await store.revokeAll(org.id, 'nobody', startMs), 'unknown');
  });

  t.test('revoking all of an org is one write that ends the tokens of all its users', async (t) => {
    const { store, org, made } = await openFurnished(t, makePlace);
    t.equal(await store.revokeAll(org.id, undefined, startMs), 'revoked');
    t.match(sure(await store.findOrg(org.id)), {
      generation: startMs,
      tokenGenerationMin: startMs,
    });
    t.equal(await isAlive(store, made.digest), false);
    t.equal(await store.revokeAll('nobody', undefined, startMs), 'unknown');
  });
};

const keys = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('of many that would be the first key of an algorithm, one is', async (t) => {
    const [store, another] = await openStores(t, makePlace);
    const stores = [store, await another()];
    const candidates = Array.from({ length: 8 }, () => exampleKey());
    const answers = await Promise.all(
      candidates.map((key, index) =>
        stores[index % 2]!.addKey(key, { ifNone: true, retireOthersAtMs: startMs }),
      ),
    );
    t.equal(answers.filter((answer) => answer === 'added').length, 1);
    t.equal(answers.filter((answer) => answer === 'exists').length, 7);
    const winner = candidates[answers.indexOf('added')]!;
    t.same(await stores[1]!.listKeys(), [winner]);
    const repeated = await store.addKey(winner, { ifNone: true, retireOthersAtMs: startMs });
    t.equal(repeated, 'added', 'the same key again is the same answer');
    t.same(await store.listKeys(), [winner]);
  });

  t.test('a new key retires the others of its algorithm, at the time it says, once', async (t) => {
    const [store] = await openStores(t, makePlace);
    const [first, second, third] = [exampleKey(), exampleKey(), exampleKey()];
    const other = exampleKey({ algorithm: 'RS256' });
    for (const key of [first, other]) await store.addKey(key, { ifNone: true, retireOthersAtMs: startMs });
    await store.addKey(second, { ifNone: false, retireOthersAtMs: startMs + 100 });
    await store.addKey(third, { ifNone: false, retireOthersAtMs: startMs + 200 });
    const retirements = new Map(sure(await store.listKeys()).map(({ kid, retireAtMs }) => [kid, retireAtMs]));
    t.same(
      retirements,
      new Map([
        [first.kid, startMs + 100],
        [second.kid, startMs + 200],
        [third.kid, undefined],
        [other.kid, undefined],
      ]),
    );
  });
};

const revokedKeys = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('a revoked key was never good, whenever it was to retire, and followers are told', async (t) => {
    const [store] = await openStores(t, makePlace);
    const [first, second] = [exampleKey(), exampleKey()];
    await store.addKey(first, { ifNone: true, retireOthersAtMs: startMs });
    await store.addKey(second, { ifNone: false, retireOthersAtMs: startMs + 100 });
    const told = recordFeed();
    const subscription = store.follow(told);
    t.teardown(() => subscription.close());
    await told.until(() => told.events.includes('caughtUp'));
    const before = told.lines.length;
    for (const key of [first, second, second])
      t.equal(await store.revokeKey(key.kid, startMs + 1), 'revoked', 'again is the same');
    t.same(
      sure(await store.listKeys()).map(({ retireAtMs }) => retireAtMs),
      [0, 0],
    );
    await told.until(() => told.lines.length === before + 3);
    t.match(told.lines.at(-1), { kind: 'keys', atMs: startMs + 1 });
    t.equal(await store.revokeKey('nobody', startMs), 'unknown');
    const third = exampleKey();
    await store.addKey(third, { ifNone: false, retireOthersAtMs: startMs + 200 });
    t.same(
      new Map(sure(await store.listKeys()).map(({ kid, retireAtMs }) => [kid, retireAtMs])),
      new Map([
        [first.kid, 0],
        [second.kid, 0],
        [third.kid, undefined],
      ]),
      'no later rotation gives it time again',
    );
  });
};

const feed = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('a follower is told of each change of a user once it is made, in order', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const told = recordFeed();
    const subscription = store.follow(told);
    t.teardown(() => subscription.close());
    await told.until(() => told.events.includes('caughtUp'));
    await store.changeUser(org.id, user.id, { roles: ['admin'] }, startMs + 1);
    await store.revokeToken(made.token.id, startMs + 2);
    await store.changeUser(org.id, user.id, { state: 'disabled' }, startMs + 3);
    await store.revokeAll(org.id, user.id, startMs + 4);
    await told.until(() => told.lines.length >= 4);
    const about = { kind: 'user', orgId: org.id, userId: user.id };
    t.match(told.lines, [
      { ...about, generation: startMs + 1, atMs: startMs + 1 },
      { kind: 'token', tokenId: made.token.id, atMs: startMs + 2 },
      { ...about, generation: startMs + 3, state: 'disabled', atMs: startMs + 3 },
      { ...about, generation: startMs + 4, tokenGenerationMin: startMs + 4, atMs: startMs + 4 },
    ]);
    t.same(told.events, ['connected', 'caughtUp']);
  });

  t.test('what changes nothing is not told', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const told = recordFeed();
    const subscription = store.follow(told);
    t.teardown(() => subscription.close());
    await store.changeUser(org.id, user.id, { roles: user.roles, name: 'Renamed' }, startMs);
    await store.changeOrg(org.id, { name: 'Renamed' }, startMs);
    await store.createToken(made.token, made.digest);
    await store.revokeToken(made.token.id, startMs);
    await store.revokeToken(made.token.id, startMs);
    await store.revokeAll(org.id, user.id, startMs);
    await told.until(() => told.lines.some(({ kind }) => kind === 'user'));
    t.same(
      told.lines.map(({ kind }) => kind),
      ['token', 'user'],
    );
  });

  t.test('orgs, sessions and keys are told of too', async (t) => {
    const { store, org } = await openFurnished(t, makePlace);
    const told = recordFeed();
    const subscription = store.follow(told);
    t.teardown(() => subscription.close());
    await store.changeOrg(org.id, { state: 'disabled' }, startMs + 1);
    await store.revokeAll(org.id, undefined, startMs + 2);
    t.equal(await store.endSession('session-1', startMs + 3), 'ended');
    t.equal(await store.endSession('session-1', startMs + 4), 'ended', 'ending it again answers the same');
    await store.addKey(exampleKey(), { ifNone: true, retireOthersAtMs: startMs });
    const kinds = (): string[] => told.lines.map(({ kind }) => kind);
    await told.until(() => ['org', 'session', 'keys'].every((kind) => kinds().includes(kind)));
    await told.until(() => kinds().filter((kind) => kind === 'org').length === 2);
    t.match(
      told.lines.filter(({ kind }) => kind === 'org'),
      [
        { orgId: org.id, generation: startMs + 1, state: 'disabled', atMs: startMs + 1 },
        { orgId: org.id, generation: startMs + 2, tokenGenerationMin: startMs + 2, atMs: startMs + 2 },
      ],
    );
    t.same(
      told.lines.filter(({ kind }) => kind === 'session'),
      [{ kind: 'session', sessionId: 'session-1', atMs: startMs + 3 }],
    );
  });

  t.test('one that comes later is told the whole window first, then that it has caught up', async (t) => {
    const { store, another, org, user } = await openFurnished(t, makePlace);
    const nowMs = Date.now();
    for (let number = 0; number < 20; number++) {
      await store.endSession(`session-${number}`, nowMs);
      await store.changeUser(org.id, user.id, { state: number % 2 === 0 ? 'disabled' : 'active' }, nowMs);
    }
    const told = recordFeed();
    let toldBefore = -1;
    const late = await another();
    const subscription = late.follow({ ...told, caughtUp: () => (toldBefore = told.lines.length) });
    t.teardown(() => subscription.close());
    await told.until(() => toldBefore >= 0);
    t.equal(toldBefore, 40);
    t.same(
      generationsOf(told.lines),
      [...Array.from({ length: 20 }).keys()].map((index) => nowMs + index),
    );
  });

  t.test('what one instance writes, another is told and finds', async (t) => {
    const { store, another, org, user, made } = await openFurnished(t, makePlace);
    const second = await another();
    const told = recordFeed();
    const subscription = second.follow(told);
    t.teardown(() => subscription.close());
    await told.until(() => told.events.includes('caughtUp'));
    t.same(sure(await second.findApiToken(made.digest))?.token, made.token);
    await store.revokeToken(made.token.id, startMs);
    await told.until(() => told.lines.length === 1);
    t.same(told.lines, [{ kind: 'token', tokenId: made.token.id, atMs: startMs }]);
    t.equal(sure(await second.findApiToken(made.digest))?.token.state, 'revoked');
    await second.revokeAll(org.id, user.id, startMs);
    t.match(await store.findUser(org.id, user.id), { tokenGenerationMin: startMs });
  });

  t.test('a follower hears from a quiet feed, and nothing more once it has closed', async (t) => {
    const { store, another, made } = await openFurnished(t, makePlace);
    const told = recordFeed();
    const subscription = store.follow(told);
    await told.until(() => told.events.includes('caughtUp'));
    const heard = told.heardCount();
    await told.until(() => told.heardCount() >= heard + 2);
    await subscription.close();
    const other = recordFeed();
    const second = (await another()).follow(other);
    t.teardown(() => second.close());
    await store.revokeToken(made.token.id, startMs);
    await other.until(() => other.lines.length === 1);
    t.same(told.lines, []);
  });
};

const reapply = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('lost revocations are in force again, and other replicas are told', async (t) => {
    const { store, another, org, user, made } = await openFurnished(t, makePlace);
    const told = recordFeed();
    const subscription = (await another()).follow(told);
    t.teardown(() => subscription.close());
    const atMs = Date.now();
    const lost: readonly Change[] = [
      { kind: 'token', tokenId: made.token.id, atMs },
      { kind: 'session', sessionId: 'session-1', atMs },
      { kind: 'user', orgId: org.id, userId: user.id, generation: 7, tokenGenerationMin: 5, atMs },
      { kind: 'org', orgId: org.id, generation: 9, state: 'disabled', atMs },
      { kind: 'user', orgId: 'lost', userId: 'lost', generation: 3, atMs },
      { kind: 'org', orgId: 'lost', generation: 3, atMs },
      { kind: 'token', tokenId: exampleToken(user).token.id, atMs },
      { kind: 'keys', atMs },
    ];
    t.equal(await store.reapply(lost), 'done');
    t.equal(await store.reapply(lost), 'done', 'another replica knows the same');
    t.match(await store.findToken(made.token.id), { state: 'revoked', revokedAtMs: atMs });
    t.match(await store.findUser(org.id, user.id), { generation: 7, tokenGenerationMin: 5, state: 'active' });
    t.match(await store.findOrg(org.id), { generation: 9, tokenGenerationMin: 0, state: 'disabled' });
    const subjects = lost.filter(({ kind }) => kind !== 'keys');
    await told.until(() => told.lines.length >= subjects.length);
    const sorted = (changes: readonly Change[]): string[] =>
      changes.map((change) => JSON.stringify(change, Object.keys(change).sort())).sort();
    // Where there is a record the line says all that the record says.
    const whole = subjects.map((change) => {
      if (change.kind === 'user' && change.orgId === org.id) return { ...change, state: 'active' as const };
      if (change.kind === 'org' && change.orgId === org.id) return { ...change, tokenGenerationMin: 0 };
      return change;
    });
    t.same(sorted(told.lines.filter(({ kind }) => kind !== 'keys')), sorted(whole), 'each once');
  });

  t.test('nothing is ever lowered or revived', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const atMs = Date.now();
    await store.revokeAll(org.id, user.id, atMs);
    await store.revokeAll(org.id, undefined, atMs);
    await store.changeUser(org.id, user.id, { state: 'disabled' }, atMs);
    await store.revokeToken(made.token.id, atMs);
    const [userBefore, orgBefore] = [await store.findUser(org.id, user.id), await store.findOrg(org.id)];
    const tokenBefore = await store.findToken(made.token.id);
    const old = { generation: 0, tokenGenerationMin: 0, state: 'active', atMs: atMs - 1_000 } as const;
    const lines: readonly Change[] = [
      { kind: 'user', orgId: org.id, userId: user.id, ...old },
      { kind: 'org', orgId: org.id, ...old },
      { kind: 'token', tokenId: made.token.id, atMs: atMs - 1_000 },
    ];
    t.equal(await store.reapply(lines), 'done');
    t.same(await store.findUser(org.id, user.id), userBefore);
    t.same(await store.findOrg(org.id), orgBefore);
    t.same(await store.findToken(made.token.id), tokenBefore);
  });
};

const ids = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id).sort();

const generationsOf = (changes: readonly Change[]): number[] =>
  changes.flatMap((change) => ('generation' in change ? [change.generation] : []));
