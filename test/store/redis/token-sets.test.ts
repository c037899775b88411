// The sets by which API tokens are listed: filled with what an earlier version wrote, emptied of what has vanished, put right
// where they are behind.

import { Redis } from 'ioredis';
import t from 'tap';
import { recordRetentionMs } from '../../../src/store/api-token-state.ts';
import type { TokenStore } from '../../../src/store/token-store.ts';
import { exampleOrg, exampleToken, exampleUser } from '../../contract/examples.ts';
import { sure } from '../../contract/places.ts';
import { startRedis } from '../../support/redis.ts';
import { eventually, followed, furnish, openStore } from './furnish.ts';

const server = await startRedis();
t.teardown(() => server.close());
const client = new Redis({ path: server.socketPath });
t.teardown(() => client.disconnect());
t.beforeEach(() => client.flushall());

const setKeys = async (): Promise<readonly string[]> =>
  [...(await client.keys('*:live:*')), ...(await client.keys('*:revoked:*'))].sort();

/** Takes away what an earlier version did not write. */
const asBefore = async (): Promise<void> => {
  const later = [...(await setKeys()), ...(await client.keys('*:vanishing'))];
  if (later.length > 0) await client.del(...later);
  await client.del('tollgate:{0}:tokens-indexed');
};

const listed = async (store: TokenStore, orgId: string, userId?: string): Promise<number> => {
  let count = 0;
  for (let after = undefined as { value: number; id: string } | undefined; ;) {
    const scan = {
      orgId,
      userId,
      by: 'createdAtMs',
      isDescending: false,
      parts: ['live', 'revoked'],
    } as const;
    const step = sure(await store.scanTokens({ ...scan, after, limit: 100 }));
    count += step.tokens.length;
    if (step.isEnd || step.last === undefined) return count;
    after = { value: Number(step.last.value), id: step.last.id };
  }
};

t.test('tokens of an earlier version are put into the sets, by several replicas at once', async (t) => {
  const store = await openStore(t, { socketPath: server.socketPath });
  const org = exampleOrg();
  await store.createOrg(org);
  const users = [1, 2, 3].map(() => exampleUser(org.id));
  for (const user of users) {
    await store.createUser(user);
    const made = Array.from({ length: 120 }, (_, index) =>
      exampleToken(user, { name: `token ${index % 7}` }),
    );
    await Promise.all(made.map(({ token, digest }) => store.createToken(token, digest)));
    await store.revokeToken(made[0]!.token.id, Date.now());
  }
  const whole = await setKeys();
  await asBefore();
  t.equal(await listed(store, org.id, users[0]?.id), 120, 'those of a user at once, by whoever asks');
  t.equal(sure(await store.countTokens({ orgId: org.id, userId: users[0]?.id, part: 'live' })), 119);

  const replicas = await Promise.all([1, 2, 3].map(() => openStore(t, { socketPath: server.socketPath })));
  await Promise.all(replicas.map((replica) => followed(t, replica)));
  await eventually(async () => (await client.get('tollgate:{0}:tokens-indexed')) === '1');
  for (const replica of replicas) t.equal(await listed(replica, org.id), 360);
  t.equal(sure(await store.countTokens({ orgId: org.id, userId: undefined, part: 'revoked' })), 3);
  t.same(await setKeys(), whole);
});

const wholeOf = (orgId: string) =>
  ({ orgId, userId: undefined, by: 'name', isDescending: false, parts: ['live'] }) as const;

t.test('a record that has vanished leaves nothing behind', async (t) => {
  const store = await openStore(t, { socketPath: server.socketPath });
  const { org, user, made } = await furnish(t, store);
  const before = await setKeys();
  const { token, digest } = exampleToken(user, {
    name: 'short-lived',
    expiresAtMs: Date.now() - recordRetentionMs + 300,
  });
  t.equal(await store.createToken(token, digest), 'created');
  await eventually(async () => (await store.findToken(token.id)) === undefined);
  t.equal((await client.keys('*:vanishing')).length, 1);
  let asked = 0;
  const early = await openStore(t, { socketPath: server.socketPath }, { now: () => ((asked += 1), 0) });
  await followed(t, early);
  await eventually(() => asked >= 16);
  t.equal((await client.keys('*:vanishing')).length, 1, 'by the clock of tokens, not this machine’s');
  const another = await openStore(t, { socketPath: server.socketPath });
  await followed(t, another);
  await eventually(async () => (await client.keys('*:vanishing')).length === 0);
  t.same(await setKeys(), before);
  for (const key of [...before, ...(await client.keys('*:tokens:*'))])
    t.equal(await client.zcard(key), 1, key);
  t.equal(await listed(store, org.id), 1);
  t.match(await store.findToken(made.token.id), { state: 'active' });
});

t.test('a set that is behind is put right by whoever meets it, and nothing wrong is shown', async (t) => {
  const store = await openStore(t, { socketPath: server.socketPath });
  const { org, user, made } = await furnish(t, store);
  const [key] = (await client.keys(`*:live:name:${org.id}`)) as [string];
  const ghost = exampleToken(user);
  await client.zadd(key, 0, `ghost\0${ghost.token.id}`);
  // Revoked, and the connection was lost before the sets knew.
  await client.hset((await client.keys(`*:token:${made.token.id}`))[0]!, 'revokedAtMs', '5');
  const step = sure(await store.scanTokens({ ...wholeOf(org.id), after: undefined, limit: 10 }));
  t.match(step, { tokens: [{ state: 'revoked' }], isEnd: true });
  t.equal(step.tokens.length, 1);
  await eventually(async () => (await setKeys()).every((each) => each.includes(':revoked:')));
});
