// On a Redis Cluster: a slot that moves is followed by look-ups, writes and the feed, and a node that is gone is a fast
// outage for its own shards only (hardening.md, C).

import t from 'tap';
import { shardOfAccount } from '../../../src/tokens/shard.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { mover, populate, settingsOn } from './cluster-world.ts';
import { answered, codeOf, eventually, followed, furnish, openStore, timed } from './furnish.ts';

const boundMs = 5000;

// A Cluster takes two seconds to begin, so all tests share one, each with keys of its own.
const cluster = await startCluster(2);
t.teardown(() => cluster.close());
t.test(
  'a slot that moves is followed: by look-ups, by revocations, and by the feed without a gap',
  async (t) => {
    const settings = settingsOn(cluster);
    const store = await openStore(t, settings);
    const { org, user, made } = await furnish(t, store);
    const shard = shardOfAccount(org.id, user.id);
    const told = await followed(t, store);
    await store.endSession('warm', Date.now());
    await store.changeUser(org.id, user.id, { roles: [] }, 1);
    await told.until(() => told.lines.length === 2);

    const { owner, slot } = await cluster.ownerOf(`{${shard}}`);
    const move = mover(cluster, slot, owner, 1 - owner);
    await move.begin();
    t.match(
      await store.findApiToken(made.digest),
      { token: { id: made.token.id } },
      'while it has not moved yet',
    );
    t.equal(await store.revokeAll(org.id, user.id, 2), 'revoked');
    await told.until(() => told.lines.length === 3);

    await move.moveKeys();
    t.match(await store.findApiToken(made.digest), { token: { id: made.token.id } }, 'ASK is followed');
    t.equal(await store.revokeAll(org.id, user.id, 3), 'revoked', 'for writes too');
    await told.until(() => told.lines.length === 4);
    t.match(told.lines[3], { kind: 'user', generation: 3 });

    t.equal(
      await store.revokeToken(made.token.id, 4),
      'revoked',
      'and a token is revoked before the slot has moved',
    );
    await move.end();
    t.match(await store.findApiToken(made.digest), { token: { state: 'revoked' } }, 'MOVED is followed');
    await told.until(() => told.lines.length === 5);
    t.match(told.lines[4], { kind: 'token', tokenId: made.token.id });
    t.notOk(
      told.events.some((event) => event.startsWith('reset')),
      'its history moved with it',
    );

    const late = await openStore(t, settings);
    t.match(await late.findApiToken(made.digest), { token: { state: 'revoked' } });
  },
);

t.test('a shard that comes back without its history is a reset of the whole feed', async (t) => {
  const store = await openStore(t, settingsOn(cluster));
  const told = await followed(t, store);
  for (let i = 0; i < 64; i++) await store.endSession(`session-${i}`, Date.now());
  await told.until(() => told.lines.length === 64);
  await cluster.clients[0]!.flushall();
  await told.until(() => told.events.filter((event) => event === 'caughtUp').length === 2);
  t.ok(told.events.includes('reset:server_replaced'));
  t.equal(await answered(() => store.reapply(told.lines.slice(0, 64))), 'done');
  await eventually(
    () => new Set(told.lines.slice(64).map((line) => 'sessionId' in line && line.sessionId)).size === 64,
  );
});

t.test('without a replica a revocation is not answered, on a Cluster too', async (t) => {
  const place = settingsOn(cluster);
  const { org, user, made } = await furnish(t, await openStore(t, place));
  const store = await openStore(t, { ...place, replicasMin: 1, writeTimeoutMs: 1500 });
  const answers = await Promise.all([
    store.revokeToken(made.token.id, 1),
    store.revokeAll(org.id, user.id, 1),
  ]);
  t.same(answers.map(codeOf), ['NOT_REPLICATED', 'NOT_REPLICATED']);
});

t.test(
  'a node that is gone is a fast outage of its shards; the others go on; it is found again',
  async (t) => {
    const store = await openStore(t, settingsOn(cluster));
    const { org } = await furnish(t, store);
    const people = await populate(t, store, org.id);
    const told = await followed(t, store);
    await cluster.nodes[1]!.kill();
    await told.until(() => told.events.at(-1) === 'disconnected');
    for (const [shard, { token, digest }] of people) {
      const { owner } = await cluster.ownerOf(`{${shard}}`);
      const [answer, tookMs] = await timed(() => store.findApiToken(digest));
      t.ok(tookMs < boundMs);
      if (owner === 0) t.match(answer, { token: { id: token.id } });
      else t.match(answer, { kind: 'outage', reason: 'store_unavailable' });
    }
    await cluster.nodes[1]!.restart();
    for (const { token, digest } of people.values())
      t.match(await answered(() => store.findApiToken(digest)), { token: { id: token.id } });
    await told.until(() => told.events.at(-1) === 'connected');
    t.notOk(
      told.events.some((event) => event.startsWith('reset')),
      'it had lost nothing',
    );
  },
);

t.test('no node of the Cluster answers: an outage at once, and found when one comes', async (t) => {
  for (const node of cluster.nodes) await node.kill();
  const [store, openedMs] = await timed(() => openStore(t, settingsOn(cluster)));
  t.ok(openedMs < boundMs);
  const [answer, tookMs] = await timed(() => store.findApiToken('0'.repeat(64)));
  t.equal(codeOf(answer), 'NOT_CONNECTED');
  t.ok(tookMs < boundMs);
  for (const node of cluster.nodes) await node.restart();
  t.equal(await answered(() => store.findApiToken('0'.repeat(64))), undefined);
});

t.test('a replica that takes a dead master over is found, without a gap', async (t) => {
  const store = await openStore(t, settingsOn(cluster));
  const { org } = await furnish(t, store);
  const people = await populate(t, store, org.id);
  const told = await followed(t, store);
  const last = [...people.values()].at(-1)!;
  for (const { token } of people.values()) if (token !== last.token) await store.revokeToken(token.id, 1);
  await told.until(() => told.lines.length === 15);
  const replica = await cluster.addReplica(1);
  await cluster.nodes[1]!.kill();
  await replica.takeOver();
  for (const { token } of people.values())
    t.match(
      await answered(() => store.revokeToken(token.id, 2)),
      token === last.token ? 'revoked' : 'already_revoked',
    );
  await told.until(() => told.lines.length === 16);
  await told.until(() => told.events.at(-1) === 'connected');
  t.notOk(
    told.events.some((event) => event.startsWith('reset')),
    'its history was whole',
  );
});
