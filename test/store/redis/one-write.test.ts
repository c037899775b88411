// Look-ups of one turn of the event loop go out in one write: each has its own answer and its own time limit all the same.

import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { serverOptions } from '../../../src/store/redis/connection-options.ts';
import { TimedRedis } from '../../../src/store/redis/timed-redis.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { redisSettings } from '../../support/redis-settings.ts';

/** A connection, and how often it has written to its socket. */
const connect = async (t: Test, { socketPath }: RedisServer) => {
  const client = new TimedRedis(serverOptions(redisSettings({ socketPath, readTimeoutMs: 5_000 }), 'read'));
  t.teardown(() => client.disconnect());
  await client.connect();
  await client.ping();
  let writes = 0;
  const write = client.stream.write.bind(client.stream);
  client.stream.write = ((...args: Parameters<typeof write>) => {
    writes += 1;
    return write(...args);
  }) as typeof write;
  return { client, writesOf: () => writes };
};

const start = async (t: Test): Promise<RedisServer> => {
  const server = await startRedis();
  t.teardown(() => server.close());
  return server;
};

t.test('the commands of one turn leave in one write, and each has its own answer', async (t) => {
  const { client, writesOf } = await connect(t, await start(t));
  const names = Array.from({ length: 200 }, (_, index) => `key ${index} é`);
  await Promise.all(names.map((name) => client.set(name, name)));
  t.equal(writesOf(), 1);
  t.same(await Promise.all(names.map((name) => client.get(name))), names);
  t.equal(writesOf(), 2);
});

t.test('what many commands say leaves in pieces, not as one long text', async (t) => {
  const { client, writesOf } = await connect(t, await start(t));
  const long = 'x'.repeat(40_000);
  await Promise.all(Array.from({ length: 10 }, (_, index) => client.set(`${index}`, long)));
  t.equal(writesOf(), 5);
});

t.test('answers stay in order beside pipelines and bytes, which are written at once', async (t) => {
  const { client } = await connect(t, await start(t));
  const [set, pipeline, bytes, after] = await Promise.all([
    client.set('a', '1'),
    client.pipeline().incr('a').get('a').exec(),
    client.set('b', Buffer.from([0xff])),
    client.get('a'),
  ]);
  t.equal(set, 'OK');
  t.same(pipeline, [
    [null, 2],
    [null, '2'],
  ]);
  t.equal(bytes, 'OK');
  t.equal(after, '2');
});

t.test('a refused command fails alone', async (t) => {
  const { client } = await connect(t, await start(t));
  await client.set('text', 'x');
  const answers = await Promise.allSettled([client.get('text'), client.incr('text'), client.get('text')]);
  t.match(answers, [
    { status: 'fulfilled', value: 'x' },
    { status: 'rejected', reason: /not an integer/ },
    { status: 'fulfilled', value: 'x' },
  ]);
});

t.test(
  'commands whose connection is closed in the same turn fail, and reach no later connection',
  async (t) => {
    const server = await start(t);
    const { client } = await connect(t, server);
    const lost = Promise.allSettled([client.set('a', '1'), client.set('b', '1')]);
    client.disconnect();
    await client.connect().catch(() => undefined);
    for (const { status } of await lost) t.equal(status, 'rejected');
    await setImmediate();
    const { client: other } = await connect(t, server);
    t.equal(await other.exists('a', 'b'), 0);
  },
);

t.test('a command has its whole time from when it leaves, however long the turn was', async (t) => {
  const server = await start(t);
  const client = new TimedRedis(
    serverOptions(redisSettings({ socketPath: server.socketPath, readTimeoutMs: 250 }), 'read'),
  );
  t.teardown(() => client.disconnect());
  await client.connect();
  const answer = client.ping();
  const busyUntilMs = performance.now() + 600;
  while (performance.now() < busyUntilMs);
  t.equal(await answer, 'PONG');
});
