// Whatever is ordered, in whatever order: what was revoked, replaced, superseded or expired is never good again, at the
// replica that was told or at another, before or after a restart; and what is good is good at both. Random sequences of
// commands on two replicas are compared with a model, on SQLite and on Redis.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as fc from 'fast-check';
import t, { type Test } from 'tap';
import { importApiTokens } from '../../src/lifecycle/import-api-tokens.ts';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { done } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { tokensOfUser } from '../support/tokens-of-user.ts';
import { type Held, LifeModel, type ModelToken, type ModelUser } from './life-model.ts';
import { openReplica, type OpenStore, type Replica, replicaSettings, retentionMs } from './replica.ts';
import { minuteMs } from './world.ts';

t.setTimeout(240_000);

/** The two replicas, and the org of this run. */
interface Pair {
  readonly orgId: string;
  readonly here: Replica;
  there: Replica;
  readonly restart: () => Promise<Replica>;
  readonly clock: { nowMs: number };
  /** Secrets of another system, of each user one, to be imported again and again. */
  readonly foreign: ReadonlyMap<string, string>;
  /** Given so far. */
  commands: number;
}

type Command = fc.AsyncCommand<LifeModel, Pair>;

const command = (
  name: string,
  run: (model: LifeModel, pair: Pair) => Promise<unknown>,
  check: (model: LifeModel) => boolean = () => true,
): Command => ({
  check,
  toString: () => name,
  run: async (model, pair) => {
    await run(model, pair);
    pair.commands += 1;
    await compare(model, pair);
  },
});

const pick = <T>(list: readonly T[], index: number): T => {
  const item = list[index % list.length];
  if (item === undefined) throw new Error('an empty list');
  return item;
};
const someToken = (model: LifeModel): boolean => model.tokens.length > 0;

const create = (user: number, minutes: number): Command =>
  command(
    `create(${user}, ${minutes} min)`,
    async (model, { orgId, here }) => {
      const owner = pick(model.users, user);
      const lifetimeMs = minutes * minuteMs;
      const order = { orgId, userId: owner.id, name: 'ci', scopes: 'all', lifetimeMs, length: 65 } as const;
      const made = done(await here.apiTokens.createApiToken(order));
      model.addToken(made.record.id, owner, made.secret, lifetimeMs);
    },
    (model) => model.mayOrder(pick(model.users, user)),
  );

const exchange = (index: number, isThere: boolean): Command =>
  command(
    `exchange(${index}, ${isThere ? 'there' : 'here'})`,
    async (model, { here, there }) => {
      const from = pick(secretsOf(model), index);
      model.addSession(from, await (isThere ? there : here).session(from.value));
    },
    (model) => secretsOf(model).length > 0,
  );

const secretsOf = (model: LifeModel): readonly Held[] =>
  model.held.filter((held) => held.kind === 'api_token' && model.isGood(held));

const isUsable = (model: LifeModel, { user, isRevoked, expiresAtMs }: ModelToken): boolean =>
  model.mayOrder(user) && !isRevoked && expiresAtMs > model.nowMs;

const regenerate = (index: number, overlapMinutes: number, isThere: boolean): Command =>
  command(
    `regenerate(${index}, ${overlapMinutes} min)`,
    async (model, { here, there }) => {
      const token = pick(model.tokens, index);
      const overlapMs = overlapMinutes * minuteMs;
      const { apiTokens } = isThere ? there : here;
      const answer = await apiTokens.regenerateApiToken({ tokenId: token.id, overlapMs, length: 65 });
      if (!isUsable(model, token)) {
        if ('secret' in answer) throw new Error('a dead token got a new secret');
        return;
      }
      token.number += 1;
      token.previousUntilMs = model.nowMs + overlapMs;
      model.addSecret(token, done(answer).secret);
    },
    someToken,
  );

