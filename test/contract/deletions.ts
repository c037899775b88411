// The contract of deleting: what was deleted is gone, its sessions and tokens have ended, and nothing of it comes back, though
// its id is used again, a line is lost or a server goes back to before the deletion.

import type { Test } from 'tap';
import { exampleOrg, exampleToken, exampleUser, startMs } from './examples.ts';
import { collect, isAlive, type MakePlace, openFurnished, openStores, sure } from './places.ts';
import { recordFeed } from './recorded-feed.ts';

export const deletions = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('a deleted user is gone, with everything that the user could be reached by', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const other = exampleUser(org.id);
    const others = exampleToken(other);
    await store.createUser(other);
    await store.createToken(others.token, others.digest);
    t.equal(await store.deleteUser(org.id, user.id, startMs), 'deleted');
    t.equal(await store.deleteUser(org.id, user.id, startMs), 'already_deleted');
    t.equal(await store.deleteUser(org.id, 'nobody', startMs), 'unknown');
    t.equal(await store.deleteUser('nowhere', user.id, startMs), 'unknown');
    t.equal(await store.findUser(org.id, user.id), undefined);
    t.equal(await store.findApiToken(made.digest), undefined);
    t.equal(await store.changeUser(org.id, user.id, { state: 'active' }, startMs), undefined);
    t.equal(await store.revokeAll(org.id, user.id, startMs), 'unknown');
    t.equal(await store.createToken(exampleToken(user).token, exampleToken(user).digest), 'user_unknown');
    t.same(await collect((cursor) => store.listUsers(org.id, { limit: 1, cursor })), [other]);
    t.equal(await isAlive(store, others.digest), true, 'another user is not touched');
    t.match(await store.findToken(made.token.id), { state: 'revoked' }, 'its tokens are listed as revoked');
    const counted = { orgId: org.id, userId: undefined } as const;
    t.equal(await store.countTokens({ ...counted, part: 'live' }), 1);
    t.equal(await store.countTokens({ ...counted, part: 'revoked' }), 1);
  });

  t.test('a user made again with the same id has no token, session or password of before', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const before = sure(await store.changeUser(org.id, user.id, { passwordHash: 'x' }, startMs));
    await store.deleteUser(org.id, user.id, startMs);
    for (const attempt of ['first', 'repeated']) t.equal(await store.createUser(user), 'created', attempt);
    const again = sure(await store.findUser(org.id, user.id));
    t.ok((again?.generation ?? 0) > (before?.generation ?? 0), 'sessions of before are below it');
    t.equal(again?.tokenGenerationMin, again?.generation, 'and so are API tokens');
    t.equal(again?.passwordHash, undefined);
    t.equal(await isAlive(store, made.digest), false);
    t.equal(await store.createToken(made.token, made.digest), 'created', 'the same attempt again');
    t.equal(await isAlive(store, made.digest), false, 'revives nothing');
    const stale = exampleToken(user, { generation: { org: 0, user: before?.generation ?? 0 } });
    await store.createToken(stale.token, stale.digest);
    t.equal(await isAlive(store, stale.digest), false, 'nor does one made with what was read before');
    const fresh = exampleToken(user, { generation: { org: 0, user: again?.generation ?? 0 } });
    await store.createToken(fresh.token, fresh.digest);
    t.equal(await isAlive(store, fresh.digest), true);
    t.same(await collect((cursor) => store.listUsers(org.id, { limit: 10, cursor })), [again]);
    t.equal(await store.deleteUser(org.id, user.id, startMs), 'deleted');
    t.equal(await isAlive(store, fresh.digest), false);
  });

  t.test(
    'a deleted org takes its users with it; made again it has none, and no token of before',
    async (t) => {
      const { store, org, user, made } = await openFurnished(t, makePlace);
      const users = Array.from({ length: 60 }, (_, index) => exampleUser(org.id, { id: `user-${index}` }));
      for (const each of users) await store.createUser(each);
      const kept = exampleOrg();
      await store.createOrg(kept);
      t.equal(await store.deleteOrg(org.id, startMs), 'deleted');
      t.equal(await store.deleteOrg(org.id, startMs), 'already_deleted');
      t.equal(await store.deleteOrg('nowhere', startMs), 'unknown');
      t.equal(await store.findOrg(org.id), undefined);
      t.equal(await store.findUser(org.id, user.id), undefined);
      t.equal(await store.findApiToken(made.digest), undefined);
      t.equal(await store.createUser(exampleUser(org.id)), 'org_unknown');
      t.same(await collect((cursor) => store.listOrgs({ limit: 10, cursor })), [kept]);
      for (const attempt of ['first', 'repeated']) t.equal(await store.createOrg(org), 'created', attempt);
      t.same(await collect((cursor) => store.listUsers(org.id, { limit: 10, cursor })), []);
      t.equal(await store.createUser(user), 'created');
      const [orgAgain, userAgain] = [
        sure(await store.findOrg(org.id)),
        sure(await store.findUser(org.id, user.id)),
      ];
      t.ok((orgAgain?.generation ?? 0) >= startMs && (userAgain?.generation ?? 0) >= startMs);
      t.equal(await isAlive(store, made.digest), false);
      const stale = exampleToken(user, { generation: { org: 0, user: userAgain?.generation ?? 0 } });
      await store.createToken(stale.token, stale.digest);
      t.equal(await isAlive(store, stale.digest), false, 'made with what was read of the org before');
    },
  );

  t.test('users who are made while their org is deleted are deleted with it, or never made', async (t) => {
    const { store, another, org } = await openFurnished(t, makePlace);
    const other = await another();
    const users = Array.from({ length: 40 }, (_, index) => exampleUser(org.id, { id: `late-${index}` }));
    const making = users.map((each) => other.createUser(each));
    const [answer] = await Promise.all([store.deleteOrg(org.id, startMs), ...making]);
    t.equal(answer, 'deleted');
    for (const { id } of users) t.equal(await store.findUser(org.id, id), undefined, id);
  });

  t.test('a user who is made again at the moment of the deletion is listed', async (t) => {
    const { store, another, org, user } = await openFurnished(t, makePlace);
    const other = await another();
    for (let round = 0; round < 20; round++) {
      await Promise.all([store.deleteUser(org.id, user.id, startMs), other.createUser(user)]);
      const [found] = [sure(await store.findUser(org.id, user.id))];
      const listed = await collect((cursor) => store.listUsers(org.id, { limit: 10, cursor }));
      t.same(listed, found === undefined ? [] : [found]);
      await store.createUser(user);
    }
  });

  t.test('followers hear of a deletion in a generation above all others', async (t) => {
    const { store, another, org, user } = await openFurnished(t, makePlace);
    const told = recordFeed();
    const subscription = (await another()).follow(told);
    t.teardown(() => subscription.close());
    const before = sure(await store.changeUser(org.id, user.id, { roles: [] }, startMs));
    await store.deleteUser(org.id, user.id, startMs);
    await store.deleteUser(org.id, user.id, startMs);
    await told.until(() => told.lines.some((line) => 'state' in line && line.state === 'deleted'));
    const generation = (before?.generation ?? 0) + 1;
    t.match(told.lines.at(-1), {
      kind: 'user',
      orgId: org.id,
      userId: user.id,
      generation,
      tokenGenerationMin: generation,
      state: 'deleted',
    });
    await store.deleteOrg(org.id, startMs);
    const isOrgs = (line: object): boolean =>
      'kind' in line && line.kind === 'org' && 'state' in line && line.state === 'deleted';
    await told.until(() => told.lines.some(isOrgs));
    t.equal(told.lines.filter((line) => line.kind === 'user').length, 2, 'once');
  });

  t.test('a deletion that a server lost is done again, and undoes nothing that was made since', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const lost = { generation: startMs + 7, tokenGenerationMin: startMs + 7, state: 'deleted' } as const;
    const line = { kind: 'user', orgId: org.id, userId: user.id, ...lost, atMs: startMs + 1 } as const;
    sure(await store.reapply([line]));
    sure(await store.reapply([line]));
    t.equal(await store.findUser(org.id, user.id), undefined);
    t.equal(await store.findApiToken(made.digest), undefined);
    const later = { ...user, createdAtMs: startMs + 2 };
    t.equal(await store.createUser(later), 'created');
    const again = sure(await store.findUser(org.id, user.id));
    t.ok((again?.tokenGenerationMin ?? 0) >= lost.generation, 'above what was lost');
    sure(await store.reapply([line]));
    t.match(await store.findUser(org.id, user.id), { createdAtMs: startMs + 2, state: 'active' });
    t.equal(await isAlive(store, made.digest), false);
    sure(await store.reapply([{ kind: 'org', orgId: org.id, ...lost, atMs: startMs + 1 }]));
    t.equal(await store.findOrg(org.id), undefined);
    sure(await store.reapply([{ kind: 'org', orgId: 'never', ...lost, atMs: startMs + 1 }]));
    t.equal(await store.findOrg('never'), undefined);
  });

  t.test('all sessions of a user end in a new generation, and the API tokens live on', async (t) => {
    const { store, org, user, made } = await openFurnished(t, makePlace);
    const after = sure(await store.changeUser(org.id, user.id, { endsSessions: true }, startMs));
    t.equal(after?.generation, startMs);
    t.same(await store.findUser(org.id, user.id), { ...user, generation: startMs });
    t.equal(await isAlive(store, made.digest), true);
  });

  t.test('an e-mail address and reminder thresholds are set, changed and taken away', async (t) => {
    const [store] = await openStores(t, makePlace);
    const org = exampleOrg({ reminderThresholdsMs: [3, 2, 1] });
    const user = exampleUser(org.id, { email: 'ada@example.com' });
    const made = exampleToken(user);
    await store.createOrg(org);
    await store.createUser(user);
    await store.createToken(made.token, made.digest);
    t.same(await store.findOrg(org.id), org);
    t.same(await store.findUser(org.id, user.id), user);
    t.notOk('email' in (sure(await store.findApiToken(made.digest))?.user ?? {}), 'not on the request path');
    t.match(await store.changeOrg(org.id, { reminderThresholdsMs: [] }, startMs), {
      reminderThresholdsMs: [],
      generation: 0,
    });
    t.match(await store.changeUser(org.id, user.id, { email: 'ada@example.org' }, startMs), {
      email: 'ada@example.org',
      generation: 0,
    });
    t.match(await store.changeUser(org.id, user.id, { name: 'Other' }, startMs), {
      email: 'ada@example.org',
    });
    await store.changeOrg(org.id, { reminderThresholdsMs: null }, startMs);
    await store.changeUser(org.id, user.id, { email: null, name: user.name }, startMs);
    t.same(await store.findOrg(org.id), { ...org, reminderThresholdsMs: undefined });
    t.same(await store.findUser(org.id, user.id), { ...user, email: undefined });
  });
};
