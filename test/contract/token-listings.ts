// The contract of the listings: in each order, of a user and of an org, whole and once each, whatever is added and removed
// meanwhile; and how many there are.

import * as fc from 'fast-check';
import type { Test } from 'tap';
import {
  compareSortKeys,
  sortKeyOf,
  type TokenOrder,
  tokenOrders,
  type TokenPart,
  type TokenScan,
} from '../../src/store/token-listing.ts';
import type { ApiTokenRecord } from '../../src/store/records.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { exampleOrg, exampleToken, exampleUser, startMs } from './examples.ts';
import { type MakePlace, openStores, sure } from './places.ts';

type Scan = Omit<TokenScan, 'after' | 'limit'>;

const eachStep = async (
  store: TokenStore,
  scan: Scan,
  limit: number,
  between: () => Promise<void> = async () => undefined,
): Promise<readonly ApiTokenRecord[]> => {
  const tokens: ApiTokenRecord[] = [];
  let after: TokenScan['after'];
  for (;;) {
    const step = sure(await store.scanTokens({ ...scan, after, limit }));
    tokens.push(...step.tokens);
    if (step.isEnd) return tokens;
    if (step.last === undefined) throw new Error('a step that ended nowhere is not the last');
    after = step.last;
    await between();
  }
};

const sortedIds = (tokens: Iterable<ApiTokenRecord>, by: TokenOrder, isDescending: boolean): string[] =>
  [...tokens]
    .sort((one, other) => compareSortKeys(sortKeyOf(one, by), sortKeyOf(other, by)) * (isDescending ? -1 : 1))
    .map(({ id }) => id);

const both: readonly TokenPart[] = ['live', 'revoked'];

const furnished = async (store: TokenStore) => {
  const org = exampleOrg();
  await store.createOrg(org);
  const users = [1, 2, 3, 4].map(() => exampleUser(org.id));
  for (const user of users) await store.createUser(user);
  return { org, users };
};

/** Names whose order by UTF-16 is not that by bytes are among them. */
const names = fc.constantFrom('a', 'ab', 'b', 'B', 'ci', '\u{1F511}', '\uFF5E', 'a:1', 'é');
const ends = fc.constantFrom(undefined, startMs + 1, startMs + 5, startMs + 1_000_000);
const drawn = fc.record({
  user: fc.nat(3),
  name: names,
  ends,
  createdAtMs: fc.nat(5),
  isRevoked: fc.boolean(),
});

