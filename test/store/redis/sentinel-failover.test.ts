// Behind Sentinel a promotion leaves a server that may go on calling itself a master. Look-ups, writes and the feed
// leave it for the one that the sentinels name, and come back only when they name it again (hardening.md, C).

import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { isOutage } from '../../../src/decision/outcome.ts';
import { SentinelDirectory } from '../../../src/store/redis/sentinel-directory.ts';
import { silentLog } from '../../../src/store/store-options.ts';
import { redisSettings } from '../../support/redis-settings.ts';
import { type RedisSentinel, startSentinels } from '../../support/redis-sentinel.ts';
import { type RedisTcpServer, startTcpRedis } from '../../support/redis-tcp.ts';
import { sessionsOf } from './cluster-world.ts';
import { answered, eventually, followed, furnish, openStore, timed } from './furnish.ts';

t.setTimeout(240_000);

/** The promise is two seconds; a busy machine may take longer, what is stuck takes for ever. */
const backMs = 20_000;

/** The user of Tollgate: the sentinels and the replication use the default one. */
const gate = { username: 'gate', password: 'pa55' } as const;

const clientOf = (t: Test, { port }: RedisTcpServer): Redis => {
  const client = new Redis({ host: '127.0.0.1', port, ...gate });
  client.on('error', () => undefined);
  t.teardown(() => client.disconnect());
  return client;
};

const worldFor = async (t: Test) => {
  const args = ['--repl-diskless-sync-delay', '0', '--user', 'gate', 'on', '>pa55', '~*', '&*', '+@all'];
  const master = await startTcpRedis(args);
  t.teardown(() => master.close());
  const replica = await startTcpRedis([...args, '--replicaof', '127.0.0.1', `${master.port}`]);
  t.teardown(() => replica.close());
  const sentinels = await startSentinels(master, 3, 1);
  for (const sentinel of sentinels) t.teardown(() => sentinel.close());
  return { master, replica, sentinels, onMaster: clientOf(t, master), onReplica: clientOf(t, replica) };
};

const settingsOn = (sentinels: readonly RedisSentinel[]) =>
  ({
    mode: 'sentinel',
    sentinelName: sentinels[0]!.name,
    nodes: sentinels.map(({ host, port }) => ({ host, port })),
    ...gate,
  }) as const;

const roleOf = async (client: Redis): Promise<string> =>
  /role:(\w+)/.exec(await client.info('replication'))?.[1] ?? '';

/** Two replicas of Tollgate, and a check that both have left the old master for the new one. */
const gatesOn = async (t: Test, sentinels: readonly RedisSentinel[]) => {
  const stores = [await openStore(t, settingsOn(sentinels)), await openStore(t, settingsOn(sentinels))];
  const { made } = await furnish(t, stores[0]!);
  const feeds = [await followed(t, stores[0]!), await followed(t, stores[1]!)];
  /** `onNew`: a client of the new master, which is given a revocation that nothing else knows. */
  const haveLeft = async (onNew: Redis, session: string): Promise<void> => {
    const [, tookMs] = await timed(async () => {
      await onNew.xadd('tollgate:{3}:changes', '*', 'kind', 'session', 'session', session, 'at', '1');
      for (const feed of feeds) await feed.until(() => sessionsOf(feed).has(session));
      for (const [index, store] of stores.entries()) {
        await onNew.set('tollgate:{3}:imports', '1');
        await eventually(async () => (await store.hasImports()) === true);
        await onNew.del('tollgate:{3}:imports');
        const mine = `${session}-${index}`;
        await eventually(async () => {
          await answered(() => store.endSession(mine, Date.now()));
          return (await onNew.keys(`*:ended:session:${mine}`)).length === 1;
        });
      }
    });
    t.comment(`${session}: all with the new master after ${Math.round(tookMs)} ms`);
    t.ok(tookMs < backMs, session);
  };
  return { stores, feeds, made, haveLeft };
};

t.test(
  'a failover that an operator orders: the old master is left while it still calls itself one',
  async (t) => {
    const { sentinels, master, replica, onMaster, onReplica } = await worldFor(t);
    const { haveLeft, feeds } = await gatesOn(t, sentinels);
    await sentinels[0]!.failover();
    await sentinels[0]!.names(replica);
    await haveLeft(onReplica, 'after the failover');
    t.ok(
      feeds.every((feed) => feed.events.includes('reset:server_replaced')),
      'its last writes may be lost',
    );
    await eventually(async () => (await roleOf(onMaster)) === 'slave');
    await eventually(async () => (await onMaster.info('replication')).includes('master_link_status:up'));
    await sentinels[0]!.failover();
    await sentinels[0]!.names(master);
    await haveLeft(onMaster, 'named again, it is believed again');
  },
);