const revoke = (index: number, isThere: boolean): Command =>
  command(
    `revoke(${index})`,
    async (model, { here, there }) => {
      const token = pick(model.tokens, index);
      done(await (isThere ? there : here).apiTokens.revokeApiToken(token.id));
      token.isRevoked = true;
    },
    someToken,
  );

const revokeAll = (user: number | undefined): Command =>
  command(`revokeAll(${user ?? 'org'})`, async (model, { orgId, here }) => {
    const owner = user === undefined ? undefined : pick(model.users, user);
    done(await here.apiTokens.revokeAll(orgId, owner?.id));
    for (const token of model.tokens) if (owner === undefined || token.user === owner) token.isRevoked = true;
    if (owner === undefined) model.org.generation += 1;
    else owner.generation += 1;
  });

const setState = (user: number | undefined, isActive: boolean): Command =>
  command(`${isActive ? 'enable' : 'disable'}(${user ?? 'org'})`, async (model, { orgId, here }) => {
    const state = isActive ? 'active' : 'disabled';
    const whom: Pick<ModelUser, 'isActive' | 'generation'> =
      user === undefined ? model.org : pick(model.users, user);
    if (user === undefined) done(await here.accounts.setOrgState(orgId, state));
    else done(await here.accounts.setUserState(orgId, pick(model.users, user).id, state));
    if (whom.isActive !== isActive) whom.generation += 1;
    whom.isActive = isActive;
  });

const setRoles = (user: number, roles: readonly string[]): Command =>
  command(`setRoles(${user}, ${roles.join('+')})`, async (model, { orgId, here }) => {
    const whom = pick(model.users, user);
    done(await here.accounts.setRoles(orgId, whom.id, roles));
    if (whom.roles.join() !== roles.join()) whom.generation += 1;
    whom.roles = roles;
  });

const importAgain = (user: number): Command =>
  command(`import(${user})`, async (model, { orgId, here, foreign, clock }) => {
    const owner = pick(model.users, user);
    const secret = foreign.get(owner.id) ?? '';
    const entry = { org: orgId, user: owner.id, name: 'legacy', scopes: 'all', expires: null, secret };
    const deps = { store: here.store, settings: replicaSettings, now: () => clock.nowMs };
    const report = await importApiTokens(deps, [entry], { onProgress: undefined, concurrency: undefined });
    if (!model.mayOrder(owner) || model.held.some(({ value }) => value === secret)) return;
    if (report.imported !== 1) throw new Error(JSON.stringify(report));
    const listed = done(await tokensOfUser(here.store, orgId, owner.id));
    const record = listed.find(({ origin }) => origin === 'imported');
    if (record === undefined) throw new Error('the imported token is not listed');
    model.addToken(record.id, owner, secret, Infinity);
  });

const pass = (minutes: number): Command =>
  command(`pass(${minutes} min)`, async (model, { clock }) => {
    clock.nowMs += minutes * minuteMs;
    model.nowMs = clock.nowMs;
  });

const restart = (): Command =>
  command('restart', async (_, pair) => {
    await pair.there.close();
    pair.there = await pair.restart();
  });

/** Whether the feed has told the newest change of an account, if there was any. */
const isHeard = (
  heard: number,
  account: { readonly generation: number; readonly createdAtMs: number } | undefined,
): boolean =>
  account === undefined || account.generation === account.createdAtMs || heard >= account.generation;

