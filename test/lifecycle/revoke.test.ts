import t from 'tap';
import { createSessionLimit } from '../../src/identity/session-limit.ts';
import { importApiTokens } from '../../src/lifecycle/import-api-tokens.ts';
import { createRevoke } from '../../src/lifecycle/revoke.ts';
import { shardOfTokenId } from '../../src/tokens/shard.ts';
import { createSecret, digestOf } from '../../src/tokens/api-token.ts';
import { tokensOfUser } from '../support/tokens-of-user.ts';
import { anywhere, createWorld, dayMs } from './world.ts';

const apiToken = (value: string) => ({ form: 'opaque', value }) as const;
const accessToken = (value: string) => ({ form: 'jwt', value }) as const;
const order = {
  scopes: undefined,
  audiences: [],
  validityMs: undefined,
  clientId: undefined,
  origin: anywhere,
} as const;

t.test('whoever holds an API token can end it, with every session made from it', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke(world);
  const { secret, record } = await world.token();
  const session = await world.exchange({ credential: apiToken(secret), ...order });
  if (!('accessToken' in session)) throw new Error('no access token');
  t.equal(await revoke(apiToken(secret), anywhere), 'revoked');
  t.match(await world.apiTokens.findApiToken(record.id), { state: 'revoked' });
  t.match(await world.identifier.identify(accessToken(session.accessToken), world.now()), {
    reason: 'token_revoked',
  });
  t.equal(await revoke(apiToken(secret), anywhere), 'nothing', 'once');
});

t.test('whoever holds an access token can end its session, and no other', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke(world);
  const { secret } = await world.token();
  const one = await world.exchange({ credential: apiToken(secret), ...order });
  const two = await world.exchange({ credential: apiToken(secret), ...order });
  if (!('accessToken' in one) || !('accessToken' in two)) throw new Error('no access token');
  t.equal(await revoke(accessToken(one.accessToken), anywhere), 'revoked');
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

t.test('one API token ends so many of its sessions in a minute; itself it may always end', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke({ ...world, sessionLimit: createSessionLimit(1) });
  const { secret } = await world.token();
  const sessions = await Promise.all(
    [1, 2].map(() => world.exchange({ credential: apiToken(secret), ...order })),
  );
  const [one, two] = sessions.map((session) => ('accessToken' in session ? session.accessToken : ''));
  t.equal(await revoke(accessToken(one!), anywhere), 'revoked');
  t.match(await revoke(accessToken(two!), anywhere), { reason: 'rate_limited' });
  t.equal(await revoke(apiToken(secret), anywhere), 'revoked');
  t.match(await revoke(apiToken(secret), anywhere), { reason: 'rate_limited' }, 'but not over and over');
});

t.test('a token of a disabled user is ended too, so that it does not come back with the user', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke(world);
  const { secret } = await world.token();
  await world.accounts.setUserState('acme', 'ann', 'disabled');
  t.equal(await revoke(apiToken(secret), anywhere), 'revoked');
  await world.accounts.setUserState('acme', 'ann', 'active');
  t.match(await world.identifier.identify(apiToken(secret), world.now()), { reason: 'token_revoked' });
});

t.test(
  'a token that memory calls unknown is looked for in the store before it is called revoked',
  async (t) => {
    const world = await createWorld(t);
    const revoke = createRevoke(world);
    const legacy = 'legacy-token-of-another-system';
    t.match(await world.identifier.identify(apiToken(legacy), world.now()), { reason: 'token_unknown' });
    const entry = { org: 'acme', user: 'ann', name: 'old', scopes: 'all', expires: null, secret: legacy };
    const options = { onProgress: undefined, concurrency: undefined };
    t.match(await importApiTokens(world, [entry], options), { imported: 1 });
    t.match(
      await world.identifier.identify(apiToken(legacy), world.now()),
      { reason: 'token_unknown' },
      'still remembered as unknown',
    );
    t.equal(await revoke(apiToken(legacy), anywhere), 'revoked');
    t.match(await tokensOfUser(world.store, 'acme', 'ann'), [{ name: 'old', state: 'revoked' }]);
  },
);

t.test('a flood of unknown tokens from an address keeps nobody there from revoking', async (t) => {
  const limits = { ...(await createWorld(t)).settings.limits, unknownTokensPerMinute: 1 };
  const world = await createWorld(t, { limits });
  const revoke = createRevoke(world);
  const [used, fresh] = [await world.token(), await world.token()];
  const address = '192.0.2.1';
  for (let index = 0; index < 5; index++)
    await world.identifier.identify(apiToken(`garbage ${index}`), world.now(), address);
  t.match(await world.identifier.identify(apiToken(used.secret), world.now(), address), {
    reason: 'rate_limited',
  });
  t.equal(await revoke(apiToken(fresh.secret), { ...anywhere, clientAddress: address }), 'revoked');
});

t.test('the secret before the present one ends nothing once its overlap is over', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke(world);
  const { secret, record } = await world.token();
  const next = {
    digest: digestOf(createSecret({ shard: shardOfTokenId(record.id), length: 65 })),
    number: 1,
  };
  await world.store.regenerateToken(record.id, { ...next, previousUntilMs: undefined }, world.now());
  await world.accounts.setUserState('acme', 'ann', 'disabled');
  t.equal(await revoke(apiToken(secret), anywhere), 'nothing');
  t.match(await world.apiTokens.findApiToken(record.id), { state: 'active' });
});

t.test('what can never have been a token here counts as revoked already', async (t) => {
  const revoke = createRevoke(await createWorld(t));
  t.equal(await revoke(apiToken('garbage'), anywhere), 'nothing');
  t.equal(await revoke(apiToken('garbage that is long enough for an import'), anywhere), 'nothing');
  t.equal(await revoke(accessToken('a.b.c'), anywhere), 'nothing');
});

t.test(
  'a token that has expired by the clock here is revoked: another clock may say otherwise',
  async (t) => {
    const world = await createWorld(t);
    const revoke = createRevoke(world);
    const { secret, record } = await world.token('all', dayMs);
    world.clock.nowMs += dayMs;
    t.equal(await revoke(apiToken(secret), anywhere), 'revoked');
    t.equal(await revoke(apiToken(secret), anywhere), 'nothing', 'once');
    t.match(await world.apiTokens.findApiToken(record.id), { state: 'revoked' });
  },
);

t.test('a revocation the store cannot take is an outage, never "done"', async (t) => {
  const world = await createWorld(t);
  const revoke = createRevoke(world);
  const { secret } = await world.token();
  await world.identifier.identify(apiToken(secret), world.now());
  await world.store.close();
  t.match(await revoke(apiToken(secret), anywhere), { kind: 'outage', reason: 'store_unavailable' });
});