t.test('a master that hangs is replaced; it goes on, and nobody believes it', async (t) => {
  const { sentinels, master, replica, onMaster, onReplica } = await worldFor(t);
  const { haveLeft, stores, made } = await gatesOn(t, sentinels);
  master.freeze();
  await sentinels[1]!.names(replica);
  await haveLeft(onReplica, 'while it hangs');
  master.thaw();
  t.equal(await answered(() => stores[0]!.revokeToken(made.token.id, 1)), 'revoked');
  t.equal(await roleOf(onMaster), 'master', 'it knows of no promotion yet');
  for (const store of stores)
    t.match(await answered(() => store.findApiToken(made.digest)), { token: { state: 'revoked' } });
  await haveLeft(onReplica, 'while it goes on');
});

t.test(
  'a master that only the sentinels lost, and the only sentinel of the settings dead: left all the same',
  async (t) => {
    const { sentinels, replica, onMaster, onReplica } = await worldFor(t);
    const { haveLeft, feeds, stores, made } = await gatesOn(t, [sentinels[0]!]);
    await sentinels[0]!.kill();
    // From now on the sentinels and the replica cannot talk to it; Tollgate can.
    await onMaster.call('ACL', 'SETUSER', 'default', 'off');
    await onMaster.client('KILL', 'USER', 'default');
    await sentinels[1]!.names(replica);
    await haveLeft(onReplica, 'after the promotion');
    t.equal(await roleOf(onMaster), 'master', 'and so it will be for ever');
    t.equal(await answered(() => stores[0]!.revokeToken(made.token.id, 1)), 'revoked');
    t.match(await answered(() => stores[1]!.findApiToken(made.digest)), { token: { state: 'revoked' } });
    for (const feed of feeds) await feed.until(() => feed.lines.some(({ kind }) => kind === 'token'));
  },
);

t.test('no sentinel answers: the present master goes on, and nothing is lost', async (t) => {
  const { sentinels } = await worldFor(t);
  const { stores, feeds } = await gatesOn(t, sentinels);
  for (const sentinel of sentinels) await sentinel.kill();
  for (let round = 0; round < 20; round++) {
    t.notOk(isOutage(await stores[0]!.endSession(`session-${round}`, 1)));
    for (const feed of feeds) await feed.until(() => sessionsOf(feed).has(`session-${round}`));
  }
});

t.test('a sentinel that was away during the failover is not believed while it is alone', async (t) => {
  const { sentinels, master, replica } = await worldFor(t);
  const [first, second, absent] = sentinels as [RedisSentinel, RedisSentinel, RedisSentinel];
  const directory = new SentinelDirectory(redisSettings(settingsOn(sentinels)), {
    log: silentLog,
    secrets: [],
  });
  t.teardown(() => directory.close());
  await directory.open();
  t.equal(directory.ownerOf()?.port, master.port);
  await absent.kill();
  await master.kill();
  await second.names(replica);
  await eventually(() => directory.ownerOf()?.port === replica.port);
  first.freeze();
  second.freeze();
  absent.restart();
  await absent.names(master);
  for (let round = 0; round < 10; round++) {
    await directory.refresh();
    t.equal(directory.ownerOf()?.port, replica.port);
  }
});

t.test(
  'one sentinel is left, which only others had named: it is still asked when they are back',
  async (t) => {
    const { sentinels, replica } = await worldFor(t);
    const [only, second, third] = sentinels as [RedisSentinel, RedisSentinel, RedisSentinel];
    const directory = new SentinelDirectory(redisSettings(settingsOn([only])), {
      log: silentLog,
      secrets: [],
    });
    t.teardown(() => directory.close());
    await directory.open();
    await directory.refresh();
    await only.kill();
    await second.kill();
    for (let round = 0; round < 5; round++) await directory.refresh();
    second.restart();
    await second.knowsSentinels(2);
    await third.failover();
    await second.names(replica);
    await eventually(() => directory.ownerOf()?.port === replica.port);
  },
);