/** What the model calls good becomes good at both, what it calls bad bad; and what is buried stays so at every look. */
const compare = async (model: LifeModel, { here, there, orgId }: Pair): Promise<void> => {
  for (const replica of [here, there]) {
    // A session made before the news of its user arrived would be over with it, and its client exchange again.
    for (const { id } of model.users)
      await replica.until(async () => {
        const heard = replica.generationOf(orgId, id);
        const user = done(await replica.store.findUser(orgId, id));
        const org = done(await replica.store.findOrg(orgId));
        return isHeard(heard.org, org) && isHeard(heard.user, user);
      });
    for (const held of model.held) {
      const isLive = async (): Promise<boolean> =>
        (await replica.look(held.value, held.kind === 'api_token' ? 'opaque' : 'jwt')) === 'live';
      const what = `${held.kind} ${held.number} of token ${model.tokens.indexOf(held.token)}`;
      if (model.buried.has(held.value)) {
        if (await isLive()) throw new Error(`revived: ${what} at ${replica === here ? 'here' : 'there'}`);
        continue;
      }
      const wanted = model.isGood(held);
      const untilMs = performance.now() + 10_000;
      await replica.until(async () => {
        if (performance.now() > untilMs) throw new Error(`${what} should be ${wanted ? 'good' : 'dead'}`);
        return (await isLive()) === wanted;
      });
    }
  }
  for (const held of model.held) if (model.isLost(held)) model.buried.add(held.value);
};

const one = fc.nat(11);
const user = fc.nat(1);
const commands = [
  fc.tuple(user, fc.constantFrom(10, 1000, 100_000)).map(([whose, minutes]) => create(whose, minutes)),
  fc.tuple(one, fc.boolean()).map(([index, isThere]) => exchange(index, isThere)),
  fc.tuple(one, fc.boolean()).map(([index, isThere]) => exchange(index, isThere)),
  fc
    .tuple(one, fc.constantFrom(0, 10, 100), fc.boolean())
    .map(([index, overlap, isThere]) => regenerate(index, overlap, isThere)),
  fc.tuple(one, fc.boolean()).map(([index, isThere]) => revoke(index, isThere)),
  fc.option(user, { nil: undefined }).map(revokeAll),
  fc
    .tuple(fc.option(user, { nil: undefined }), fc.boolean())
    .map(([whose, isActive]) => setState(whose, isActive)),
  fc
    .tuple(user, fc.constantFrom(['reader'], ['reader', 'writer'], []))
    .map(([whose, roles]) => setRoles(whose, roles)),
  user.map(importAgain),
  fc.constantFrom(7, 28).map(pass),
  fc.constant(restart()),
];

const runs = 30;

const holds = async (t: Test, open: OpenStore): Promise<void> => {
  const clock = { nowMs: Date.now() };
  const here = await openReplica(open, clock);
  let there = await openReplica(open, clock);
  t.teardown(async () => {
    await here.close();
    await there.close();
  });
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 30, size: '+1' }), async (sequence) => {
      const orgId = `org-${randomUUID()}`;
      const roles = { reader: ['things:read'], writer: ['things:write'] };
      done(
        await here.accounts.createOrg({ id: orgId, name: undefined, roles, tokenLifetimeMsMax: undefined }),
      );
      const users = ['ann', 'bob'];
      for (const id of users)
        done(await here.accounts.createUser({ orgId, id, name: undefined, roles: ['reader'] }));
      const foreign = new Map(users.map((id) => [id, `legacy_${id}-${randomUUID()}`]));
      const restart = async (): Promise<Replica> => (there = await openReplica(open, clock));
      const pair: Pair = { orgId, here, there, restart, clock, foreign, commands: 0 };
      await fc.asyncModelRun(() => ({ model: new LifeModel(users, clock.nowMs), real: pair }), sequence);
      steps += pair.commands;
    }),
    { numRuns: runs },
  );
  t.comment(`${runs} sequences, ${steps} commands`);
  t.pass('nothing was revived');
};

t.test('no sequence of commands revives anything, on SQLite', async (t) => {
  const file = join(t.testdir(), 'tollgate.db');
  await holds(t, async () => {
    const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs });
    await store.open();
    return store;
  });
});

t.test('no sequence of commands revives anything, on Redis', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const wanted = { socketPath: server.socketPath, readTimeoutMs: 10_000, writeTimeoutMs: 10_000 };
  await holds(t, async () => {
    const store = createRedisStore(redisSettings(wanted), { retentionMs });
    await store.open();
    return store;
  });
});
