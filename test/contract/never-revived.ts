// The promise behind every revocation, as a property: no sequence of operations revives what was revoked or replaced.

import * as fc from 'fast-check';
import type { Test } from 'tap';
import type { Change } from '../../src/store/records.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { type ExampleToken, exampleOrg, exampleToken, exampleUser, startMs } from './examples.ts';
import { nextDigest } from './new-secrets.ts';
import { isAlive, type MakePlace, openStores, sure } from './places.ts';

type Step =
  | { readonly do: 'create' | 'revoke' | 'reapply token'; readonly token: number }
  | { readonly do: 'regenerate'; readonly token: number; readonly overlaps: boolean }
  | {
      readonly do: 'reapply secret';
      readonly token: number;
      readonly number: number;
      readonly overlaps: boolean;
    }
  | { readonly do: 'revoke all'; readonly of: 'org' | 'user' }
  | { readonly do: 'state'; readonly of: 'org' | 'user'; readonly state: 'active' | 'disabled' }
  | { readonly do: 'delete' | 'make again'; readonly of: 'org' | 'user' }
  | { readonly do: 'roles'; readonly of: 'org' | 'user'; readonly count: number }
  | {
      readonly do: 'reapply';
      readonly of: 'org' | 'user';
      readonly generation: number;
      readonly min: number;
      readonly isDeletion: boolean;
    };

const tokenCount = 3;
const secretCount = 5;
const token = fc.nat(tokenCount - 1);
const of = fc.constantFrom('org' as const, 'user' as const);
const small = fc.nat(6);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('create' as const, 'revoke' as const, 'reapply token' as const), token }),
  fc.record({ do: fc.constant('regenerate' as const), token, overlaps: fc.boolean() }),
  fc.record({
    do: fc.constant('reapply secret' as const),
    token,
    number: fc.nat(secretCount - 1),
    overlaps: fc.boolean(),
  }),
  fc.record({ do: fc.constant('revoke all' as const), of }),
  fc.record({ do: fc.constant('state' as const), of, state: fc.constantFrom('active', 'disabled') }),
  fc.record({ do: fc.constantFrom('delete' as const, 'make again' as const), of }),
  fc.record({ do: fc.constant('roles' as const), of, count: fc.nat(2) }),
  fc.record({
    do: fc.constant('reapply' as const),
    of,
    generation: small,
    min: small,
    isDeletion: fc.boolean(),
  }),
);

interface World {
  readonly store: TokenStore;
  readonly orgId: string;
  readonly userId: string;
  readonly tokens: readonly ExampleToken[];
  /** Of each token: the digests of its secrets, by their number. */
  readonly digests: readonly (readonly string[])[];
  /** Digests of what has been seen dead. */
  readonly dead: Set<string>;
}

export const neverRevived = (t: Test, makePlace: MakePlace, runs: number): void => {
  t.test(
    'no sequence of operations revives a revoked token or a replaced secret, or lowers a generation',
    async (t) => {
      const [store] = await openStores(t, makePlace);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 14 }), async (steps) => {
          const world = await furnish(store);
          let before = await generationsOf(world);
          for (const step of steps) {
            await take(world, step);
            const after = await generationsOf(world);
            if (after.some((generation, index) => generation < before[index]!))
              throw new Error(`lowered: ${before.join()} -> ${after.join()}`);
            // A deleted account has none; one made again must not begin below what there was.
            before = after.map((generation, index) => (isNaN(generation) ? before[index]! : generation));
            await look(world);
          }
        }),
        { numRuns: runs },
      );
      t.pass(`${runs} sequences`);
    },
  );
};

const furnish = async (store: TokenStore): Promise<World> => {
  const org = exampleOrg();
  const user = exampleUser(org.id);
  await store.createOrg(org);
  await store.createUser(user);
  const tokens = Array.from({ length: tokenCount }, () => exampleToken(user));
  const digests = tokens.map(({ token, digest }) => [
    digest,
    ...Array.from({ length: secretCount - 1 }, () => nextDigest(token)),
  ]);
  return { store, orgId: org.id, userId: user.id, tokens, digests, dead: new Set() };
};

