import * as fc from 'fast-check';
import t from 'tap';
import { listTokens, type TokenQuery } from '../../src/lifecycle/token-list.ts';
import { shardOfAccount, shardOfDigest, shardOfTokenId } from '../../src/tokens/shard.ts';
import { digestOf, isOwnShape } from '../../src/tokens/api-token.ts';
import { done } from '../support/operator.ts';
import { createWorld, dayMs, minuteMs } from './world.ts';

const query: TokenQuery = { orgId: 'acme', userId: 'ann', skip: 0, limit: 100 };
const order = {
  orgId: 'acme',
  userId: 'ann',
  name: 'ci',
  scopes: 'all',
  lifetimeMs: undefined,
  length: 65,
} as const;

t.test('a new token is shown once, and only its digest is kept', async (t) => {
  const { apiTokens, store, clock } = await createWorld(t);
  const made = await apiTokens.createApiToken({ ...order, scopes: ['things:read'] });
  if (!('secret' in made)) throw new Error('no token');
  t.equal(made.secret.length, 65);
  t.ok(isOwnShape(made.secret));
  t.match(made.record, {
    orgId: 'acme',
    userId: 'ann',
    name: 'ci',
    scopes: ['things:read'],
    origin: 'created',
    state: 'active',
    createdAtMs: clock.nowMs,
    expiresAtMs: clock.nowMs + 180 * dayMs,
  });
  t.match(await store.findApiToken(digestOf(made.secret)), { token: made.record, user: { id: 'ann' } });
  const shard = shardOfAccount('acme', 'ann');
  t.equal(shardOfTokenId(made.record.id), shard, 'the id names the shard of its user');
  t.equal(shardOfDigest(digestOf(made.secret)), shard, 'and the digest lies in it');
});

t.test('a client that hard-codes 32 characters gets 32', async (t) => {
  const { apiTokens } = await createWorld(t);
  const made = await apiTokens.createApiToken({ ...order, length: 32 });
  t.equal('secret' in made && made.secret.length, 32);
});

t.test('listing shows every token of a user and never a secret or a digest', async (t) => {
  const { store, clock, token } = await createWorld(t);
  const made = [await token(), await token(['things:read']), await token([], null)];
  const list = async (over: Partial<TokenQuery>) =>
    done(await listTokens(store, { ...query, ...over }, clock.nowMs));
  const listed = await list({});
  t.same(listed.items.map((item) => item.id).sort(), made.map((item) => item.record.id).sort());
  const text = JSON.stringify(listed);
  for (const { secret } of made) {
    t.notOk(text.includes(secret), 'no secret');
    t.notOk(text.includes(digestOf(secret)), 'no digest');
  }
  const first = await list({ limit: 2 });
  t.equal(first.items.length, 2);
  const rest = await list({ limit: 2, after: first.next });
  t.equal(rest.items.length, 1, 'and the next page has the rest');
});

t.test('a token is never wider than its user', async (t) => {
  const { apiTokens } = await createWorld(t);
  const roles = ['things:read', 'things:write', 'reports:read', 'tollgate:introspect'];
  const scope = fc.constantFrom(...roles, 'org:owner', 'things:delete');
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(scope, { maxLength: 6 }), async (scopes) => {
      const made = await apiTokens.createApiToken({ ...order, scopes });
      const isWithin = scopes.every((one) => roles.includes(one));
      if (!('secret' in made)) return !isWithin && 'code' in made && made.code === 'scope_too_wide';
      return isWithin && made.record.scopes !== 'all' && made.record.scopes.length === scopes.length;
    }),
    { numRuns: 60 },
  );
});

