// With `replicasMin` set, whatever was answered is on a replica: every write of the port, each time it is asked, and
// after the master is gone.

import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { isOutage } from '../../../src/decision/outcome.ts';
import { shardOfAccount } from '../../../src/tokens/shard.ts';
import { digestOf } from '../../../src/tokens/api-token.ts';
import type { UserRecord } from '../../../src/store/records.ts';
import type { StoreCommand, TokenStore } from '../../../src/store/token-store.ts';
import { exampleKey, exampleOrg, exampleToken, exampleUser } from '../../contract/examples.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { startRedisPair } from '../../support/redis-pair.ts';
import { startSentinel } from '../../support/redis-sentinel.ts';
import { tokensOfUser } from '../../support/tokens-of-user.ts';
import { answered, codeOf, eventually, furnish, openStore } from './furnish.ts';

t.setTimeout(180_000);

type Ask = (store: TokenStore) => Promise<unknown>;

const waiting = { replicasMin: 1, writeTimeoutMs: 1_500 } as const;

/** What is asked of each command of the port; a word where it waits for no replica, and why. */
const asksFor = async (t: Test, store: TokenStore): Promise<Readonly<Record<StoreCommand, Ask | string>>> => {
  const { org, user } = await furnish(t, store);
  const [doomed, renewed, fresh] = Array.from({ length: 3 }, () => exampleToken(user));
  for (const { token, digest } of [doomed!, renewed!]) await store.createToken(token, digest);
  const [key, nextKey] = [exampleKey(), exampleKey()];
  await store.addKey(key, { ifNone: true, retireOthersAtMs: 1 });
  const [newOrg, newUser, gone] = [exampleOrg(), exampleUser(org.id), exampleUser(org.id)];
  await store.createUser(gone);
  const [emptyOrg, deleted] = [exampleOrg(), exampleUser(org.id)];
  await store.createOrg(emptyOrg);
  await store.createUser(deleted);
  const hashed = exampleUser(org.id, { passwordHash: 'known' });
  await store.createUser(hashed);
  const hashes = { known: 'known', next: 'next' };
  const { digest } = exampleToken(user);
  const reminder = { tokenId: renewed!.token.id, thresholdMs: 1, channel: 'mail' } as const;
  const claim = { holder: 'holder', keepUntilMs: Date.now() + 3_600_000 };
  return {
    findApiToken: 'reads',
    findOrg: 'reads',
    findUser: 'reads',
    hasImports: 'reads',
    listOrgs: 'reads',
    listUsers: 'reads',
    findToken: 'reads',
    scanTokens: 'reads',
    countTokens: 'reads',
    buryTokens: 'what is dead already; repeated by the next listing',
    listKeys: 'reads',
    readAudit: 'reads',
    listReminderLooks: 'reads',
    findReminders: 'reads',
    readUsage: 'reads',
    addUsage: 'told to nobody',
    planReminderLooks: 'when to look; a lost one is looked at again',
    recordUses: 'told to nobody',
    appendAudit: 'told to nobody',
    takeAllowance: 'a lease; what a failover loses is granted once more',
    addTallies: 'told to nobody',
    noteReplica: 'repeated every few seconds',
    reapply: 'repeated after each loss',
    createOrg: (store) => store.createOrg(newOrg),
    changeOrg: (store) => store.changeOrg(org.id, { name: 'Renamed' }, 2),
    createUser: (store) => store.createUser(newUser),
    changeUser: (store) => store.changeUser(org.id, user.id, { state: 'disabled', passwordHash: 'x' }, 2),
    renewPasswordHash: (store) => store.renewPasswordHash(org.id, hashed.id, hashes),
    createToken: (store) => store.createToken(fresh!.token, fresh!.digest),
    regenerateToken: (store) =>
      store.regenerateToken(renewed!.token.id, { digest, number: 1, previousUntilMs: undefined }, 2),
    revokeToken: (store) => store.revokeToken(doomed!.token.id, 2),
    deleteUser: (store) => store.deleteUser(org.id, deleted.id, 2),
    deleteOrg: (store) => store.deleteOrg(emptyOrg.id, 2),
    revokeAll: (store) => store.revokeAll(org.id, gone.id, 2),
    endSession: (store) => store.endSession('session', 2),
    addKey: (store) => store.addKey(nextKey, { ifNone: false, retireOthersAtMs: 1 }),
    revokeKey: (store) => store.revokeKey(key.kid, 2),
    leaseReminders: (store) => store.leaseReminders('holder', 2, 60_000),
    claimReminder: (store) => store.claimReminder(reminder, { ...claim, nowMs: 2, staleMs: 1_000 }),
    settleReminder: (store) => store.settleReminder(reminder, { ...claim, state: 'sent', atMs: 2 }),
  };
};

t.test(
  'a write that reached no replica is an outage, and so is its repetition, on any connection',
  async (t) => {
    const { master, replica, cutOff, mend, failOver } = await startRedisPair(t);
    const store = await openStore(t, { nodes: [master], ...waiting });
    const asks = await asksFor(t, store);
    const writes = Object.entries(asks).flatMap(([command, ask]) =>
      typeof ask === 'string' ? [] : [{ command, ask }],
    );
    await cutOff();
    for (const attempt of ['first', 'second']) {
      const answers = await Promise.all(writes.map(async ({ ask }) => codeOf(await ask(store))));
      for (const [index, { command }] of writes.entries())
        t.equal(answers[index], 'NOT_REPLICATED', `${command}, asked for the ${attempt} time`);
    }
    // Each on a connection that has written nothing yet, and finds its work done: WAIT alone would wait for nothing.
    await Promise.all(
      writes.map(async ({ command, ask }) => {
        const asked = await openStore(t, { nodes: [master], ...waiting });
        t.equal(codeOf(await ask(asked)), 'NOT_REPLICATED', `${command}, on a connection of its own`);
      }),
    );
    await mend();
    for (const { command, ask } of writes) t.notOk(isOutage(await answered(() => ask(store))), command);
    const before = await stateOf(store);
    await failOver();
    const promoted = await openStore(t, { nodes: [replica] });
    t.same(await stateOf(promoted), before, 'and nothing of it is lost with the master');
  },
);

