// The change feed survives whatever happens to its connection or its history: it goes on without a gap, or says that
// it could not and begins again (hardening.md, C).

import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { shardOfAccount } from '../../../src/tokens/shard.ts';
import type { RedisServer } from '../../support/redis.ts';
import { startRedis } from '../../support/redis.ts';
import { codeOf, eventually, followed, furnish, hourMs, keptLog, openStore } from './furnish.ts';

/** A client beside the store, to do to the server what an operator or an accident does. */
const meddle = (t: Test, server: RedisServer): Redis => {
  const client = new Redis({ path: server.socketPath });
  client.on('error', () => undefined);
  t.teardown(() => client.disconnect());
  return client;
};

/** Ids of the connections of feeds. */
const feedsOf = async (client: Redis): Promise<string[]> => {
  const list = String(await client.client('LIST'));
  return [...list.matchAll(/^id=(\d+) .*name=tollgate-feed /gm)].map((match) => match[1]!);
};

const serverFor = async (t: Test, args: readonly string[] = []): Promise<RedisServer> => {
  const server = await startRedis(args);
  t.teardown(() => server.close());
  return server;
};

const sessions = (told: { readonly lines: readonly { readonly kind: string }[] }): string[] =>
  told.lines.flatMap((line) => ('sessionId' in line ? [String(line.sessionId)] : []));

