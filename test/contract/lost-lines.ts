// The contract of the feed's lines: a replica that starts later reads nothing else, so lines that were lost are told
// again by whoever knows them, whether or not the records are whole.

import type { Test } from 'tap';
import type { AccountState, Change } from '../../src/store/records.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { exampleOrg, exampleToken, exampleUser } from './examples.ts';
import { nextDigest } from './new-secrets.ts';
import { type MakePlace, openStores, sure } from './places.ts';
import { recordFeed } from './recorded-feed.ts';

export const lostLines = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('what was revoked, ended, replaced or passed is told again, each once', async (t) => {
    const open = await makePlace(t);
    const opened = async (): Promise<TokenStore> => {
      const store = await open();
      t.teardown(() => store.close());
      return store;
    };
    const [one, two] = [await opened(), await opened()];
    const made = await changeEverything(one);
    const known = await linesOf(await opened());
    t.same(subjectsOf(known), subjectsOf(made));

    sure(await one.reapply(known));
    t.equal((await linesOf(two)).length, known.length, 'nothing was lost: no line is added');

    await open.loseLines();
    t.same(await linesOf(await opened()), [], 'a replica that starts now knows nothing');
    await Promise.all([one, two].map(async (store) => sure(await store.reapply(known))));
    sure(await two.reapply(known));
    const again = await linesOf(await opened());
    t.same(subjectsOf(again), subjectsOf(made), 'each once, though two replicas wrote at once');

    await open.loseLines();
    sure(await one.reapply(again));
    t.same(subjectsOf(await linesOf(await opened())), subjectsOf(made), 'and after the next loss');
  });

  t.test('a replica that knows less than the record tells what the record says', async (t) => {
    const open = await makePlace(t);
    const store = await open();
    t.teardown(() => store.close());
    const org = exampleOrg();
    const user = exampleUser(org.id);
    await store.createOrg(org);
    await store.createUser(user);
    const atMs = Date.now();
    await store.revokeAll(org.id, user.id, atMs);
    const known = await linesOf(store);
    await store.revokeAll(org.id, user.id, atMs);
    await store.changeUser(org.id, user.id, { state: 'disabled' }, atMs);
    await open.loseLines();
    sure(await store.reapply(known));
    t.match(await linesOf(store), [
      { kind: 'user', generation: atMs + 2, tokenGenerationMin: atMs + 1, state: 'disabled' },
    ]);
  });

  for (const [name, { act, state, endsTokens }] of Object.entries(actsAfterALoss))
    t.test(`${name} after a loss stands, whatever lines from before it are written back`, async (t) => {
      const [store, another] = await openStores(t, makePlace);
      const org = exampleOrg();
      const user = exampleUser(org.id);
      await store.createOrg(org);
      await store.createUser(user);
      const nowMs = Date.now();
      // The store has lost many changes of both, the last of which disabled them.
      const generation = nowMs + 4;
      const atMs = nowMs - 60_000;
      const lost = { generation, tokenGenerationMin: 1, state: 'disabled', atMs } as const;
      const known: readonly Change[] = [
        { kind: 'user', orgId: org.id, userId: user.id, ...lost },
        { kind: 'org', orgId: org.id, ...lost },
      ];
      await act(store, org.id, user.id, nowMs);
      await act(store, org.id, undefined, nowMs);
      for (const replica of [store, await another(), store]) sure(await replica.reapply(known));
      const now = { generation: nowMs + 5, state, tokenGenerationMin: endsTokens ? nowMs + 5 : 1 };
      t.match(await store.findUser(org.id, user.id), now);
      t.match(await store.findOrg(org.id), now);
      const lines = (await linesOf(await another())).filter((line) => 'generation' in line);
      t.same(
        lines
          .filter(({ generation }) => generation === nowMs + 5)
          .map(({ kind, atMs }) => `${kind} ${atMs}`)
          .toSorted(),
        [`org ${nowMs}`, `user ${nowMs}`],
        'a line of each says so, once',
      );
    });

  for (const [name, { act, state, endsTokens }] of Object.entries(actsAfterALoss))
    t.test(`${name} after a loss counts for more than a lost change of the same number`, async (t) => {
      const [store] = await openStores(t, makePlace);
      const org = exampleOrg();
      const user = exampleUser(org.id);
      await store.createOrg(org);
      await store.createUser(user);
      const nowMs = Date.now();
      await act(store, org.id, user.id, nowMs);
      await act(store, org.id, undefined, nowMs);
      const generation = sure(await store.findOrg(org.id))?.generation ?? -1;
      // Sessions made in the lost generation carry the number that this change has reached, and must not outlive it.
      const lost = { generation, tokenGenerationMin: 0, state: 'active', atMs: nowMs - 60_000 } as const;
      const known: readonly Change[] = [
        { kind: 'user', orgId: org.id, userId: user.id, ...lost },
        { kind: 'org', orgId: org.id, ...lost },
      ];
      for (let times = 0; times < 2; times += 1) sure(await store.reapply(known));
      const now = {
        generation: generation + 1,
        state,
        tokenGenerationMin: endsTokens ? generation + 1 : 0,
      };
      t.match(await store.findUser(org.id, user.id), now);
      t.match(await store.findOrg(org.id), now);
      t.match(
        (await linesOf(store)).filter((line) => 'generation' in line && line.generation === generation + 1),
        { length: 2 },
        'a line of each says so, once',
      );
      sure(await store.reapply((await linesOf(store)).filter(({ kind }) => kind === 'org')));
      t.match(await store.findOrg(org.id), now, 'what the record knows itself raises nothing');
    });

  t.test('a change before a loss is undone by the later one that is written back', async (t) => {
    const [store] = await openStores(t, makePlace);
    const org = exampleOrg();
    await store.createOrg(org);
    const nowMs = Date.now();
    for (const state of ['disabled', 'active'] as const) await store.changeOrg(org.id, { state }, nowMs);
    const lost = {
      kind: 'org',
      orgId: org.id,
      generation: nowMs + 2,
      state: 'disabled',
      atMs: nowMs + 1,
    } as const;
    sure(await store.reapply([lost]));
    t.match(await store.findOrg(org.id), { generation: nowMs + 2, state: 'disabled' });
    sure(await store.reapply([{ ...lost, generation: nowMs + 3, state: 'active', atMs: nowMs }]));
    t.match(
      await store.findOrg(org.id),
      { generation: nowMs + 4, state: 'disabled' },
      'the time of that one counts now',
    );
  });

  t.test('a change passes every generation of an earlier time, though nobody remembers it', async (t) => {
    const [store] = await openStores(t, makePlace);
    const org = exampleOrg();
    const user = exampleUser(org.id);
    // Made anew: what counted before, up to this moment, is lost, and no replica is left that has heard of it.
    const lostMs = Date.now();
    await store.createOrg(org);
    await store.createUser(user);
    await store.revokeAll(org.id, undefined, lostMs + 1);
    await store.changeUser(org.id, user.id, { state: 'disabled' }, lostMs + 1);
    t.ok((sure(await store.findOrg(org.id))?.generation ?? 0) > lostMs);
    t.ok((sure(await store.findUser(org.id, user.id))?.generation ?? 0) > lostMs);
  });

  t.test('an account whose record was lost goes on counting from the generation written back', async (t) => {
    const [store] = await openStores(t, makePlace);
    const org = exampleOrg();
    const user = exampleUser(org.id);
    const lost = { generation: 4, tokenGenerationMin: 1, state: 'active', atMs: Date.now() } as const;
    sure(
      await store.reapply([
        { kind: 'org', orgId: org.id, ...lost },
        { kind: 'user', orgId: org.id, userId: user.id, ...lost },
      ]),
    );
    for (const attempt of ['first', 'second']) {
      t.equal(await store.createOrg(org), 'created', attempt);
      t.equal(await store.createUser(user), 'created', attempt);
    }
    t.match(await store.findOrg(org.id), { generation: 4 });
    t.match(await store.findUser(org.id, user.id), { generation: 4 });
    t.equal(await store.createUser({ ...user, name: 'Other' }), 'exists');
  });
};

