// A new secret for the same API token.

import t from 'tap';
import type { Credential } from '../../src/decision/credential.ts';
import { isCommandError, isFailure } from '../../src/lifecycle/command-error.ts';
import { anywhere, createWorld, dayMs, minuteMs, sealed, type World } from './world.ts';

const identify = async (world: World, value: string, form: Credential['form'] = 'opaque') => {
  const found = await world.identifier.identify({ value, form }, world.now());
  return 'identity' in found ? found.identity : found.reason;
};

const regenerate = async (world: World, tokenId: string, overlapMs = 0, idempotencyKey?: string) => {
  const made = await world.apiTokens.regenerateApiToken({ tokenId, overlapMs, length: 65, idempotencyKey });
  if (isFailure(made)) throw new Error(JSON.stringify(made));
  return made;
};

const problemOf = async (answer: Promise<unknown>): Promise<string> => {
  const value = await answer;
  return isCommandError(value) ? value.code : 'no problem';
};

const session = async (world: World, secret: string): Promise<string> => {
  const made = await world.exchange({
    credential: { value: secret, form: 'opaque' },
    scopes: undefined,
    audiences: [],
    validityMs: undefined,
    clientId: undefined,
    origin: anywhere,
  });
  if (!('accessToken' in made)) throw new Error(JSON.stringify(made));
  return made.accessToken;
};

t.test('without an overlap the old secret and every session made with it die at once', async (t) => {
  const world = await createWorld(t);
  const { secret, record } = await world.token();
  const oldSession = await session(world, secret);
  t.match(await identify(world, secret), { secretNumber: 0 }, 'cached');
  t.match(await identify(world, oldSession, 'jwt'), { tokenId: record.id });
  const made = await regenerate(world, record.id);
  t.same(made.record, { ...record, secretNumber: 1, lastUsedAtMs: made.record.lastUsedAtMs });
  t.not(made.secret, secret);
  t.equal(await identify(world, secret), 'token_revoked');
  t.equal(await identify(world, oldSession, 'jwt'), 'token_revoked');
  t.match(await identify(world, made.secret), { tokenId: record.id, secretNumber: 1 });
  const newSession = await session(world, made.secret);
  t.match(await identify(world, newSession, 'jwt'), { secretNumber: 1 });
});

t.test(
  'with an overlap both are good until it ends, then the old one and its sessions are not',
  async (t) => {
    const world = await createWorld(t);
    const { secret, record } = await world.token();
    const oldSession = await session(world, secret);
    const made = await regenerate(world, record.id, 2 * minuteMs);
    t.match(made.record, { previousSecretExpiresAtMs: world.now() + 2 * minuteMs });
    const endMs = world.now() + 2 * minuteMs;
    t.match(await identify(world, secret), { secretNumber: 0 });
    t.match(await identify(world, oldSession, 'jwt'), { secretNumber: 0 });
    world.clock.nowMs = endMs;
    t.equal(await identify(world, secret), 'token_revoked');
    t.equal(await identify(world, oldSession, 'jwt'), 'token_revoked');
    t.match(await identify(world, made.secret), { secretNumber: 1 });
  },
);

t.test('a retry with the same key gives the same secret, and burns none', async (t) => {
  const world = await createWorld(t, sealed);
  const { record } = await world.token();
  const first = await regenerate(world, record.id, 0, 'key-1');
  const again = await regenerate(world, record.id, 0, 'key-1');
  t.match(again, first);
  t.match(await identify(world, first.secret), { secretNumber: 1 });
  const [one, other] = await Promise.all([
    regenerate(world, record.id, 0, 'key-2'),
    regenerate(world, record.id, 0, 'key-2'),
  ]);
  t.same([one.secret, one.record], [other.secret, other.record], 'two at once too');
  t.match(one.record, { secretNumber: 2 });
  const third = await regenerate(world, record.id, 0, 'key-1');
  t.match(third.record, { secretNumber: 3 }, 'a key is remembered until the next secret');
  t.not(third.secret, first.secret, 'and a replaced secret never comes back');
  t.equal(await identify(world, first.secret), 'token_revoked');
});

t.test('another token, and another key, get another secret', async (t) => {
  const world = await createWorld(t, sealed);
  const [one, other] = [await world.token(), await world.token()];
  const secrets = new Set([
    (await regenerate(world, one.record.id, 0, 'a')).secret,
    (await regenerate(world, one.record.id, 0, 'b')).secret,
    (await regenerate(world, other.record.id, 0, 'a')).secret,
  ]);
  t.equal(secrets.size, 3);
});

t.test('what cannot be regenerated says why', async (t) => {
  const world = await createWorld(t);
  const { apiTokens } = world;
  const { record } = await world.token('all', dayMs);
  const order = { tokenId: record.id, overlapMs: 0, length: 65 } as const;
  for (const overlapMs of [-1, 7 * dayMs + 1, 0.5, Number.NaN])
    t.equal(await problemOf(apiTokens.regenerateApiToken({ ...order, overlapMs })), 'overlap_malformed');
  t.equal(await problemOf(apiTokens.regenerateApiToken({ ...order, tokenId: 'x' })), 'token_unknown');
  t.equal(
    await problemOf(apiTokens.regenerateApiToken({ ...order, idempotencyKey: 'k' })),
    'idempotency_unavailable',
    'no sealing key',
  );
  await world.accounts.setUserState('acme', 'ann', 'disabled');
  t.equal(await problemOf(apiTokens.regenerateApiToken(order)), 'user_disabled');
  await world.accounts.setUserState('acme', 'ann', 'active');
  world.clock.nowMs += dayMs;
  t.equal(await problemOf(apiTokens.regenerateApiToken(order)), 'token_expired');
  world.clock.nowMs -= dayMs;
  await apiTokens.revokeAll('acme', 'ann');
  t.equal(await problemOf(apiTokens.regenerateApiToken(order)), 'token_revoked');
  const { record: revoked } = await world.token();
  await apiTokens.revokeApiToken(revoked.id);
  t.equal(await problemOf(apiTokens.regenerateApiToken({ ...order, tokenId: revoked.id })), 'token_revoked');
});

t.test('a short secret stays short, a token that never expires never does', async (t) => {
  const world = await createWorld(t, sealed);
  const { record } = await world.token('all', null);
  for (const idempotencyKey of [undefined, 'key']) {
    const made = await world.apiTokens.regenerateApiToken({
      tokenId: record.id,
      overlapMs: 0,
      length: 32,
      idempotencyKey,
    });
    t.match(made, { secret: /^tg[0-9A-Za-z]{30}$/, record: { expiresAtMs: undefined } });
  }
});

t.test(
  'an order for one secret is carried out while the token has it: of several at once, one is',
  async (t) => {
    const world = await createWorld(t);
    const { record } = await world.token();
    const order = { tokenId: record.id, overlapMs: 0, length: 65, onlyFrom: 0 } as const;
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => world.apiTokens.regenerateApiToken(order)),
    );
    t.equal(outcomes.filter((outcome) => 'secret' in outcome).length, 1);
    for (const outcome of outcomes) if (!('secret' in outcome)) t.match(outcome, { code: 'secret_replaced' });
    t.equal(await problemOf(world.apiTokens.regenerateApiToken(order)), 'secret_replaced');
    t.match(await world.apiTokens.findApiToken(record.id), { secretNumber: 1 });
  },
);
