// A feed that loses lines while replicas know what they said: the loss is noticed, and a replica that starts afterwards
// hears every revocation, however the lines were lost and whether or not the records are whole (hardening.md, C).

import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { createFeedState, type FeedState } from '../../../src/identity/feed-state.ts';
import { allShards } from '../../../src/store/redis/key-space.ts';
import type { TokenStore } from '../../../src/store/token-store.ts';
import { startRedis } from '../../support/redis.ts';
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
  const feed = createFeedState({
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
    t.equal(await stores[0]!.revokeAll(org.id, user.id, Date.now()), 'revoked');
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
        { kind: 'user', userId: user.id, generation: 1, tokenGenerationMin: 1 },
      ],
    );
  });
