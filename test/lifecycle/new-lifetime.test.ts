// A new secret that comes with a new lifetime of the token.

import t from 'tap';
import { CachingIdentifier } from '../../src/identity/caching-identifier.ts';
import { FeedState } from '../../src/identity/feed-state.ts';
import { createUnknownTokenLimit } from '../../src/identity/unknown-token-limit.ts';
import { createAudit } from '../../src/lifecycle/audit.ts';
import { isCommandError, isFailure } from '../../src/lifecycle/command-error.ts';
import type { Regeneration } from '../../src/lifecycle/regenerate.ts';
import { createAccessTokenVerifiers } from '../../src/tokens/verify-access-token.ts';
import { sure } from '../contract/places.ts';
import { createWorld, dayMs, minuteMs, sealed, type World } from './world.ts';

const regenerate = async (world: World, tokenId: string, over: Partial<Regeneration>) => {
  const made = await world.apiTokens.regenerateApiToken({ tokenId, overlapMs: 0, length: 65, ...over });
  if (isFailure(made)) throw new Error(JSON.stringify(made));
  return made;
};

const problemOf = async (world: World, tokenId: string, over: Partial<Regeneration>): Promise<string> => {
  const made = await world.apiTokens.regenerateApiToken({ tokenId, overlapMs: 0, length: 65, ...over });
  return isCommandError(made) ? made.code : 'no problem';
};

const identify = async (world: World, value: string) => {
  const found = await world.identifier.identify({ value, form: 'opaque' }, world.now());
  return 'identity' in found ? found.identity.expiresAtMs : found.reason;
};

t.test('the token lives so long from now on: longer, shorter, or for ever', async (t) => {
  const world = await createWorld(t);
  for (const first of [dayMs, null]) {
    const { record } = await world.token('all', first);
    for (const lifetimeMs of [90 * dayMs, minuteMs, null]) {
      world.clock.nowMs += 10;
      const nowMs = world.now();
      const made = await regenerate(world, record.id, { lifetimeMs });
      const expiresAtMs = lifetimeMs === null ? undefined : nowMs + lifetimeMs;
      t.match(made.record, { expiresAtMs, renewedAtMs: nowMs });
      t.equal(await identify(world, made.secret), expiresAtMs ?? Infinity);
    }
  }
});

t.test('without a lifetime the token keeps its expiry, also one that it was given before', async (t) => {
  const world = await createWorld(t);
  const { record } = await world.token('all', dayMs);
  const first = await regenerate(world, record.id, {});
  t.match(first.record, { expiresAtMs: record.expiresAtMs, renewedAtMs: undefined });
  const second = await regenerate(world, record.id, { lifetimeMs: 9 * dayMs });
  world.clock.nowMs += dayMs;
  const third = await regenerate(world, record.id, { overlapMs: dayMs });
  const { expiresAtMs, renewedAtMs } = second.record;
  t.match(third.record, { expiresAtMs, renewedAtMs, previousSecretExpiresAtMs: world.now() + dayMs });
});

t.test('a lifetime is checked as that of a new token is', async (t) => {
  const world = await createWorld(t);
  const { record } = await world.token('all', dayMs);
  for (const lifetimeMs of [0, -1, minuteMs - 1, 0.5, Number.NaN, Infinity, 101 * 365.25 * dayMs])
    t.equal(await problemOf(world, record.id, { lifetimeMs }), 'lifetime_malformed', `${lifetimeMs}`);
  sure(await world.store.changeOrg('acme', { tokenLifetimeMsMax: 30 * dayMs }, world.now()));
  for (const lifetimeMs of [null, 30 * dayMs + 1])
    t.equal(await problemOf(world, record.id, { lifetimeMs }), 'lifetime_too_long', `${lifetimeMs}`);
  t.match(await world.apiTokens.findApiToken(record.id), { secretNumber: 0 }, 'and nothing was burnt');
  t.equal(await problemOf(world, record.id, { lifetimeMs: 30 * dayMs }), 'no problem');
});

t.test('no lifetime brings back a token that has expired or was revoked', async (t) => {
  const world = await createWorld(t);
  const [expired, revoked] = [await world.token('all', dayMs), await world.token()];
  await world.apiTokens.revokeApiToken(revoked.record.id);
  world.clock.nowMs += dayMs;
  for (const lifetimeMs of [dayMs, null]) {
    t.equal(await problemOf(world, expired.record.id, { lifetimeMs }), 'token_expired');
    t.equal(await problemOf(world, revoked.record.id, { lifetimeMs }), 'token_revoked');
  }
  t.equal(await identify(world, expired.secret), 'token_expired');
  await world.apiTokens.revokeAll('acme', 'ann');
  t.equal(await problemOf(world, revoked.record.id, { lifetimeMs: dayMs }), 'token_revoked');
});

