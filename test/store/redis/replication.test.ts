// A revocation that is answered is on a replica, and a server that is no master is not believed (hardening.md, C).

import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { isOutage } from '../../../src/decision/outcome.ts';
import { exampleToken } from '../../contract/examples.ts';
import { type RedisTcpServer, startTcpRedis } from '../../support/redis-tcp.ts';
import { answered, codeOf, eventually, followed, furnish, openStore, timed } from './furnish.ts';

const serverFor = async (t: Test, args: readonly string[] = []): Promise<RedisTcpServer> => {
  const server = await startTcpRedis(['--repl-diskless-sync-delay', '0', ...args]);
  t.teardown(() => server.close());
  return server;
};

const clientOf = (t: Test, { port }: RedisTcpServer): Redis => {
  const client = new Redis({ host: '127.0.0.1', port });
  client.on('error', () => undefined);
  t.teardown(() => client.disconnect());
  return client;
};

t.test('a revocation waits for a replica, and is an outage without one', async (t) => {
  const master = await serverFor(t);
  const replica = await serverFor(t, ['--replicaof', '127.0.0.1', `${master.port}`]);
  const operator = clientOf(t, master);
  await eventually(async () => (await operator.wait(1, 100)) === 1);
  const store = await openStore(t, { nodes: [master], replicasMin: 1, writeTimeoutMs: 1200 });
  const { org, user, made } = await furnish(t, store);
  const tokens = Array.from({ length: 60 }, () => exampleToken(user));
  for (const { token, digest } of tokens) await store.createToken(token, digest);

  t.equal(await store.revokeToken(made.token.id, 1), 'revoked');
  t.equal(
    await clientOf(t, replica).exists(`tollgate:{${shardOf(made.token.id)}}:token:${made.token.id}`),
    1,
  );

  replica.freeze();
  const partitioned = [
    () => store.revokeToken(tokens[0]!.token.id, 2),
    () => store.revokeAll(org.id, user.id, 2),
    () => store.changeUser(org.id, user.id, { state: 'disabled' }, 2),
    () => store.changeOrg(org.id, { roles: { reader: null } }, 2),
    () => store.endSession('session', 2),
  ];
  for (const ask of partitioned)
    t.match(
      await ask(),
      { kind: 'outage', reason: 'store_not_replicated' },
      'never "done" when it may be lost',
    );

  const [answers, tookMs] = await timed(() =>
    Promise.all(tokens.slice(1).map(({ token }) => store.revokeToken(token.id, 3))),
  );
  t.ok(answers.every((answer) => codeOf(answer) === 'NOT_REPLICATED'));
  t.ok(tookMs < 30_000, 'the callers wait together, not one behind the other');

  replica.thaw();
  t.equal(await answered(() => store.revokeToken(tokens[0]!.token.id, 4)), 'already_revoked');
  t.equal(await answered(() => store.revokeAll(org.id, user.id, 4)), 'revoked');
});

t.test('a server that itself asks for replicas and has none: not replicated', async (t) => {
  const server = await serverFor(t, ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '5']);
  const store = await openStore(t, { nodes: [server] });
  const answer = await store.endSession('session', 1);
  t.match(answer, { kind: 'outage', reason: 'store_not_replicated' });
  t.equal(codeOf(answer), 'NOREPLICAS');
});

t.test('revocations sent together share their waits and each get their own answer', async (t) => {
  const master = await serverFor(t);
  await serverFor(t, ['--replicaof', '127.0.0.1', `${master.port}`]);
  const operator = clientOf(t, master);
  await eventually(async () => (await operator.wait(1, 100)) === 1);
  const store = await openStore(t, { nodes: [master], replicasMin: 1 });
  const { made } = await furnish(t, store);
  await operator.script('FLUSH');
  const answers = await Promise.all([
    store.revokeToken(made.token.id, 1),
    store.revokeToken(made.token.id, 2),
    store.revokeToken('00000000-0000-4000-8000-000000000000', 3),
    ...Array.from({ length: 250 }, (_, i) => store.endSession(`session-${i}`, 4)),
  ]);
  t.same(answers.slice(0, 3), ['revoked', 'already_revoked', 'unknown']);
  t.ok(answers.slice(3).every((answer) => answer === 'ended'));
  const stats = await operator.info('commandstats');
  t.ok(Number(/cmdstat_wait:calls=(\d+)/.exec(stats)?.[1]) < 60);
});

t.test('a demoted master is not believed: no stale reads, no writes, no feed', async (t) => {
  const server = await serverFor(t);
  const store = await openStore(t, { nodes: [server] });
  const { made } = await furnish(t, store);
  const told = await followed(t, store);
  const operator = clientOf(t, server);
  await operator.replicaof('127.0.0.1', 1);
  const revoked = await store.revokeToken(made.token.id, 1);
  t.ok(isOutage(revoked));
  await told.until(() => told.events.at(-1) === 'disconnected');
  await eventually(async () => isOutage(await store.findApiToken(made.digest)));
  for (let i = 0; i < 20; i++) {
    t.ok(isOutage(await store.findApiToken(made.digest)), 'and stays so');
    t.ok(isOutage(await store.revokeToken(made.token.id, 1)));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await operator.replicaof('NO', 'ONE');
  t.match(await answered(() => store.findApiToken(made.digest)), { token: { state: 'active' } });
  t.equal(await answered(() => store.revokeToken(made.token.id, 2)), 'revoked');
  await told.until(() => told.lines.length === 1);
  t.ok(told.events.includes('reset:server_replaced'), 'it may have taken another history meanwhile');
});

t.test('a replica is not taken for a master at boot', async (t) => {
  const master = await serverFor(t);
  const replica = await serverFor(t, ['--replicaof', '127.0.0.1', `${master.port}`]);
  const store = await openStore(t, { nodes: [replica] });
  t.equal(codeOf(await store.findApiToken('0'.repeat(64))), 'NOT_CONNECTED');
  await clientOf(t, replica).replicaof('NO', 'ONE');
  t.equal(await answered(() => store.findApiToken('0'.repeat(64))), undefined);
});

const shardOf = (tokenId: string): number => Number.parseInt(tokenId.slice(-1), 16);