/** Whatever was a secret of a token and is dead now must be dead for ever. */
const look = async ({ store, tokens, digests, dead }: World): Promise<void> => {
  for (const [index, { token }] of tokens.entries()) {
    const record = sure(await store.findToken(token.id));
    if (record === undefined) continue;
    for (const digest of digests[index]!.slice(0, record.secretNumber + 1)) {
      const alive = await isAlive(store, digest);
      if (alive && dead.has(digest)) throw new Error('a dead secret lives');
      if (!alive) dead.add(digest);
    }
  }
};

const generationsOf = async ({ store, orgId, userId }: World): Promise<number[]> => {
  const org = sure(await store.findOrg(orgId));
  const user = sure(await store.findUser(orgId, userId));
  return [org?.generation, org?.tokenGenerationMin, user?.generation, user?.tokenGenerationMin].map(
    (generation) => generation ?? NaN,
  );
};

const take = async ({ store, orgId, userId, tokens, digests }: World, step: Step): Promise<unknown> => {
  const atMs = startMs;
  const untilMs = startMs + 1_000;
  switch (step.do) {
    case 'create':
      return store.createToken(tokens[step.token]!.token, tokens[step.token]!.digest);
    case 'revoke':
      return store.revokeToken(tokens[step.token]!.token.id, atMs);
    case 'reapply token':
      return store.reapply([{ kind: 'token', tokenId: tokens[step.token]!.token.id, atMs }]);
    case 'regenerate': {
      const { id } = tokens[step.token]!.token;
      const number = (sure(await store.findToken(id))?.secretNumber ?? 0) + 1;
      const digest = digests[step.token]![number];
      if (digest === undefined) return undefined;
      const previousUntilMs = step.overlaps ? untilMs : undefined;
      return store.regenerateToken(id, { digest, number, previousUntilMs }, atMs);
    }
    case 'reapply secret': {
      const { number: secretNumber, overlaps } = step;
      const digest = digests[step.token]![secretNumber]!;
      const about = { kind: 'secret', tokenId: tokens[step.token]!.token.id, secretNumber, digest } as const;
      return store.reapply([{ ...about, ...(overlaps ? { previousUntilMs: untilMs } : {}), atMs }]);
    }
    case 'revoke all':
      return store.revokeAll(orgId, step.of === 'user' ? userId : undefined, atMs);
    case 'state':
      return step.of === 'org'
        ? store.changeOrg(orgId, { state: step.state }, atMs)
        : store.changeUser(orgId, userId, { state: step.state }, atMs);
    case 'delete':
      return step.of === 'org' ? store.deleteOrg(orgId, atMs) : store.deleteUser(orgId, userId, atMs);
    case 'make again':
      return step.of === 'org'
        ? store.createOrg(exampleOrg({ id: orgId }))
        : store.createUser(exampleUser(orgId, { id: userId }));
    case 'roles': {
      const names = Array.from({ length: step.count }, (_, index) => `role-${index}`);
      return step.of === 'org'
        ? store.changeOrg(orgId, { roles: Object.fromEntries(names.map((name) => [name, ['a']])) }, atMs)
        : store.changeUser(orgId, userId, { roles: names }, atMs);
    }
    case 'reapply': {
      const { generation } = step;
      const state = step.isDeletion ? ({ state: 'deleted' } as const) : {};
      const facts = { generation, tokenGenerationMin: Math.min(step.min, generation), ...state, atMs };
      const change: Change =
        step.of === 'org' ? { kind: 'org', orgId, ...facts } : { kind: 'user', orgId, userId, ...facts };
      return store.reapply([change]);
    }
  }
};
