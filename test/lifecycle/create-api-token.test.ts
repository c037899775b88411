// Making an API token: what a retry gives, how many a user may have, and what the token carries.

import t from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import type { CreatedApiToken, NewApiToken } from '../../src/lifecycle/create-api-token.ts';
import { isCommandError, isFailure } from '../../src/lifecycle/command-error.ts';
import { digestOf, isOwnShape } from '../../src/tokens/api-token.ts';
import { tokensOfUser } from '../support/tokens-of-user.ts';
import { createWorld, dayMs, minuteMs, sealed, type World } from './world.ts';

const order = (over: Partial<NewApiToken> = {}): NewApiToken => ({
  orgId: 'acme',
  userId: 'ann',
  name: 'ci',
  scopes: 'all',
  lifetimeMs: undefined,
  length: 65,
  ...over,
});

const create = async ({ apiTokens }: World, over: Partial<NewApiToken>): Promise<CreatedApiToken> => {
  const made = await apiTokens.createApiToken(order(over));
  if (isFailure(made)) throw new Error(JSON.stringify(made));
  return made;
};

const problemOf = async ({ apiTokens }: World, over: Partial<NewApiToken>): Promise<string> => {
  const made = await apiTokens.createApiToken(order(over));
  return isCommandError(made) ? made.code : 'no problem';
};

const countOf = async ({ store }: World): Promise<number> => {
  const tokens = await tokensOfUser(store, 'acme', 'ann');
  return isOutage(tokens) ? -1 : tokens.length;
};

t.test('a retry with the same idempotency key gives the same token and makes no second one', async (t) => {
  const world = await createWorld(t, sealed);
  const labels = [{ name: 'team', value: 'build' }];
  const wanted = {
    idempotencyKey: 'key-1',
    scopes: ['things:read'],
    lifetimeMs: dayMs,
    labels,
    openid: true,
  };
  const first = await create(world, wanted);
  t.equal(isOwnShape(first.secret), true);
  world.clock.nowMs += minuteMs;
  t.match(await create(world, wanted), first, 'a minute later');
  world.clock.nowMs += dayMs - 2 * minuteMs;
  t.match(await create(world, wanted), first, 'within a day');
  world.clock.nowMs -= dayMs;
  t.match(await create(world, wanted), first, 'on a replica whose clock is behind');
  t.equal(await countOf(world), 1);
  const [one, other] = await Promise.all([
    create(world, { idempotencyKey: 'key-2' }),
    create(world, { idempotencyKey: 'key-2' }),
  ]);
  t.same([one.secret, one.record], [other.secret, other.record], 'two at once');
  t.equal(await countOf(world), 2);
  t.match(await world.store.findApiToken(digestOf(first.secret)), { token: { id: first.record.id } });
});

t.test('a key is good for two days at most: then it is a new order, and never an old secret', async (t) => {
  const world = await createWorld(t, sealed);
  const first = await create(world, { idempotencyKey: 'key' });
  await world.apiTokens.revokeApiToken(first.record.id);
  const again = await create(world, { idempotencyKey: 'key' });
  t.match(
    again,
    { secret: first.secret, record: { state: 'revoked' } },
    'the same answer, and still revoked',
  );
  world.clock.nowMs += 3 * dayMs;
  const later = await create(world, { idempotencyKey: 'key' });
  t.not(later.secret, first.secret);
  t.not(later.record.id, first.record.id);
});

t.test('the same key for another user, org or order is not the same order', async (t) => {
  const world = await createWorld(t, sealed);
  await world.accounts.createUser({ orgId: 'acme', id: 'bob', name: undefined, roles: ['reader'] });
  const first = await create(world, { idempotencyKey: 'key', scopes: ['things:read'], lifetimeMs: dayMs });
  const bobs = await create(world, { idempotencyKey: 'key', userId: 'bob' });
  t.not(bobs.secret, first.secret);
  for (const over of [
    { name: 'other' },
    { scopes: 'all' as const },
    { scopes: ['reports:read'] },
    { lifetimeMs: 2 * dayMs },
    { lifetimeMs: null },
    { openid: true },
    { labels: [{ name: 'a', value: '' }] },
    { notifyBeforeExpiryMs: 1 },
    { length: 32 as const },
  ])
    t.equal(
      await problemOf(world, {
        idempotencyKey: 'key',
        scopes: ['things:read'],
        lifetimeMs: dayMs,
        ...over,
      }),
      'idempotency_conflict',
      JSON.stringify(over),
    );
  const regenerated = { tokenId: first.record.id, overlapMs: 0, length: 65 } as const;
  await world.apiTokens.regenerateApiToken(regenerated);
  t.equal(
    await problemOf(world, { idempotencyKey: 'key', scopes: ['things:read'], lifetimeMs: dayMs }),
    'idempotency_conflict',
    'a token that has a new secret by now',
  );
});

t.test('a key that is no key, and a server without a sealing key, say so', async (t) => {
  const world = await createWorld(t, sealed);
  for (const idempotencyKey of ['', ' a', 'a\n', 'é', 'x'.repeat(256)])
    t.equal(await problemOf(world, { idempotencyKey }), 'idempotency_malformed');
  t.equal(await problemOf(await createWorld(t), { idempotencyKey: 'key' }), 'idempotency_unavailable');
});