t.test('a revocation on one instance reaches the listeners of the others, in order', async (t) => {
  const server = await serverFor(t);
  const [one, two, three] = await Promise.all(
    [1, 2, 3].map(() => openStore(t, { socketPath: server.socketPath })),
  );
  const { org, user } = await furnish(t, one!);
  const listeners = [await followed(t, two!), await followed(t, three!)];
  for (let i = 0; i < 50; i++) await (i % 2 === 0 ? one! : two!).revokeAll(org.id, user.id, i);
  for (const told of listeners) {
    await told.until(() => told.lines.length === 50);
    t.same(
      told.lines.map((line) => ('generation' in line ? line.generation : 0)),
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    t.same(told.events, ['connected', 'caughtUp']);
  }
});

t.test('a killed feed connection resumes without a gap and without a repetition', async (t) => {
  const server = await serverFor(t);
  const store = await openStore(t, { socketPath: server.socketPath });
  const told = await followed(t, store);
  const operator = meddle(t, server);
  for (let i = 0; i < 30; i++) {
    await store.endSession(`session-${i}`, Date.now());
    if (i % 10 === 5) for (const id of await feedsOf(operator)) await operator.client('KILL', 'ID', id);
  }
  await told.until(() => sessions(told).length >= 30);
  t.same(sessions(told).sort(), Array.from({ length: 30 }, (_, i) => `session-${i}`).sort());
  t.ok(told.events.includes('disconnected'));
  t.notOk(told.events.some((event) => event.startsWith('reset')));
  t.equal(told.events.at(-1), 'connected');
});

t.test('a lost feed is told once, and its return once', async (t) => {
  const server = await serverFor(t);
  const log = keptLog();
  const store = await openStore(t, { socketPath: server.socketPath }, { log });
  const told = await followed(t, store);
  const ofFeed = () =>
    log.lines.map(({ message }) => message).filter((message) => message.startsWith('the change feed'));
  await server.kill();
  await eventually(() => ofFeed().length > 0);
  await server.restart();
  await eventually(() => ofFeed().includes('the change feed is connected again'));
  t.same(ofFeed(), ['the change feed is not connected; trying again', 'the change feed is connected again']);
  t.ok(told.events.length > 0);
});

t.test('a window larger than one read is told whole before "caught up"', async (t) => {
  const server = await serverFor(t);
  const store = await openStore(t, { socketPath: server.socketPath });
  // Not even where the server cuts off clients that read slowly.
  await meddle(t, server).config('SET', 'client-output-buffer-limit', 'normal 1mb 0 0');
  const ended = Array.from({ length: 3000 }, (_, i) => `session-${i}`);
  for (let from = 0; from < ended.length; from += 100)
    await Promise.all(ended.slice(from, from + 100).map((session) => store.endSession(session, Date.now())));
  const told = await followed(t, store);
  t.same(sessions(told).sort(), ended.sort());
});

t.test('lines older than the retention are trimmed by the next write, and not told', async (t) => {
  const server = await serverFor(t);
  const store = await openStore(t, { socketPath: server.socketPath });
  const { org, user } = await furnish(t, store);
  const operator = meddle(t, server);
  const stream = `tollgate:{${shardOfAccount(org.id, user.id)}}:changes`;
  for (let ms = 1; ms <= 300; ms++)
    await operator.xadd(stream, `${ms}-0`, 'kind', 'session', 'session', 'old', 'at', '1');
  const told = await followed(t, store);
  t.equal(await store.revokeAll(org.id, user.id, 300), 'revoked');
  t.ok((await operator.xlen(stream)) < 150, 'trimmed in whole pieces, so not to the last line');
  await told.until(() => told.lines.length > 0);
  t.match(told.lines, [{ kind: 'user', generation: 300 }]);
  t.equal(told.lines.length, 1);
});

t.test(
  'no writer trims what another replica needs: the longest retention ever asked for counts',
  async (t) => {
    const server = await serverFor(t);
    const patient = await openStore(t, { socketPath: server.socketPath }, { retentionMs: 12 * hourMs });
    const { org, user } = await furnish(t, patient);
    await followed(t, patient);
    await patient.close();
    const operator = meddle(t, server);
    const stream = `tollgate:{${shardOfAccount(org.id, user.id)}}:changes`;
    const elevenHoursAgo = Date.now() - 11 * hourMs;
    for (let ms = 0; ms < 150; ms++)
      await operator.xadd(
        stream,
        `${elevenHoursAgo + ms}-0`,
        'kind',
        'session',
        'session',
        'ended',
        'at',
        '1',
      );
    const hasty = await openStore(t, { socketPath: server.socketPath }, { retentionMs: hourMs });
    t.equal(await hasty.revokeAll(org.id, user.id, Date.now()), 'revoked');
    t.equal(await operator.xlen(stream), 151);
    const told = await followed(t, hasty);
    t.equal(told.lines.length, 151, 'and a replica that starts reads them all');
  },
);

t.test('a command line that follows nothing trims nothing', async (t) => {
  const server = await serverFor(t);
  const store = await openStore(t, { socketPath: server.socketPath });
  const { org, user } = await furnish(t, store);
  const operator = meddle(t, server);
  const stream = `tollgate:{${shardOfAccount(org.id, user.id)}}:changes`;
  for (let ms = 1; ms <= 300; ms++)
    await operator.xadd(stream, `${ms}-0`, 'kind', 'session', 'session', 'old', 'at', '1');
  t.equal(await store.revokeAll(org.id, user.id, 300), 'revoked');
  t.equal(await operator.xlen(stream), 301);
});

t.test('a full server is no reason not to read the feed', async (t) => {
  const server = await serverFor(t);
  const operator = meddle(t, server);
  await operator.config('SET', 'maxmemory', '1');
  const store = await openStore(t, { socketPath: server.socketPath });
  const told = await followed(t, store);
  t.same(told.events, ['connected', 'caughtUp']);
  t.notOk(await operator.exists('tollgate:{0}:retention'));
  await operator.config('SET', 'maxmemory', '0');
  await eventually(async () => (await operator.exists('tollgate:{0}:retention')) === 1);
});

t.test('a frozen server is a lost connection; thawed, the feed goes on from where it was', async (t) => {
  const server = await serverFor(t);
  const store = await openStore(t, { socketPath: server.socketPath });
  const told = await followed(t, store);
  await store.endSession('before', Date.now());
  await told.until(() => told.lines.length === 1);
  server.freeze();
  await told.until(() => told.events.includes('disconnected'));
  server.thaw();
  await told.until(() => told.events.at(-1) === 'connected');
  await eventually(async () => codeOf(await store.endSession('after', Date.now())) === 'no outage');
  await told.until(() => told.lines.length === 2);
  t.same(sessions(told), ['before', 'after']);
  t.same(told.events, ['connected', 'caughtUp', 'disconnected', 'connected']);
});

t.test('trimmed past the last line while away: reset, then the lines there are', async (t) => {
  const server = await serverFor(t);
  const store = await openStore(t, { socketPath: server.socketPath });
  const { org, user } = await furnish(t, store);
  const told = await followed(t, store);
  await store.revokeAll(org.id, user.id, 1);
  await told.until(() => told.lines.length === 1);
  const operator = meddle(t, server);
  const [stream] = await operator.keys('*changes');
  // In one step: away, two more changes, and only the last of them is kept.
  const [feed] = await feedsOf(operator);
  const line = ['kind', 'org', 'org', 'x', 'at', '1', 'generation'];
  await operator
    .multi()
    .client('KILL', 'ID', feed!)
    .xadd(stream!, '*', ...line, '2')
    .xadd(stream!, '*', ...line, '3')
    .xtrim(stream!, 'MAXLEN', 1)
    .exec();
  await told.until(() => told.lines.length === 2);
  t.match(told.lines[1], { kind: 'org', generation: 3 });
  await told.until(() => told.events.filter((event) => event === 'caughtUp').length === 2);
  t.same(told.events, ['connected', 'caughtUp', 'disconnected', 'reset:trimmed', 'connected', 'caughtUp']);
});

t.test(
  'FLUSHALL is noticed on a living connection: reset, and what was known can be written back',
  async (t) => {
    const server = await serverFor(t);
    const store = await openStore(t, { socketPath: server.socketPath });
    const told = await followed(t, store);
    await store.endSession('session-1', Date.now());
    await told.until(() => told.lines.length === 1);
    await meddle(t, server).flushall();
    await told.until(() => told.events.filter((event) => event === 'caughtUp').length === 2);
    t.ok(told.events.includes('reset:server_replaced'));
    t.equal(await store.reapply(told.lines), 'done');
    await told.until(() => told.lines.length === 2);
    t.same(sessions(told), ['session-1', 'session-1']);
  },
);

t.test('a flushed server is not said to be away: the feed stays connected, and is read again', async (t) => {
  const server = await serverFor(t);
  const log = keptLog();
  const store = await openStore(t, { socketPath: server.socketPath }, { log });
  const told = await followed(t, store);
  await store.endSession('session', Date.now());
  await told.until(() => told.lines.length === 1);
  await meddle(t, server).flushall();
  await told.until(() => told.events.filter((event) => event === 'caughtUp').length === 2);
  t.same(
    told.events.filter((event) => event === 'disconnected'),
    [],
  );
  t.same(
    log.lines.filter(({ message }) => message.includes('not connected')),
    [],
  );
});

t.test('a server that comes back empty is another server: reset', async (t) => {
  const server = await serverFor(t);
  const store = await openStore(t, { socketPath: server.socketPath });
  const { made } = await furnish(t, store);
  const told = await followed(t, store);
  await store.revokeToken(made.token.id, Date.now());
  await told.until(() => told.lines.length === 1);
  await server.restart();
  await told.until(() => told.events.filter((event) => event === 'caughtUp').length === 2);
  t.same(told.events, [
    'connected',
    'caughtUp',
    'disconnected',
    'reset:server_replaced',
    'connected',
    'caughtUp',
  ]);
  t.equal(await eventuallyDone(() => store.reapply(told.lines)), 'done');
  await told.until(() => told.lines.length === 2);
  t.same(told.lines[1], told.lines[0], 'told again to whoever missed it');
});

t.test(
  'a server that comes back with all its data is read again too: its last second may be lost',
  async (t) => {
    const server = await serverFor(t, ['--appendonly', 'yes', '--appendfsync', 'always']);
    const store = await openStore(t, { socketPath: server.socketPath });
    const told = await followed(t, store);
    await store.endSession('session-1', Date.now());
    await told.until(() => told.lines.length === 1);
    await server.restart();
    await told.until(() => told.events.filter((event) => event === 'caughtUp').length === 2);
    t.ok(told.events.includes('reset:server_replaced'));
    t.same(sessions(told), ['session-1', 'session-1']);
  },
);

t.test('a line of a newer version is passed over, and said so', async (t) => {
  const server = await serverFor(t);
  const log = keptLog();
  const store = await openStore(t, { socketPath: server.socketPath }, { log });
  const told = await followed(t, store);
  await store.endSession('session-1', Date.now());
  const operator = meddle(t, server);
  const [stream] = await operator.keys('*changes');
  await operator.xadd(stream!, '*', 'kind', 'planet', 'at', '1');
  await operator.xadd(stream!, '*', 'kind', 'session', 'session', 'session-2', 'at', '2');
  await told.until(() => told.lines.length === 2);
  t.same(sessions(told), ['session-1', 'session-2']);
  t.match(log.lines.at(-1), { level: 'error', fields: { stream } });
});

t.test('closing a feed ends it whether or not the server is there', async (t) => {
  const server = await serverFor(t);
  const store = await openStore(t, { socketPath: server.socketPath }, { retentionMs: hourMs });
  const told = await followed(t, store);
  t.ok(told.heardCount() > 0);
  await server.kill();
  const late = store.follow(told);
  await told.until(() => told.events.filter((event) => event === 'disconnected').length >= 2);
  await late.close();
  t.pass('closed while trying to connect');
});

const eventuallyDone = async (ask: () => Promise<unknown>): Promise<unknown> => {
  let answer: unknown;
  await eventually(async () => codeOf((answer = await ask())) === 'no outage');
  return answer;
};