type Act = (store: TokenStore, orgId: string, userId: string | undefined, nowMs: number) => Promise<unknown>;

const setState = (
  store: TokenStore,
  orgId: string,
  userId: string | undefined,
  state: AccountState,
  nowMs: number,
) =>
  userId === undefined
    ? store.changeOrg(orgId, { state }, nowMs)
    : store.changeUser(orgId, userId, { state }, nowMs);

const actsAfterALoss: Readonly<Record<string, { act: Act; state: AccountState; endsTokens: boolean }>> = {
  'a disable': {
    act: (store, orgId, userId, nowMs) => setState(store, orgId, userId, 'disabled', nowMs),
    state: 'disabled',
    endsTokens: false,
  },
  'an enable': {
    act: async (store, orgId, userId, nowMs) => {
      await setState(store, orgId, userId, 'disabled', nowMs - 1);
      await setState(store, orgId, userId, 'active', nowMs);
    },
    state: 'active',
    endsTokens: false,
  },
  'a revocation of everything': {
    act: (store, orgId, userId, nowMs) => store.revokeAll(orgId, userId, nowMs),
    state: 'active',
    endsTokens: true,
  },
};

/** One change of each kind; answers what was changed. */
const changeEverything = async (store: TokenStore): Promise<readonly Change[]> => {
  const atMs = Date.now();
  const org = exampleOrg();
  const [ann, bob] = [exampleUser(org.id), exampleUser(org.id)];
  const [revoked, renewed] = [exampleToken(ann), exampleToken(ann)];
  sure(await store.createOrg(org));
  for (const user of [ann, bob]) sure(await store.createUser(user));
  for (const { token, digest } of [revoked, renewed]) sure(await store.createToken(token, digest));
  const digest = nextDigest(renewed.token);
  sure(await store.revokeToken(revoked.token.id, atMs));
  sure(
    await store.regenerateToken(renewed.token.id, { digest, number: 1, previousUntilMs: undefined }, atMs),
  );
  sure(await store.endSession('a session', atMs));
  sure(await store.revokeAll(org.id, bob.id, atMs));
  sure(await store.changeOrg(org.id, { state: 'disabled' }, atMs));
  return [
    { kind: 'token', tokenId: revoked.token.id, atMs },
    { kind: 'secret', tokenId: renewed.token.id, secretNumber: 1, digest, atMs },
    { kind: 'session', sessionId: 'a session', atMs },
    {
      kind: 'user',
      orgId: org.id,
      userId: bob.id,
      generation: atMs,
      tokenGenerationMin: atMs,
      state: 'active',
      atMs,
    },
    { kind: 'org', orgId: org.id, generation: atMs, tokenGenerationMin: 0, state: 'disabled', atMs },
  ];
};

/** What a replica that starts now is told. */
const linesOf = async (store: TokenStore): Promise<readonly Change[]> => {
  const told = recordFeed();
  const subscription = store.follow(told);
  await told.until(() => told.events.includes('caughtUp'));
  await subscription.close();
  return told.lines;
};

const subjectsOf = (changes: readonly Change[]): readonly string[] =>
  changes.map((change) => JSON.stringify(change, Object.keys(change).toSorted())).toSorted();