t.test('a user may have so many live tokens and no more; dead ones do not count', async (t) => {
  const world = await createWorld(t, { ...sealed });
  const first = await create(world, { perUserMax: 3 });
  await create(world, { perUserMax: 3, lifetimeMs: minuteMs, idempotencyKey: 'key' });
  await create(world, { perUserMax: 3 });
  t.equal(await problemOf(world, { perUserMax: 3 }), 'too_many_tokens');
  await create(world, { perUserMax: 3, lifetimeMs: minuteMs, idempotencyKey: 'key' });
  t.pass('but a retry of what was made before is answered');
  await world.apiTokens.revokeApiToken(first.record.id);
  await create(world, { perUserMax: 3 });
  t.equal(await problemOf(world, { perUserMax: 3 }), 'too_many_tokens');
  world.clock.nowMs += minuteMs;
  await create(world, { perUserMax: 3 });
  await world.apiTokens.revokeAll('acme', 'ann');
  for (let made = 0; made < 3; made++) await create(world, { perUserMax: 3 });
  t.equal(await problemOf(world, { perUserMax: 3 }), 'too_many_tokens');
});

t.test('callers who make tokens at the same time do not pass the bound together', async (t) => {
  const world = await createWorld(t);
  const answers = await Promise.all(Array.from({ length: 20 }, () => problemOf(world, { perUserMax: 5 })));
  t.equal(answers.filter((answer) => answer === 'no problem').length, 5);
  t.equal(answers.filter((answer) => answer === 'too_many_tokens').length, 15);
  t.equal(await countOf(world), 5);
});

t.test('the settings bound a user too, and the smaller number holds', async (t) => {
  const { settings } = await createWorld(t);
  const world = await createWorld(t, { tokens: { ...settings.tokens, perUserMax: 1 } });
  await create(world, { perUserMax: 50 });
  t.equal(await problemOf(world, {}), 'too_many_tokens');
});

t.test('a token made for somebody else does no more than its maker may', async (t) => {
  const world = await createWorld(t);
  const within = new Set(['things:read', 'reports:read']);
  t.equal(await problemOf(world, { within }), 'scope_too_wide', "all of ann's roles are more");
  t.equal(await problemOf(world, { within, scopes: ['things:write'] }), 'scope_too_wide');
  t.equal(await problemOf(world, { within, scopes: ['things:read'] }), 'no problem');
});

t.test('labels and reminders are bounded', async (t) => {
  const world = await createWorld(t);
  const label = { name: 'a', value: 'b' };
  for (const labels of [
    Array.from({ length: 33 }, () => label),
    [{ name: '', value: 'b' }],
    [{ name: 'a\n', value: 'b' }],
    [{ name: 'a', value: 'b\0' }],
    [{ name: 'a', value: 'x'.repeat(257) }],
  ])
    t.equal(await problemOf(world, { labels }), 'label_malformed');
  for (const notifyBeforeExpiryMs of [-1, 0.5, Number.NaN])
    t.equal(await problemOf(world, { notifyBeforeExpiryMs }), 'lifetime_malformed');
  t.match(await create(world, { labels: [label], openid: true, notifyBeforeExpiryMs: 5 }), {
    record: { labels: [label], openid: true, notifyBeforeExpiryMs: 5 },
  });
});

t.test(
  "a surface's default lifetime is cut to the org's maximum, and counts only where none was asked for",
  async (t) => {
    const world = await createWorld(t);
    const daysOf = async (over: Partial<NewApiToken>): Promise<number> => {
      const { record } = await create(world, over);
      return ((record.expiresAtMs ?? Infinity) - record.createdAtMs) / dayMs;
    };
    const week = { defaultLifetime: { ms: 7 * dayMs } };
    const never = { defaultLifetime: { ms: undefined } };
    t.equal(await daysOf(week), 7);
    t.equal(await daysOf(never), Infinity);
    await world.accounts.changeOrg('acme', { tokenLifetimeMsMax: 2 * dayMs });
    t.equal(await daysOf(week), 2);
    t.equal(await daysOf(never), 2);
    t.equal(await daysOf({ ...week, lifetimeMs: dayMs }), 1);
    t.equal(await problemOf(world, { ...week, lifetimeMs: 3 * dayMs }), 'lifetime_too_long');
  },
);

t.test(
  'a user made again with the id of a deleted one is given none of its tokens by a known key',
  async (t) => {
    const world = await createWorld(t, sealed);
    const before = await create(world, { idempotencyKey: 'deploy' });
    world.clock.nowMs += 1;
    await world.accounts.deleteUser('acme', 'ann');
    world.clock.nowMs += 1;
    await world.accounts.createUser({ orgId: 'acme', id: 'ann', name: 'Ann', roles: ['reader'] });
    t.equal(await problemOf(world, { idempotencyKey: 'deploy' }), 'idempotency_conflict');
    const after = await create(world, { idempotencyKey: 'another' });
    t.not(after.record.id, before.record.id);
  },
);
