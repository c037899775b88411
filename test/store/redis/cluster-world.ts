// Stores on a real Cluster for a test: a user with a token in every shard, and the proof that everything works.

import type { Test } from 'tap';
import type { TokenStore } from '../../../src/store/token-store.ts';
import { shardOfAccount } from '../../../src/tokens/shard.ts';
import { type ExampleToken, exampleToken, exampleUser } from '../../contract/examples.ts';
import type { RecordedFeed } from '../../contract/recorded-feed.ts';
import { nodesAgree, type RedisCluster } from '../../support/redis-cluster.ts';
import { answered } from './furnish.ts';

let prefixes = 0;

/** Settings of a store with keys of its own. `nodes`: indexes of the masters that the settings name; undefined: all. */
export const settingsOn = (cluster: RedisCluster, nodes: readonly number[] = [...cluster.nodes.keys()]) =>
  ({
    mode: 'cluster',
    nodes: nodes.map((index) => ({ host: cluster.nodes[index]!.host, port: cluster.nodes[index]!.port })),
    prefix: `prefix-${prefixes++}`,
  }) as const;

/** Moves a slot in the three steps an operator's tool takes. */
export const mover = (cluster: RedisCluster, slot: number, from: number, to: number) => ({
  begin: async () => {
    await nodesAgree(cluster.clients);
    await cluster.clients[to]!.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', cluster.ids[from]!);
    await cluster.clients[from]!.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', cluster.ids[to]!);
  },
  moveKeys: async () => {
    const { host, port } = cluster.nodes[to]!;
    const keys = (await cluster.clients[from]!.call('CLUSTER', 'GETKEYSINSLOT', slot, 10_000)) as string[];
    if (keys.length > 0)
      await cluster.clients[from]!.call('MIGRATE', host, port, '', 0, 5000, 'KEYS', ...keys);
  },
  end: async () => {
    for (const client of [to, from].map((index) => cluster.clients[index]!))
      await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', cluster.ids[to]!);
  },
});

/** A user of each shard, with a token. */
export const populate = async (
  t: Test,
  store: TokenStore,
  orgId: string,
): Promise<ReadonlyMap<number, ExampleToken>> => {
  const people = new Map<number, ExampleToken>();
  while (people.size < 16) {
    const user = exampleUser(orgId);
    const shard = shardOfAccount(orgId, user.id);
    if (people.has(shard)) continue;
    const made = exampleToken(user);
    people.set(shard, made);
    t.equal(await store.createUser(user), 'created');
    t.equal(await store.createToken(made.token, made.digest), 'created');
  }
  return people;
};

let sessions = 0;

/** Looks up and writes in every shard through every store, and awaits each line on every feed. */
export const everythingWorks = async (
  stores: readonly TokenStore[],
  feeds: readonly RecordedFeed[],
  people: ReadonlyMap<number, ExampleToken>,
): Promise<void> => {
  for (const store of stores) {
    for (const { token, digest } of people.values())
      if ((await answered(() => store.findApiToken(digest)))?.token.id !== token.id)
        throw new Error('a token of the Cluster is not found');
    const ended = Array.from({ length: 64 }, () => `works-${sessions++}`);
    for (const session of ended) await answered(() => store.endSession(session, Date.now()));
    for (const feed of feeds) await feed.until(() => hasHeard(feed, ended));
  }
  for (const feed of feeds) await feed.until(() => feed.isConnected());
};

/** Whether a feed has told of the end of all these sessions. */
export const hasHeard = (feed: RecordedFeed, sessions: readonly string[]): boolean => {
  const heard = sessionsOf(feed);
  return sessions.every((session) => heard.has(session));
};

export const sessionsOf = (feed: RecordedFeed): ReadonlySet<string> =>
  new Set(feed.lines.flatMap((line) => ('sessionId' in line ? [line.sessionId] : [])));
