// A feed that loses lines while replicas know what they said: the loss is noticed, and a replica that starts afterwards
// hears every revocation, however the lines were lost and whether or not the records are whole (hardening.md, C).

import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { ownSession } from '../../../src/identity/authenticators.ts';
import { FeedState } from '../../../src/identity/feed-state.ts';
import { allShards } from '../../../src/store/redis/key-space.ts';
import type { TokenStore } from '../../../src/store/token-store.ts';
import { anIdentity } from '../../support/identity.ts';
import { startRedis } from '../../support/redis.ts';
import { exampleToken } from '../../contract/examples.ts';
import { nextDigest } from '../../contract/new-secrets.ts';
import { recordFeed } from '../../contract/recorded-feed.ts';
import { eventually, furnish, hourMs, openStore } from './furnish.ts';

const streams = allShards.map((shard) => `tollgate:{${shard}}:changes`);
/** So many that every shard has several. */
const sessions = Array.from({ length: 160 }, (_, index) => `session-${index}`);

type Lose = (operator: Redis, dumps: ReadonlyMap<string, Buffer>) => Promise<unknown>;

/** `dumps`: the streams as they were when half had happened. */
const losses: Readonly<Record<string, Lose>> = {
  'all lines are trimmed': (operator) =>
    Promise.all(streams.map((stream) => operator.xtrim(stream, 'MAXLEN', 0))),
  'all but the last lines are trimmed': (operator) =>
    Promise.all(streams.map((stream) => operator.xtrim(stream, 'MAXLEN', 1))),
  'one stream is deleted': (operator) => operator.del(streams[3]!),
  'older streams are restored': async (operator, dumps) => {
    for (const [stream, dump] of dumps) await operator.restore(stream, 0, dump, 'REPLACE');
  },
  'everything is flushed': (operator) => operator.flushall(),
};

/** A replica of Tollgate, as far as the feed goes; `wroteBack` counts the times it did so. */
const follow = async (t: Test, store: TokenStore) => {
  const wroteBack = { times: 0 };
  const feed = new FeedState({
    store,
    maxStalenessMs: 10_000,
    retentionMs: hourMs,
    clockLeewayMs: 0,
    now: Date.now,
    observe: {
      reapplied: (_count, result) => {
        if (result === 'done') wroteBack.times += 1;
      },
    },
  });
  const subscription = store.follow(feed);
  t.teardown(() => subscription.close());
  await feed.whenReady;
  return { feed, wroteBack };
};

for (const [name, lose] of Object.entries(losses))
  t.test(`${name}: told again to a replica that starts later, each once`, async (t) => {
    const server = await startRedis();
    t.teardown(() => server.close());
    const place = { socketPath: server.socketPath };
    const stores = [await openStore(t, place), await openStore(t, place)];
    const { org, user, made } = await furnish(t, stores[0]!);
    const replicas = [await follow(t, stores[0]!), await follow(t, stores[1]!)];
    const operator = new Redis({ path: server.socketPath });
    t.teardown(() => operator.disconnect());

    for (const session of sessions.slice(0, 80)) await stores[0]!.endSession(session, Date.now());
    const dumps = new Map<string, Buffer>();
    for (const stream of streams) dumps.set(stream, (await operator.dumpBuffer(stream))!);
    for (const session of sessions.slice(80)) await stores[0]!.endSession(session, Date.now());
    t.equal(await stores[0]!.revokeToken(made.token.id, Date.now()), 'revoked');
    const endedMs = Date.now();
    t.equal(await stores[0]!.revokeAll(org.id, user.id, endedMs), 'revoked');
    const count = sessions.length + 2;
    const knows = (feed: FeedState): boolean => {
      const { sessions, tokens, users } = feed.reading().tombstoneCounts;
      return sessions + tokens + users === count;
    };
    for (const { feed } of replicas) await eventually(() => knows(feed));

    await lose(operator, dumps);
    for (const { feed, wroteBack } of replicas)
      await eventually(() => wroteBack.times > 0 && !feed.isStale() && knows(feed));
    const told = recordFeed();
    const late = (await openStore(t, place)).follow(told);
    t.teardown(() => late.close());
    await told.until(() => told.events.includes('caughtUp') && told.lines.length >= count);
    t.same(
      told.lines.flatMap((line) => ('sessionId' in line ? [line.sessionId] : [])).toSorted(),
      sessions.toSorted(),
    );
    t.match(
      told.lines.filter(({ kind }) => kind !== 'session').toSorted((a, b) => (a.kind < b.kind ? -1 : 1)),
      [
        { kind: 'token', tokenId: made.token.id },
        { kind: 'user', userId: user.id, tokenGenerationMin: endedMs },
      ],
    );
  });

