// Behind Sentinel: a failover that loses the last writes is noticed and repaired, and no sentinel is a fast outage
// (hardening.md, C).

import { Redis } from 'ioredis';
import t from 'tap';
import { isOutage } from '../../../src/decision/outcome.ts';
import { startSentinel } from '../../support/redis-sentinel.ts';
import { startTcpRedis } from '../../support/redis-tcp.ts';
import { answered, eventually, followed, furnish, openStore, timed } from './furnish.ts';

const boundMs = 5000;

t.test('a failover that loses a revocation: reset, and written back it is in force again', async (t) => {
  const master = await startTcpRedis(['--repl-diskless-sync-delay', '0']);
  t.teardown(() => master.close());
  const replica = await startTcpRedis(['--replicaof', '127.0.0.1', `${master.port}`]);
  t.teardown(() => replica.close());
  const sentinel = await startSentinel(master);
  t.teardown(() => sentinel.close());
  await sentinel.knowsReplicas(1);
  const settings = {
    mode: 'sentinel',
    sentinelName: sentinel.name,
    nodes: [{ host: sentinel.host, port: sentinel.port }],
  } as const;
  const store = await openStore(t, settings);
  const { org, user, made } = await furnish(t, store);
  const told = await followed(t, store);

  const operator = new Redis({ host: master.host, port: master.port, retryStrategy: null });
  operator.on('error', () => undefined);
  t.teardown(() => operator.disconnect());
  await operator.set('marker', '1');
  await eventually(async () => (await operator.wait(1, 100)) === 1);
  replica.freeze();
  await operator.call('CLIENT', 'KILL', 'TYPE', 'replica');
  t.equal(await store.revokeToken(made.token.id, Date.now()), 'revoked');
  const endedMs = Date.now();
  t.equal(await store.revokeAll(org.id, user.id, endedMs), 'revoked');
  await told.until(() => told.lines.length === 2);
  await master.kill();
  replica.thaw();
  await sentinel.failover();

  await told.until(() => told.events.filter((event) => event === 'caughtUp').length === 2);
  t.ok(told.events.includes('reset:server_replaced'));
  t.match(
    await answered(() => store.findToken(made.token.id)),
    { state: 'active' },
    'lost, though acknowledged',
  );
  t.equal(await answered(() => store.reapply(told.lines)), 'done');
  t.match(await answered(() => store.findToken(made.token.id)), { state: 'revoked' });
  t.match(await answered(() => store.findUser(org.id, user.id)), {
    generation: endedMs,
    tokenGenerationMin: endedMs,
  });
  await told.until(() => told.lines.length === 4);
  t.same(told.lines.slice(2), told.lines.slice(0, 2), 'and told to the replicas that missed it');
});

t.test('the last sentinel and the master are gone: an outage at once, at boot and later', async (t) => {
  const master = await startTcpRedis();
  t.teardown(() => master.close());
  const sentinel = await startSentinel(master);
  t.teardown(() => sentinel.close());
  const settings = {
    mode: 'sentinel',
    sentinelName: sentinel.name,
    nodes: [{ host: sentinel.host, port: sentinel.port }],
  } as const;
  const store = await openStore(t, settings);
  const { made } = await furnish(t, store);
  await sentinel.kill();
  t.match(
    await store.findApiToken(made.digest),
    { token: { id: made.token.id } },
    'not needed while connected',
  );
  await master.kill();
  for (let i = 0; i < 10; i++) {
    const [answer, tookMs] = await timed(() => store.findApiToken(made.digest));
    t.ok(isOutage(answer) && tookMs < boundMs);
  }
  const [late, openedMs] = await timed(() => openStore(t, settings));
  t.ok(openedMs < boundMs);
  const [answer, tookMs] = await timed(() => late.findApiToken(made.digest));
  t.ok(isOutage(answer) && tookMs < boundMs);
  const [, closedMs] = await timed(() => late.close());
  t.ok(closedMs < boundMs);
});
