import t from 'tap';
import { createRevoke } from '../../src/lifecycle/revoke.ts';
import { createWorld, dayMs } from './world.ts';

const apiToken = (value: string) => ({ kind: 'api_token', value }) as const;
const accessToken = (value: string) => ({ kind: 'access_token', value }) as const;
const order = {
  scopes: undefined,
  audiences: [],
  validityMs: undefined,
  clientId: undefined,
  clientAddress: undefined,
} as const;

t.test('whoever holds an API token can end it, with every session made from it', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke(world);
  const { secret, record } = await world.token();
  const session = await world.exchange({ credential: apiToken(secret), ...order });
  if (!('accessToken' in session)) throw new Error('no access token');
  t.equal(await revoke(apiToken(secret), undefined), 'revoked');
  t.match(await world.apiTokens.findApiToken(record.id), { state: 'revoked' });
  t.match(await world.identifier.identify(accessToken(session.accessToken), world.now()), {
    reason: 'token_revoked',
  });
  t.equal(await revoke(apiToken(secret), undefined), 'nothing', 'once');
});

t.test('whoever holds an access token can end its session, and no other', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke(world);
  const { secret } = await world.token();
  const one = await world.exchange({ credential: apiToken(secret), ...order });
  const two = await world.exchange({ credential: apiToken(secret), ...order });
  if (!('accessToken' in one) || !('accessToken' in two)) throw new Error('no access token');
  t.equal(await revoke(accessToken(one.accessToken), undefined), 'revoked');
  t.match(await world.identifier.identify(accessToken(one.accessToken), world.now()), {
    reason: 'session_ended',
  });
  t.match(await world.identifier.identify(accessToken(two.accessToken), world.now()), {
    identity: { user: { id: 'ann' } },
  });
  t.match(await world.identifier.identify(apiToken(secret), world.now()), {
    identity: { user: { id: 'ann' } },
  });
});

t.test('a token of a disabled user is ended too, so that it does not come back with the user', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke(world);
  const { secret } = await world.token();
  await world.accounts.setUserState('acme', 'ann', 'disabled');
  t.equal(await revoke(apiToken(secret), undefined), 'revoked');
  await world.accounts.setUserState('acme', 'ann', 'active');
  t.match(await world.identifier.identify(apiToken(secret), world.now()), { reason: 'token_revoked' });
});

t.test('a token that is no good counts as revoked already', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke(world);
  const { secret } = await world.token('all', dayMs);
  t.equal(await revoke(apiToken('garbage'), undefined), 'nothing');
  t.equal(await revoke(accessToken('a.b.c'), undefined), 'nothing');
  world.clock.nowMs += dayMs;
  t.equal(await revoke(apiToken(secret), undefined), 'nothing');
});

t.test('a revocation the store cannot take is an outage, never "done"', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke(world);
  const { secret } = await world.token();
  await world.identifier.identify(apiToken(secret), world.now());
  await world.store.close();
  t.match(await revoke(apiToken(secret), undefined), { kind: 'outage', reason: 'store_unavailable' });
});
