// When a token was last used: rarely written, never in the way.

import t from 'tap';
import { outage } from '../../src/decision/outcome.ts';
import { createLastUsed } from '../../src/lifecycle/last-used.ts';
import type { TokenUse } from '../../src/store/api-token-store.ts';
import { anywhere, createWorld } from './world.ts';

const openLastUsed = () => {
  const batches: (readonly TokenUse[])[] = [];
  const said: object[] = [];
  const state = { isOut: false };
  const lastUsed = createLastUsed(
    {
      recordUses: async (uses) => {
        if (state.isOut) return outage('store_unavailable', new Error('OOM'));
        batches.push(uses);
        return 'done';
      },
    },
    {
      warn: (message, fields) => void said.push({ level: 'warn', message, ...fields }),
      info: (message) => void said.push({ level: 'info', message }),
    },
  );
  return { lastUsed, batches, said, state };
};

t.test(
  'a store that takes nothing is in the log once, with the cause, and once when it does again',
  async (t) => {
    const { lastUsed, said, state } = openLastUsed();
    state.isOut = true;
    for (const atMs of [1, 2, 3]) {
      lastUsed.note(`token ${atMs}`, atMs);
      await lastUsed.close();
    }
    const fails = {
      level: 'warn',
      message: 'the store does not take times of last use; trying again',
      error: 'OOM',
    };
    t.same(said, [fails]);
    state.isOut = false;
    await lastUsed.close();
    await lastUsed.close();
    t.same(said, [fails, { level: 'info', message: 'the store takes times of last use again' }]);
  },
);

t.test('a token is written at most once a minute, and noting it waits for nothing', async (t) => {
  const { lastUsed, batches } = openLastUsed();
  for (const atMs of [1_000, 1_001, 30_000, 60_999, 61_000, 61_001]) lastUsed.note('a', atMs);
  lastUsed.note('b', 61_002);
  t.same(batches, []);
  await lastUsed.close();
  t.same(batches, [
    [
      { tokenId: 'a', atMs: 1_000 },
      { tokenId: 'a', atMs: 61_000 },
      { tokenId: 'b', atMs: 61_002 },
    ],
  ]);
});

t.test('while the store is out uses wait, and are written when it is back', async (t) => {
  const { lastUsed, batches, state } = openLastUsed();
  state.isOut = true;
  lastUsed.note('a', 1);
  await lastUsed.close();
  state.isOut = false;
  lastUsed.note('b', 2);
  await lastUsed.close();
  t.same(batches, [
    [
      { tokenId: 'a', atMs: 1 },
      { tokenId: 'b', atMs: 2 },
    ],
  ]);
});

t.test('uses are written by themselves a moment later', async (t) => {
  const { lastUsed, batches } = openLastUsed();
  lastUsed.note('a', 1);
  const alive = setInterval(() => undefined, 1_000);
  while (batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  clearInterval(alive);
  t.same(batches, [[{ tokenId: 'a', atMs: 1 }]]);
});

t.test('presenting an API token counts as a use; being refused, or a session of it, does not', async (t) => {
  const used: string[] = [];
  const world = await createWorld(t, {}, (tokenId) => used.push(tokenId));
  const { secret, record } = await world.token();
  const identify = (value: string, form: 'opaque' | 'jwt') =>
    world.identifier.identify({ value, form }, world.now());
  await identify(secret, 'opaque');
  await identify(secret, 'opaque');
  t.same(used, [record.id], 'once a cache life');
  const made = await world.exchange({
    credential: { value: secret, form: 'opaque' },
    scopes: undefined,
    audiences: [],
    validityMs: undefined,
    clientId: undefined,
    origin: anywhere,
  });
  if (!('accessToken' in made)) throw new Error('no session');
  await identify(made.accessToken, 'jwt');
  const revoked = await world.token();
  await world.apiTokens.revokeApiToken(revoked.record.id);
  await identify(revoked.secret, 'opaque');
  t.same(used, [record.id]);
});