t.test(
  'what a replica has written, and lost before it read it from the feed, is told again too',
  async (t) => {
    const server = await startRedis();
    t.teardown(() => server.close());
    const operator = new Redis({ path: server.socketPath });
    t.teardown(() => operator.disconnect());
    await operator.call('ACL', 'SETUSER', 'gate', 'on', '>pa55', '~*', '&*', '+@all');
    const place = { socketPath: server.socketPath, username: 'gate', password: 'pa55' };
    const store = await openStore(t, place);
    const { org, user, made } = await furnish(t, store);
    const other = exampleToken(user);
    t.equal(await store.createToken(other.token, other.digest), 'created');
    const { feed, wroteBack } = await follow(t, store);
    // From now on it writes, and reads nothing.
    await operator.call('ACL', 'SETUSER', 'gate', '-xread');
    await eventually(() => !feed.reading().connected);
    const atMs = Date.now();
    t.equal(await store.endSession('session', atMs), 'ended');
    t.equal(await store.revokeToken(made.token.id, atMs), 'revoked');
    const secret = { digest: nextDigest(other.token), number: 1, previousUntilMs: undefined };
    t.match(await store.regenerateToken(other.token.id, secret, atMs), { secretNumber: 1 });
    t.equal(await store.revokeAll(org.id, user.id, atMs), 'revoked');
    t.match(await store.changeOrg(org.id, { state: 'disabled' }, atMs), { state: 'disabled' });
    await operator.del(...streams);
    const told = recordFeed();
    await operator.call('ACL', 'SETUSER', 'gate', '+xread');
    // Another server goes on, as after a promotion.
    await operator.replicaof('127.0.0.1', 1);
    await operator.replicaof('NO', 'ONE');
    await eventually(() => wroteBack.times > 0 && feed.reading().tombstoneCounts.sessions === 1);
    const late = (await openStore(t, place)).follow(told);
    t.teardown(() => late.close());
    await told.until(() => told.events.includes('caughtUp'));
    t.match(
      told.lines.toSorted((a, b) => (a.kind < b.kind ? -1 : 1)),
      [
        { kind: 'org', generation: atMs, state: 'disabled' },
        { kind: 'secret', secretNumber: 1 },
        { kind: 'session', sessionId: 'session' },
        { kind: 'token', tokenId: made.token.id },
        { kind: 'user', generation: atMs, tokenGenerationMin: atMs },
      ],
    );
  },
);

t.test(
  'the revocation of an id whose record is lost is written back by who made it, like any other',
  async (t) => {
    const server = await startRedis();
    t.teardown(() => server.close());
    const store = await openStore(t, { socketPath: server.socketPath });
    const { made } = await furnish(t, store);
    const operator = new Redis({ path: server.socketPath });
    t.teardown(() => operator.disconnect());
    const lostId = made.token.id.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    t.equal(await store.revokeToken(lostId, Date.now()), 'unknown');
    t.equal(await store.revokeToken('nothing', Date.now()), 'unknown');
    await operator.flushall();
    t.equal(await store.reapply([]), 'done');
    const lines = await Promise.all(streams.map((stream) => operator.xrange(stream, '-', '+')));
    t.match(
      lines.flat().map(([, words]) => words),
      [['kind', 'token', 'token', lostId, 'at']],
    );
    t.equal(lines.flat().length, 1);
  },
);

for (const command of ['disable', 'revoke all'] as const)
  t.test(
    `${command}: what was answered after a loss stands, whatever replicas know from before it`,
    async (t) => {
      const server = await startRedis();
      t.teardown(() => server.close());
      const store = await openStore(t, { socketPath: server.socketPath });
      const { org, user } = await furnish(t, store);
      const nowMs = Date.now();
      // The server has lost that the user was disabled and enabled again: its record is in generation 0.
      const line = { kind: 'user', orgId: org.id, userId: user.id, tokenGenerationMin: 0 } as const;
      const known = [
        { ...line, generation: nowMs + 1, state: 'disabled', atMs: nowMs - 60_000 },
        { ...line, generation: nowMs + 2, state: 'active', atMs: nowMs - 50_000 },
      ] as const;
      const session = anIdentity({
        authenticator: ownSession,
        org: { id: org.id, name: org.name },
        user: { id: user.id, name: user.name, roles: [] },
        tokenId: undefined,
        sessionId: 'made before the loss',
        generation: { org: 0, user: nowMs + 2 },
        issuedAtMs: nowMs - 40_000,
      });
      const before = await follow(t, store);
      before.feed.changes(known);
      if (command === 'disable') await store.changeUser(org.id, user.id, { state: 'disabled' }, nowMs);
      else t.equal(await store.revokeAll(org.id, user.id, nowMs), 'revoked');
      for (let replica = 0; replica < 2; replica++) t.equal(await store.reapply(known), 'done');

      const state = command === 'disable' ? 'disabled' : 'active';
      t.match(await store.findUser(org.id, user.id), { state, generation: nowMs + 3 });
      await eventually(() => before.feed.standing(session, Date.now()) === 'ended');
      const late = await follow(t, await openStore(t, { socketPath: server.socketPath }));
      t.equal(late.feed.standing(session, Date.now()), 'ended');
      const external = {
        ...session,
        generation: undefined,
        sessionId: 'issuer jti',
        issuedAtMs: nowMs - 1_000,
      };
      t.equal(before.feed.standing(external, Date.now()), 'ended', 'and a session of another issuer');
    },
  );