/** Everything there is of orgs, users, tokens and keys. */
const stateOf = async (store: TokenStore): Promise<unknown> => {
  const page = { limit: 100, cursor: undefined };
  const orgs = await answered(() => store.listOrgs(page));
  const keys = await answered(() => store.listKeys());
  const users: unknown[] = [];
  for (const { id } of orgs.items)
    for (const user of (await answered(() => store.listUsers(id, page))).items)
      users.push({ user, tokens: await answered(() => tokensOfUser(store, id, user.id)) });
  return { orgs, keys, users };
};

t.test('two failovers that Sentinel is told to make lose no token that was answered', async (t) => {
  const { master, replica } = await startRedisPair(t);
  const sentinel = await startSentinel(master);
  t.teardown(() => sentinel.close());
  await sentinel.knowsReplicas(1);
  const store = await openStore(t, {
    ...waiting,
    mode: 'sentinel',
    sentinelName: sentinel.name,
    nodes: [{ host: sentinel.host, port: sentinel.port }],
  });
  const { user } = await furnish(t, store);
  const makers = new AbortController();
  const acknowledged = makeTokens(store, user, makers.signal);
  for (const next of [replica, master]) {
    const before = acknowledged.length;
    await eventually(() => acknowledged.length >= before + 100);
    await sentinel.failover();
    await sentinel.names(next);
    await sentinel.knowsReplicas(1);
  }
  const before = acknowledged.length;
  await eventually(() => acknowledged.length >= before + 100);
  makers.abort();
  t.same(await lostOf(store, acknowledged), []);
  t.comment(`${acknowledged.length} answered`);
});

/** Eight callers make tokens until the signal. The digests of those that were answered, as they come. */
const makeTokens = (store: TokenStore, user: UserRecord, signal: AbortSignal): readonly string[] => {
  const acknowledged: string[] = [];
  const make = async (): Promise<void> => {
    while (!signal.aborted) {
      const { token, digest } = exampleToken(user);
      if ((await store.createToken(token, digest)) === 'created') acknowledged.push(digest);
      // Without a server the answer is there at once: others must have their turn too.
      await setImmediate();
    }
  };
  for (let maker = 0; maker < 8; maker += 1) void make();
  return acknowledged;
};

const lostOf = async (store: TokenStore, digests: readonly string[]): Promise<readonly string[]> => {
  const lost: string[] = [];
  for (const digest of digests)
    if ((await answered(() => store.findApiToken(digest))) === undefined) lost.push(digest);
  return lost;
};

t.test('of tokens made while the master is killed, every one that was answered is there', async (t) => {
  const { master, replica, cutOff, failOver } = await startRedisPair(t);
  const store = await openStore(t, { nodes: [master], ...waiting });
  const { user, org } = await furnish(t, store);
  const makers = new AbortController();
  const acknowledged = makeTokens(store, user, makers.signal);
  await eventually(() => acknowledged.length >= 100);
  // The replica is cut off for as long as a write waits, and then the master is gone.
  await cutOff();
  t.equal(codeOf(await store.changeOrg(org.id, { name: 'Renamed' }, 1)), 'NOT_REPLICATED');
  await failOver();
  makers.abort();
  const promoted = await openStore(t, { nodes: [replica] });
  t.same(await lostOf(promoted, acknowledged), []);
});

t.test('a revocation goes through where Redis is full, and is on the replica', async (t) => {
  const { master, operator } = await startRedisPair(t);
  const store = await openStore(t, { nodes: [master], replicasMin: 1 });
  const { user, made } = await furnish(t, store);
  await operator.config('SET', 'maxmemory', '1');
  const another = exampleToken(user);
  t.equal(codeOf(await store.createToken(another.token, another.digest)), 'OOM');
  t.equal(await store.revokeToken(made.token.id, 1), 'revoked');
  t.equal(await store.revokeToken(made.token.id, 2), 'already_revoked');
});

t.test('of an imported token, record and digest both wait, though a Cluster keeps them apart', async (t) => {
  const cluster = await startCluster(2);
  t.teardown(() => cluster.close());
  const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
  const place = { mode: 'cluster', nodes, prefix: 'tollgate' } as const;
  const ownerOfShard = async (shard: number): Promise<number> =>
    (await cluster.ownerOf(`tollgate:{${shard}}:x`)).owner;
  await cluster.addReplica(0);
  const plain = await openStore(t, place);
  const org = exampleOrg();
  await plain.createOrg(org);
  let user = exampleUser(org.id);
  while ((await ownerOfShard(shardOfAccount(org.id, user.id))) !== 0) user = exampleUser(org.id);
  await plain.createUser(user);
  const store = await openStore(t, { ...place, ...waiting });
  const importOn = async (owner: number): Promise<unknown> => {
    let digest = digestOf(randomUUID());
    while ((await ownerOfShard(Number.parseInt(digest.charAt(1), 16))) !== owner)
      digest = digestOf(randomUUID());
    return store.createToken(exampleToken(user, { origin: 'imported' }).token, digest);
  };
  t.equal(await importOn(0), 'created');
  t.equal(codeOf(await importOn(1)), 'NOT_REPLICATED', 'the record has a replica, the digest has none');
});
