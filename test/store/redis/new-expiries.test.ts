// A new secret with another expiry on Redis: how long the record and its digests live, and which sets have the token.

import { Redis } from 'ioredis';
import t from 'tap';
import { recordRetentionMs } from '../../../src/store/api-token-state.ts';
import type { ApiTokenRecord } from '../../../src/store/records.ts';
import { neverMs } from '../../../src/store/token-listing.ts';
import type { TokenStore } from '../../../src/store/token-store.ts';
import { exampleToken } from '../../contract/examples.ts';
import { nextDigest } from '../../contract/new-secrets.ts';
import { sure } from '../../contract/places.ts';
import { startRedis } from '../../support/redis.ts';
import { eventually, followed, furnish, openStore } from './furnish.ts';

const server = await startRedis();
t.teardown(() => server.close());
const client = new Redis({ path: server.socketPath });
t.teardown(() => client.disconnect());
t.beforeEach(() => client.flushall());

const dayMs = 86_400_000;
const nowMs = Date.now();

const oneKey = async (pattern: string): Promise<string> => (await client.keys(pattern))[0] ?? 'no such key';

/** When a key ends, in whole days from now; -1: never. */
const endsIn = async (pattern: string): Promise<number> => {
  const leftMs = await client.pttl(await oneKey(pattern));
  return leftMs < 0 ? leftMs : Math.round(leftMs / dayMs);
};

const give = async (store: TokenStore, { id }: ApiTokenRecord, number: number, days: number | undefined) => {
  const digest = nextDigest({ id });
  const expiresAtMs = days === undefined ? undefined : nowMs + days * dayMs;
  const next = { digest, number, previousUntilMs: undefined, expiry: { expiresAtMs, renewedAtMs: nowMs } };
  t.match(await store.regenerateToken(id, next, nowMs), { secretNumber: number, expiresAtMs });
  return digest;
};

/** The members by expiry, and those that vanish, of one token. */
const membersOf = async ({ id }: ApiTokenRecord): Promise<readonly string[]> => {
  const keys = [...(await client.keys('*:live:expires:*')), ...(await client.keys('*:vanishing'))];
  const members = await Promise.all(keys.map((key) => client.zrange(key, 0, '-1')));
  return members.flat().filter((member) => member.includes(id));
};

t.test('the record and the digests live 30 days longer than the token, or for ever', async (t) => {
  const store = await openStore(t, { socketPath: server.socketPath });
  const { user } = await furnish(t, store);
  const { token, digest } = exampleToken(user, { createdAtMs: nowMs, expiresAtMs: nowMs + 2 * dayMs });
  await store.createToken(token, digest);
  const retentionDays = recordRetentionMs / dayMs;
  const record = `*:token:${token.id}`;
  t.equal(await endsIn(record), 2 + retentionDays);
  let before = digest;
  for (const [at, days] of [90, 1, undefined, 365].entries()) {
    const next = await give(store, token, at + 1, days);
    const ends = days === undefined ? -1 : days + retentionDays;
    t.same([await endsIn(record), await endsIn(`*:digest:${next}`)], [ends, ends], `${days}`);
    t.equal(await endsIn(`*:digest:${before}`), retentionDays, 'the one before is remembered as ever');
    const members = await membersOf(token);
    t.equal(members.length, days === undefined ? 2 : 3, 'of the user, of the org, and of what vanishes');
    const endsAtMs = days === undefined ? neverMs : nowMs + days * dayMs;
    for (const member of members) t.match(member, `${endsAtMs}`);
    before = next;
  }
});

t.test('what a later version keeps in the document stays', async (t) => {
  const store = await openStore(t, { socketPath: server.socketPath });
  const { made } = await furnish(t, store);
  const key = await oneKey(`*:token:${made.token.id}`);
  const { renewedAtMs: _, ...document } = JSON.parse((await client.hget(key, 'doc')) ?? '');
  await client.hset(key, 'doc', JSON.stringify({ ...document, later: { expiresAt: 'x' } }));
  for (const number of [1, 2]) await give(store, made.token, number, number);
  t.same(JSON.parse((await client.hget(key, 'doc')) ?? ''), {
    ...document,
    later: { expiresAt: 'x' },
    expiresAtMs: nowMs + 2 * dayMs,
    renewedAtMs: nowMs,
  });
});

t.test('a set that has an expiry of before is put right by a listing, and by the sweep', async (t) => {
  const store = await openStore(t, { socketPath: server.socketPath });
  const { org, user } = await furnish(t, store);
  const { token, digest } = exampleToken(user, { createdAtMs: nowMs, expiresAtMs: nowMs + 2 * dayMs });
  await store.createToken(token, digest);
  const before = await membersOf(token);
  await give(store, token, 1, 90);
  const after = await membersOf(token);
  // As if another process had read the record before, and put it into the sets now.
  const stale = async (): Promise<void> => {
    for (const key of await client.keys('*:live:expires:*'))
      for (const member of before)
        if (!member.startsWith('[') && (await client.zrank(key, after[0] ?? '')) !== null)
          await client.zadd(key, 0, member);
    const gone = before.filter((member) => member.startsWith('['));
    await client.zadd(await oneKey('*:vanishing'), nowMs - 1, gone[0] ?? '');
  };
  const isRight = async (): Promise<boolean> =>
    JSON.stringify((await membersOf(token)).toSorted()) === JSON.stringify(after.toSorted());
  await stale();
  t.notOk(await isRight());
  const scan = { orgId: org.id, userId: undefined, by: 'expiresAtMs', isDescending: false } as const;
  const step = sure(await store.scanTokens({ ...scan, parts: ['live'], after: undefined, limit: 10 }));
  t.equal(step.tokens.filter(({ id }) => id === token.id).length, 1, 'it is shown once');
  await eventually(isRight);
  await stale();
  await followed(t, await openStore(t, { socketPath: server.socketPath }));
  await eventually(isRight);
  t.match(await store.findToken(token.id), { expiresAtMs: nowMs + 90 * dayMs });
});

t.test('a revoked record goes when it would have, whatever expiry is written back', async (t) => {
  const store = await openStore(t, { socketPath: server.socketPath });
  const { made } = await furnish(t, store);
  const { id } = made.token;
  await store.revokeToken(id, nowMs);
  const lost = { kind: 'secret', tokenId: id, secretNumber: 1, digest: nextDigest(made.token) } as const;
  t.equal(await store.reapply([{ ...lost, endsAtMs: neverMs, atMs: nowMs }]), 'done');
  t.match(await store.findToken(id), { state: 'revoked', secretNumber: 1 });
  t.equal(await endsIn(`*:token:${id}`), recordRetentionMs / dayMs);
});