t.test('the old secret ends with its overlap, or with the token where that is earlier', async (t) => {
  const world = await createWorld(t);
  const { secret, record } = await world.token('all', dayMs);
  t.equal(await identify(world, secret), record.expiresAtMs, 'cached');
  const endMs = world.now() + 10 * minuteMs;
  const made = await regenerate(world, record.id, { overlapMs: 3 * dayMs, lifetimeMs: 10 * minuteMs });
  t.match(made.record, { previousSecretExpiresAtMs: endMs, expiresAtMs: endMs });
  world.clock.nowMs = endMs - 1;
  t.equal(typeof (await identify(world, secret)), 'number');
  world.clock.nowMs = endMs;
  t.equal(await identify(world, secret), 'token_revoked', 'whatever is cached of it');
  t.equal(await identify(world, made.secret), 'token_expired');
});

t.test('what is cached with the old expiry is looked up again then, and lives on', async (t) => {
  const world = await createWorld(t);
  const { store, settings, now } = world;
  const { clockLeewayMs } = settings.tokens;
  const feedState = new FeedState({ store, maxStalenessMs: 60_000, retentionMs: dayMs, clockLeewayMs, now });
  const subscription = store.follow(feedState);
  t.teardown(() => subscription.close());
  await feedState.whenReady;
  const identifier = new CachingIdentifier({
    store,
    settings,
    feedState,
    unknownTokenLimit: createUnknownTokenLimit(0),
    accessTokens: createAccessTokenVerifiers({
      issuer: settings.issuer,
      audience: settings.audience,
      keyRing: world.keys,
      externalIssuers: [],
      clockLeewayMs,
      tokenAgeMsMax: settings.tokens.accessTokenLifetimeMs,
    }),
    monotonicMs: () => world.clock.nowMs - 1_700_000_000_000,
    signIdentityJwt: () => 'not asked for here',
    signAccessToken: () => 'not asked for here',
  });
  const { secret, record } = await world.token('all', minuteMs);
  const oldMs = record.expiresAtMs ?? 0;
  const look = async () => {
    const found = await identifier.identify({ value: secret, form: 'opaque' }, now());
    return 'identity' in found ? found.identity.expiresAtMs : found.reason;
  };
  world.clock.nowMs = oldMs - 5;
  t.equal(await look(), oldMs);
  await regenerate(world, record.id, { overlapMs: dayMs, lifetimeMs: 90 * dayMs });
  const { hits, misses } = identifier.reading();
  t.equal(await look(), oldMs, 'from the cache');
  t.match(identifier.reading(), { hits: hits + 1, misses });
  world.clock.nowMs = oldMs;
  t.equal(await look(), oldMs - 5 + dayMs, 'until its overlap ends');
});

t.test('the same key with another lifetime is another command', async (t) => {
  const world = await createWorld(t, sealed);
  const { record } = await world.token('all', dayMs);
  const keyed = { idempotencyKey: 'one', lifetimeMs: 5 * dayMs };
  const first = await regenerate(world, record.id, keyed);
  world.clock.nowMs += minuteMs;
  t.same(await regenerate(world, record.id, keyed), { ...first, isRepeat: true });
  for (const lifetimeMs of [6 * dayMs, null])
    t.equal(await problemOf(world, record.id, { ...keyed, lifetimeMs }), 'idempotency_conflict');
  const other = await world.token('all', dayMs);
  await regenerate(world, other.record.id, { idempotencyKey: 'one' });
  t.equal(await problemOf(world, other.record.id, keyed), 'idempotency_conflict');
  t.match(await world.apiTokens.findApiToken(other.record.id), { expiresAtMs: other.record.expiresAtMs });
  const rivals = [2 * dayMs, 3 * dayMs].map((lifetimeMs) =>
    problemOf(world, record.id, { idempotencyKey: 'two', lifetimeMs }),
  );
  t.same((await Promise.all(rivals)).toSorted(), ['idempotency_conflict', 'no problem']);
});

t.test('the audit says the new expiry, once', async (t) => {
  const world = await createWorld(t, sealed);
  const { store, now } = world;
  const audit = createAudit({ store, log: undefined, exchangeSampling: 1, now });
  const { record } = await world.token('all', dayMs);
  const origin = { clientAddress: '', requestId: '' };
  for (const over of [
    { lifetimeMs: 9 * dayMs, idempotencyKey: 'one' },
    { lifetimeMs: 9 * dayMs, idempotencyKey: 'one' },
    { lifetimeMs: null },
    {},
  ])
    audit.record({
      action: 'token.regenerate',
      identity: undefined,
      origin,
      subject: { tokenId: record.id },
      outcome: await regenerate(world, record.id, over),
    });
  await audit.close();
  const { items } = sure(await store.readAudit(undefined, { limit: 10, cursor: undefined }));
  t.same(items.map(({ expires }) => expires).toReversed(), [
    new Date(now() + 9 * dayMs).toISOString(),
    'never',
    undefined,
  ]);
});