export const tokenListings = async (t: Test, makePlace: MakePlace): Promise<void> => {
  t.test('every order lists each token once, as a model does, in steps of any size', async (t) => {
    const [store, another] = await openStores(t, makePlace);
    const reader = await another();
    await fc.assert(
      fc.asyncProperty(
        fc.array(drawn, { maxLength: 24 }),
        fc.integer({ min: 1, max: 30 }),
        async (draws, limit) => {
          const { org, users } = await furnished(store);
          const model: ApiTokenRecord[] = [];
          for (const { user, name, ends, createdAtMs, isRevoked } of draws) {
            const owner = users[user];
            if (owner === undefined) continue;
            const { token, digest } = exampleToken(owner, {
              name,
              expiresAtMs: ends,
              createdAtMs: startMs + createdAtMs,
            });
            t.equal(await store.createToken(token, digest), 'created');
            if (isRevoked) await store.revokeToken(token.id, startMs);
            model.push({ ...token, state: isRevoked ? 'revoked' : 'active' });
          }
          for (const userId of [undefined, users[0]?.id])
            for (const by of tokenOrders)
              for (const isDescending of [false, true])
                for (const parts of [both, ['live'], ['revoked']] as const) {
                  const listed = await eachStep(
                    reader,
                    { orgId: org.id, userId, by, isDescending, parts },
                    limit,
                  );
                  const expected = model.filter(
                    (token) =>
                      (userId === undefined || token.userId === userId) &&
                      (parts as readonly string[]).includes(token.state === 'active' ? 'live' : 'revoked'),
                  );
                  if (
                    listed.map(({ id }) => id).join(' ') !== sortedIds(expected, by, isDescending).join(' ')
                  )
                    return false;
                }
          return true;
        },
      ),
      { numRuns: 12 },
    );
    t.pass();
  });

  t.test('what is there all the time is listed once, while others are made and revoked', async (t) => {
    const [store] = await openStores(t, makePlace);
    const { org, users } = await furnished(store);
    const make = async (index: number) => {
      const owner = users[index % users.length];
      if (owner === undefined) throw new Error('no user');
      const made = exampleToken(owner, { name: `n${(index * 7) % 40}`, createdAtMs: startMs + (index % 9) });
      await store.createToken(made.token, made.digest);
      return made.token;
    };
    const stay: ApiTokenRecord[] = [];
    const go: ApiTokenRecord[] = [];
    for (let index = 0; index < 60; index++) (index % 3 === 0 ? go : stay).push(await make(index));
    for (const by of tokenOrders)
      for (const isDescending of [false, true]) {
        let turn = 0;
        const scan = { orgId: org.id, userId: undefined, by, isDescending, parts: both };
        const listed = await eachStep(store, scan, 7, async () => {
          turn += 1;
          await make(turn);
          const gone = go.pop();
          if (gone !== undefined) await store.revokeToken(gone.id, startMs);
        });
        const ids = listed.map(({ id }) => id);
        t.equal(new Set(ids).size, ids.length, `${by}: nothing twice`);
        t.same(
          stay.filter(({ id }) => !ids.includes(id)),
          [],
          `${by}: nothing left out`,
        );
      }
  });

  t.test('tokens of one name are found among others without reading those', async (t) => {
    const [store] = await openStores(t, makePlace);
    const { org, users } = await furnished(store);
    for (const [index, name] of ['ci', 'cia', 'c', 'ci', 'CI', 'ci:'].entries()) {
      const { token, digest } = exampleToken(users[index % 4] ?? users[0]!, { name });
      await store.createToken(token, digest);
    }
    const scan = { orgId: org.id, userId: undefined, by: 'name', parts: both, name: 'ci' } as const;
    for (const isDescending of [false, true]) {
      const step = sure(await store.scanTokens({ ...scan, isDescending, after: undefined, limit: 3 }));
      t.same([step.tokens.map(({ name }) => name), step.isEnd], [['ci', 'ci'], true]);
    }
  });

  t.test('counts are exact: of a user, of an org, of what has not expired', async (t) => {
    const [store] = await openStores(t, makePlace);
    const { org, users } = await furnished(store);
    const [ann, bob] = users;
    if (ann === undefined || bob === undefined) throw new Error('no users');
    for (const [owner, expiresAtMs] of [
      [ann, undefined],
      [ann, startMs + 10],
      [bob, startMs + 11],
      [bob, undefined],
    ] as const) {
      const { token, digest } = exampleToken(owner, { expiresAtMs });
      await store.createToken(token, digest);
    }
    const { token, digest } = exampleToken(ann);
    await store.createToken(token, digest);
    await store.revokeToken(token.id, startMs);
    const count = (userId: string | undefined, part: TokenPart, unexpiredAtMs?: number) =>
      store.countTokens({ orgId: org.id, userId, part, unexpiredAtMs });
    t.same(
      await Promise.all([
        count(undefined, 'live'),
        count(undefined, 'revoked'),
        count(ann.id, 'live'),
        count(ann.id, 'revoked'),
        count(undefined, 'live', startMs + 10),
        count(ann.id, 'live', startMs + 10),
        count('nobody', 'live'),
      ]),
      [4, 1, 2, 1, 3, 1, 0],
    );
  });

  t.test('what died with its user is put among the revoked ones, and stays dead', async (t) => {
    const [store] = await openStores(t, makePlace);
    const { org, users } = await furnished(store);
    const [ann] = users;
    if (ann === undefined) throw new Error('no user');
    const { token, digest } = exampleToken(ann);
    await store.createToken(token, digest);
    await store.revokeAll(org.id, ann.id, startMs);
    t.equal(await store.buryTokens([token.id, 'no token'], startMs + 5), 'done');
    t.match(await store.findToken(token.id), { state: 'revoked', revokedAtMs: startMs + 5 });
    const scan = { orgId: org.id, userId: ann.id, by: 'name', isDescending: false } as const;
    t.same(await eachStep(store, { ...scan, parts: ['live'] }, 5), []);
    t.match(await eachStep(store, { ...scan, parts: ['revoked'] }, 5), [{ id: token.id }]);
    t.equal(await store.revokeToken(token.id, startMs), 'already_revoked');
  });

  t.test(
    'no two callers pass the most tokens of a user together, and a retry is no token more',
    async (t) => {
      const [store, another] = await openStores(t, makePlace);
      const { users } = await furnished(store);
      const [ann] = users;
      if (ann === undefined) throw new Error('no user');
      const stores = [store, await another()];
      const made = Array.from({ length: 40 }, () => exampleToken(ann));
      const answers = await Promise.all(
        made.map(({ token, digest }, index) => (stores[index % 2] ?? store).createToken(token, digest, 7)),
      );
      const created = made.filter((_, index) => answers[index] === 'created');
      t.equal(created.length, 7);
      t.equal(answers.filter((answer) => answer === 'too_many').length, 33);
      const [first] = created;
      if (first === undefined) throw new Error('none was made');
      t.equal(await store.createToken(first.token, first.digest, 7), 'created', 'the same again');
      await store.revokeToken(first.token.id, startMs);
      const next = exampleToken(ann, { expiresAtMs: startMs + 1 });
      t.equal(await store.createToken(next.token, next.digest, 7), 'created', 'in place of a revoked one');
      const later = exampleToken(ann, { createdAtMs: startMs + 1 });
      t.equal(await store.createToken(later.token, later.digest, 7), 'created', 'in place of an expired one');
      const over = exampleToken(ann);
      t.equal(await store.createToken(over.token, over.digest, 7), 'too_many');
      t.equal(await store.createToken(over.token, over.digest), 'created', 'without a bound');
    },
  );
};
