// An API token's whole life on two replicas that share a store: what one of them is told, the other obeys. On SQLite and
// on Redis alike.

import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { done } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { openReplica, type OpenStore, retentionMs } from './replica.ts';
import { dayMs, minuteMs } from './world.ts';

const order = {
  orgId: 'acme',
  userId: 'ann',
  name: 'ci',
  scopes: 'all',
  lifetimeMs: dayMs,
  length: 65,
} as const;

/** Orders are given at `here`; what is asked of `there` was cached there before. */
const openPair = async (t: Test, open: OpenStore) => {
  const clock = { nowMs: Date.now() };
  const [here, there] = [await openReplica(open, clock), await openReplica(open, clock)];
  for (const replica of [here, there]) t.teardown(() => replica.close());
  const roles = { reader: ['things:read'] };
  done(await here.accounts.createOrg({ id: 'acme', name: undefined, roles, tokenLifetimeMsMax: undefined }));
  for (const id of ['ann', 'bob'])
    done(await here.accounts.createUser({ orgId: 'acme', id, name: undefined, roles: ['reader'] }));
  const token = async (over: object = {}) => {
    const { secret, record } = done(await here.apiTokens.createApiToken({ ...order, ...over }));
    const accessToken = await there.session(secret);
    t.equal(await there.look(secret), 'live');
    t.equal(await there.look(accessToken, 'jwt'), 'live');
    return { secret, id: record.id, accessToken };
  };
  const gone = async ({
    secret,
    accessToken,
  }: Awaited<ReturnType<typeof token>>): Promise<readonly string[]> => {
    await there.until(async () => (await there.look(accessToken, 'jwt')) !== 'live');
    return [await there.look(secret), await there.look(accessToken, 'jwt')];
  };
  return { clock, here, there, token, gone };
};

const scenarios = (t: Test, makePlace: (t: Test) => OpenStore): void => {
  t.test('regenerated without an overlap: the old secret and its sessions die on both', async (t) => {
    const { here, there, token, gone } = await openPair(t, makePlace(t));
    const made = await token();
    const next = done(
      await here.apiTokens.regenerateApiToken({ tokenId: made.id, overlapMs: 0, length: 65 }),
    );
    t.same(await gone(made), ['token_revoked', 'token_revoked']);
    t.equal(await there.look(next.secret), 'live');
    t.equal(await there.look(await there.session(next.secret), 'jwt'), 'live');
  });

  t.test('regenerated with an overlap: both are good until it ends, then only the new one', async (t) => {
    const { clock, here, there, token, gone } = await openPair(t, makePlace(t));
    const made = await token();
    const overlapMs = 10 * minuteMs;
    const next = done(await here.apiTokens.regenerateApiToken({ tokenId: made.id, overlapMs, length: 65 }));
    await there.until(async () => (await there.look(next.secret)) === 'live');
    t.same([await there.look(made.secret), await there.look(made.accessToken, 'jwt')], ['live', 'live']);
    // Whichever replica is slow to be told, the end of the overlap is the same moment for both.
    clock.nowMs += overlapMs;
    t.same(await gone(made), ['token_revoked', 'token_revoked']);
    t.equal(await there.look(next.secret), 'live');
  });

  t.test('regenerated for a shorter life: the old secret ends with the token on both', async (t) => {
    const { clock, here, there, token, gone } = await openPair(t, makePlace(t));
    const made = await token();
    const times = { overlapMs: dayMs, lifetimeMs: 10 * minuteMs };
    const next = done(await here.apiTokens.regenerateApiToken({ tokenId: made.id, ...times, length: 65 }));
    await there.until(async () => (await there.look(next.secret)) === 'live');
    t.same([await there.look(made.secret), await there.look(made.accessToken, 'jwt')], ['live', 'live']);
    clock.nowMs += 10 * minuteMs;
    t.same(await gone(made), ['token_revoked', 'token_revoked']);
    t.equal(await there.look(next.secret), 'token_expired');
  });

  t.test('a retry at the other replica gives the same secret, and the same token', async (t) => {
    const { here, there, token } = await openPair(t, makePlace(t));
    const { id } = await token();
    const again = { tokenId: id, overlapMs: 0, length: 65, idempotencyKey: 'key-1' } as const;
    const first = done(await here.apiTokens.regenerateApiToken(again));
    t.match(done(await there.apiTokens.regenerateApiToken(again)), first);
    t.equal(await there.look(first.secret), 'live');
    const wanted = { ...order, idempotencyKey: 'key-2' };
    const made = done(await here.apiTokens.createApiToken(wanted));
    t.match(done(await there.apiTokens.createApiToken(wanted)), made);
  });

  t.test('revoked, one and all: dead on both, and what is made after lives', async (t) => {
    const { here, there, token, gone } = await openPair(t, makePlace(t));
    const one = await token();
    done(await here.apiTokens.revokeApiToken(one.id));
    t.same(await gone(one), ['token_revoked', 'token_revoked']);
    const [anns, bobs] = [await token(), await token({ userId: 'bob' })];
    done(await here.apiTokens.revokeAll('acme', 'ann'));
    t.same(await gone(anns), ['token_revoked', 'session_ended']);
    t.equal(await there.look(bobs.secret), 'live', 'a neighbour keeps theirs');
    done(await here.apiTokens.revokeAll('acme', undefined));
    t.same(await gone(bobs), ['token_revoked', 'session_ended']);
    await token();
  });

  t.test('a disabled user is refused everywhere, and comes back with the API token alone', async (t) => {
    const { here, there, token, gone } = await openPair(t, makePlace(t));
    const made = await token();
    done(await here.accounts.setUserState('acme', 'ann', 'disabled'));
    t.same(await gone(made), ['user_disabled', 'session_ended']);
    done(await here.accounts.setUserState('acme', 'ann', 'active'));
    await there.until(async () => (await there.look(made.secret)) === 'live');
    t.equal(await there.look(made.accessToken, 'jwt'), 'session_ended');
  });

  t.test('a token expires to the millisecond; one that never does is good in a hundred years', async (t) => {
    const { clock, here, there, token } = await openPair(t, makePlace(t));
    const made = await token();
    const forEver = done(await here.apiTokens.createApiToken({ ...order, lifetimeMs: null }));
    t.equal(forEver.record.expiresAtMs, undefined);
    clock.nowMs += dayMs;
    t.equal(await here.look(made.secret), 'token_expired');
    clock.nowMs += 36_500 * dayMs;
    t.equal(await there.look(forEver.secret), 'live');
  });
};

t.test('on one SQLite file', async (t) => {
  scenarios(t, (t) => {
    const file = join(t.testdir(), 'tollgate.db');
    return async () => {
      const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs });
      await store.open();
      return store;
    };
  });
});

t.test('on one Redis', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  let places = 0;
  scenarios(t, () => {
    const prefix = `place-${places++}`;
    return async () => {
      const wanted = { socketPath: server.socketPath, prefix, readTimeoutMs: 5_000, writeTimeoutMs: 10_000 };
      const store = createRedisStore(redisSettings(wanted), { retentionMs });
      await store.open();
      return store;
    };
  });
});