t.test('a token lives minutes to months, or for ever, within what its org allows', async (t) => {
  const { apiTokens, accounts, clock } = await createWorld(t);
  const expiry = async (lifetimeMs: number | null | undefined): Promise<unknown> => {
    const made = await apiTokens.createApiToken({ ...order, lifetimeMs });
    if ('record' in made)
      return made.record.expiresAtMs === undefined ? 'never' : made.record.expiresAtMs - clock.nowMs;
    return 'code' in made ? made.code : made;
  };
  t.equal(await expiry(undefined), 180 * dayMs, 'the default of the settings');
  t.equal(await expiry(minuteMs), minuteMs);
  t.equal(await expiry(400 * dayMs), 400 * dayMs);
  t.equal(await expiry(null), 'never');
  for (const bad of [0, -1, 59_999, 1.5, NaN, Infinity, Number.MAX_SAFE_INTEGER])
    t.equal(await expiry(bad), 'lifetime_malformed', `${bad} ms is no lifetime`);
  await accounts.changeOrg('acme', { tokenLifetimeMsMax: 30 * dayMs });
  t.equal(await expiry(undefined), 30 * dayMs, 'a default is cut to the maximum');
  t.equal(await expiry(30 * dayMs), 30 * dayMs);
  t.equal(await expiry(31 * dayMs), 'lifetime_too_long', 'what is asked for in so many words is refused');
  t.equal(await expiry(null), 'lifetime_too_long');
});

t.test('what cannot be done is answered with a stable code', async (t) => {
  const { apiTokens, accounts, store, token } = await createWorld(t);
  const create = (change: object) => () => apiTokens.createApiToken({ ...order, ...change });
  const { secret } = await token();
  const table: [string, string, () => Promise<unknown>][] = [
    ['an org that is not there', 'org_unknown', create({ orgId: 'nobody' })],
    ['a user that is not there', 'user_unknown', create({ userId: 'nobody' })],
    ['a user id with a slash', 'id_malformed', create({ userId: 'a/b' })],
    ['an empty name', 'name_malformed', create({ name: '' })],
    ['a name with a line break', 'name_malformed', create({ name: 'a\r\nb' })],
    ['a scope of two', 'scope_malformed', create({ scopes: ['things:read things:write'] })],
    ['1025 scopes', 'scope_malformed', create({ scopes: Array.from({ length: 1025 }, (_, i) => `s${i}`) })],
    ['a token that is not there', 'token_unknown', () => apiTokens.revokeApiToken(crypto.randomUUID())],
    ['an id that is none', 'token_unknown', () => apiTokens.findApiToken('x')],
    ['all of a user that is not there', 'user_unknown', () => apiTokens.revokeAll('acme', 'nobody')],
    ['all of an org that is not there', 'org_unknown', () => apiTokens.revokeAll('nobody', undefined)],
    ['the list of nobody', 'user_unknown', () => listTokens(store, { ...query, userId: 'nobody' }, 0)],
  ];
  for (const [what, code, act] of table) t.match(await act(), { kind: 'command_error', code }, what);
  const mistaken = await apiTokens.revokeApiToken(secret);
  t.notOk(JSON.stringify(mistaken).includes(secret), 'a secret in the place of an id is not repeated');
  await accounts.setUserState('acme', 'ann', 'disabled');
  t.match(await create({})(), { code: 'user_disabled' });
  await accounts.setOrgState('acme', 'disabled');
  t.match(await create({})(), { code: 'org_disabled' });
});

t.test('revoking is final and can be repeated', async (t) => {
  const { apiTokens, token, clock } = await createWorld(t);
  const { record } = await token();
  t.equal(await apiTokens.revokeApiToken(record.id), 'revoked');
  t.equal(await apiTokens.revokeApiToken(record.id), 'already_revoked');
  t.match(await apiTokens.findApiToken(record.id), { state: 'revoked', revokedAtMs: clock.nowMs });
});

t.test('revoke all ends every token of a user, or of the org, in one write', async (t) => {
  const { apiTokens, token, identifier, now } = await createWorld(t);
  const refusalOf = async (secret: string): Promise<unknown> => {
    const found = await identifier.identify({ form: 'opaque', value: secret }, now());
    return 'reason' in found ? found.reason : 'accepted';
  };
  const [one, two] = [await token(), await token()];
  t.equal(await refusalOf(one.secret), 'accepted');
  t.equal(await apiTokens.revokeAll('acme', 'ann'), 'revoked');
  t.equal(await refusalOf(one.secret), 'token_revoked');
  t.equal(await refusalOf(two.secret), 'token_revoked');
  const later = await token();
  t.equal(await refusalOf(later.secret), 'accepted', 'a token made afterwards is good');
  t.equal(await apiTokens.revokeAll('acme', undefined), 'revoked');
  t.equal(await refusalOf(later.secret), 'token_revoked');
});
