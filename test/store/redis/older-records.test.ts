// What an earlier version wrote is read, and lives on: an upgrade loses no token.

import { Redis } from 'ioredis';
import t from 'tap';
import { exampleToken } from '../../contract/examples.ts';
import { nextDigest } from '../../contract/new-secrets.ts';
import { isAlive } from '../../contract/places.ts';
import { startRedis } from '../../support/redis.ts';
import { tokensOfUser } from '../../support/tokens-of-user.ts';
import { furnish, openStore } from './furnish.ts';

const server = await startRedis();
t.teardown(() => server.close());
const client = new Redis({ path: server.socketPath });
t.teardown(() => client.disconnect());

t.test('a token record without the fields that came later is a token with their defaults', async (t) => {
  const store = await openStore(t, { socketPath: server.socketPath });
  const { user } = await furnish(t, store);
  const { token, digest } = exampleToken(user, { name: 'from before' });
  const shard = Number.parseInt(token.id.slice(-1), 16);
  const { id, orgId, userId, name, scopes, origin, createdAtMs, generation } = token;
  const document = { id, orgId, userId, name, scopes, origin, createdAtMs, expiresAtMs: null, generation };
  const base = `tollgate:{${shard}}:`;
  const fields = ['doc', JSON.stringify(document), 'account', `${orgId}/${userId}`, 'digest', digest];
  await client.hset(`${base}token:${id}`, ...fields);
  await client.set(`${base}digest:${digest}`, id);
  await client.zadd(`${base}tokens:${orgId}/${userId}`, 0, id);

  t.match(await store.findApiToken(digest), { token, secretNumber: 0 });
  t.same(await store.findToken(id), token);
  t.match(await tokensOfUser(store, orgId, userId), { length: 2 });
  t.equal(await store.recordUses([{ tokenId: id, atMs: 5 }]), 'done');
  const next = { digest: nextDigest(token), number: 1, previousUntilMs: undefined };
  t.match(await store.regenerateToken(id, next, 6), {
    secretNumber: 1,
    lastUsedAtMs: 5,
    name: 'from before',
  });
  t.same([await isAlive(store, digest), await isAlive(store, next.digest)], [false, true]);
});

t.test('a revoked import is kept for ever, so that importing it again revives nothing', async (t) => {
  const store = await openStore(t, { socketPath: server.socketPath });
  const { user } = await furnish(t, store);
  const ttl = async (id: string): Promise<number> =>
    client.pttl(`tollgate:{${Number.parseInt(id.slice(-1), 16)}}:token:${id}`);
  for (const [origin, isKept] of [
    ['imported', true],
    ['created', false],
  ] as const) {
    const { token, digest } = exampleToken(user, { origin, name: '"origin":"imported"' });
    await store.createToken(token, digest);
    t.equal(await store.revokeToken(token.id, Date.now()), 'revoked');
    t.equal((await ttl(token.id)) === -1, isKept, origin);
    t.equal(await store.createToken(token, digest), 'created');
    t.equal(await isAlive(store, digest), false);
  }
});
