// A write whose reply is lost is unknown, not failed: it may be repeated, and is not repeated behind the caller's back
// (hardening.md, C).

import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import type { TokenStore } from '../../../src/store/token-store.ts';
import { dayOf } from '../../../src/store/usage-store.ts';
import { exampleKey, exampleOrg, exampleToken, exampleUser } from '../../contract/examples.ts';
import { sure } from '../../contract/places.ts';
import { startRedis } from '../../support/redis.ts';
import { tokensOfUser } from '../../support/tokens-of-user.ts';
import { answered, codeOf, followed, furnish, openStore } from './furnish.ts';
import { startWire, type Wire } from './proxy.ts';

const server = await startRedis();
t.teardown(() => server.close());
let places = 0;

const setting = async (t: Test): Promise<{ store: TokenStore; wire: Wire; prefix: string }> => {
  const wire = await startWire(t, server.socketPath);
  const prefix = `place-${places++}`;
  const store = await openStore(t, { nodes: [{ host: '127.0.0.1', port: wire.port }], prefix });
  return { store, wire, prefix };
};

/** Asks once with the reply lost, then again. */
const twice = async <T>(t: Test, wire: Wire, word: string, ask: () => Promise<T>) => {
  const lost = wire.loseReplyTo(word);
  const first = await ask();
  await lost;
  t.not(codeOf(first), 'no outage', 'unknown is an outage');
  return answered(ask);
};

t.test('creating a token again after its reply was lost makes one token', async (t) => {
  const { store, wire } = await setting(t);
  const { user, made } = await furnish(t, store);
  const { token, digest } = exampleToken(user);
  t.equal(await twice(t, wire, digest, () => store.createToken(token, digest)), 'created');
  t.match(await store.findApiToken(digest), { token: { id: token.id } });
  const listed = sure(await tokensOfUser(store, user.orgId, user.id));
  t.same(listed.map(({ id }) => id).sort(), [token.id, made.token.id].sort());
});

t.test('importing a token again after either of its replies was lost makes one token', async (t) => {
  const { store, wire } = await setting(t);
  const { user } = await furnish(t, store);
  const { token } = exampleToken(user, { origin: 'imported' });
  const shard = Number.parseInt(token.id.slice(-1), 16);
  const digest = `0${((shard + 1) % 16).toString(16)}`.padEnd(64, 'a');
  t.equal(await twice(t, wire, `token:${token.id}`, () => store.createToken(token, digest)), 'created');
  t.equal(await twice(t, wire, `digest:${digest}`, () => store.createToken(token, digest)), 'created');
  t.match(await store.findApiToken(digest), { token: { id: token.id } });
});

t.test('usage whose reply was lost is sent again, and counted once', async (t) => {
  const { store, wire } = await setting(t);
  const { user, made } = await furnish(t, store);
  const { id: tokenId } = made.token;
  const use = {
    tokenId,
    orgId: user.orgId,
    userId: user.id,
    requests: 5,
    refused: 1,
    bytesIn: 2,
    bytesOut: 3,
  };
  const day = dayOf(Date.now());
  const batch = { writer: 'one', number: 1, day, keepDays: 1, sums: [use] };
  t.equal(await twice(t, wire, `usage:token:${tokenId}`, () => store.addUsage(batch)), 'done');
  t.match(await store.readUsage({ tokenId }, { from: day, to: day }), [{ requests: 5, refused: 1 }]);
});

t.test('revoking, changing, ending and adding again change nothing twice', async (t) => {
  const { store, wire } = await setting(t);
  const { org, user, made } = await furnish(t, store);
  const told = await followed(t, store);
  const { id } = made.token;
  t.equal(await twice(t, wire, id, () => store.revokeToken(id, 1)), 'already_revoked');
  t.match(await twice(t, wire, user.id, () => store.changeUser(org.id, user.id, { state: 'disabled' }, 2)), {
    state: 'disabled',
    generation: 2,
  });
  t.match(await twice(t, wire, org.id, () => store.changeOrg(org.id, { roles: { reader: ['a'] } }, 3)), {
    roles: { reader: ['a'] },
    generation: 3,
  });
  t.equal(await twice(t, wire, 'session-1', () => store.endSession('session-1', 4)), 'ended');
  const key = exampleKey();
  const add = () => store.addKey(key, { ifNone: true, retireOthersAtMs: 5 });
  t.equal(await twice(t, wire, key.kid, add), 'added');
  await told.until(() => told.lines.length >= 5);
  t.same(told.lines.map(({ kind }) => kind).sort(), ['keys', 'org', 'session', 'token', 'user']);
});

t.test('creating an org or a user again finds it made', async (t) => {
  const { store, wire } = await setting(t);
  const org = exampleOrg();
  const user = exampleUser(org.id);
  t.equal(await twice(t, wire, org.id, () => store.createOrg(org)), 'created');
  t.equal(await twice(t, wire, `/${user.id}`, () => store.createUser(user)), 'created');
  t.same(await store.findOrg(org.id), org);
  t.same(await store.findUser(org.id, user.id), user);
});

t.test('nothing is repeated by the library: a write is sent once a call', async (t) => {
  const { store, wire } = await setting(t);
  const { org, user } = await furnish(t, store);
  const lost = wire.loseReplyTo(user.id);
  const answer = await store.revokeAll(org.id, user.id, 1);
  await lost;
  t.not(codeOf(answer), 'no outage');
  t.match(await answered(() => store.findUser(org.id, user.id)), { generation: 1 });
});

t.test('an import whose digest belongs to another token leaves nothing behind', async (t) => {
  const { store, prefix } = await setting(t);
  const { user } = await furnish(t, store);
  const [first, second] = [
    exampleToken(user, { origin: 'imported' }),
    exampleToken(user, { origin: 'imported' }),
  ];
  const shard = Number.parseInt(first.token.id.slice(-1), 16);
  const digest = `0${((shard + 1) % 16).toString(16)}`.padEnd(64, 'b');
  t.equal(await store.createToken(first.token, digest), 'created');
  t.equal(await store.createToken(second.token, digest), 'digest_taken');
  t.equal(await store.findToken(second.token.id), undefined);
  const client = new Redis({ path: server.socketPath });
  t.teardown(() => client.disconnect());
  t.same(await client.keys(`${prefix}:*${second.token.id}*`), []);
  // A digest that leads nowhere (its record has expired) is free again.
  await client.del(`${prefix}:{${shard}}:token:${first.token.id}`);
  t.equal(await store.createToken(second.token, digest), 'created');
  t.match(await store.findApiToken(digest), { token: { id: second.token.id } });
});

t.test('a token imported as revoked is revoked', async (t) => {
  const { store } = await setting(t);
  const { user } = await furnish(t, store);
  const { token, digest } = exampleToken(user, { origin: 'imported', state: 'revoked', revokedAtMs: 7 });
  t.equal(await store.createToken(token, digest), 'created');
  t.match(await store.findApiToken(digest), { token: { state: 'revoked', revokedAtMs: 7 } });
});
