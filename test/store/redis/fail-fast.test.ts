// A Redis that is down, dies, freezes or never answers costs every caller a bounded time, and the store recovers by
// itself (hardening.md, C).

import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import t from 'tap';
import { isOutage } from '../../../src/decision/outcome.ts';
import { startRedis } from '../../support/redis.ts';
import { answered, codeOf, eventually, furnish, keptLog, openStore, tight, timed } from './furnish.ts';

/** Generous: the promise is 250 ms, a busy machine may add much, a hang would add everything. */
const boundMs = 5000;
const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

t.test('a server that is down at boot is an outage at once, and found when it comes', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  await server.kill();
  const log = keptLog();
  const [store, openedMs] = await timed(() =>
    openStore(t, { ...tight, socketPath: server.socketPath }, { log }),
  );
  t.ok(openedMs < boundMs, 'opening does not wait for it');
  const [answer, tookMs] = await timed(() => store.findApiToken('0'.repeat(64)));
  t.match(answer, { kind: 'outage', reason: 'store_unavailable' });
  t.equal(codeOf(answer), 'NOT_CONNECTED');
  t.ok(tookMs < boundMs);
  t.match(log.lines, [
    { level: 'error', fields: { code: 'ECONNREFUSED' }, message: 'Redis is unreachable' },
    { level: 'error', fields: { code: 'ECONNREFUSED' } },
  ]);

  await server.restart();
  t.equal(await answered(() => store.findApiToken('0'.repeat(64))), undefined);
  t.match(log.lines.at(-1), { level: 'info', message: 'Redis answers again' });
});

t.test(
  'killed under load: every look-up ends, as found or as an outage, and nothing is forgotten',
  async (t) => {
    const server = await startRedis(durable);
    t.teardown(() => server.close());
    const store = await openStore(t, { ...tight, socketPath: server.socketPath });
    const { made } = await furnish(t, store);
    const answers: string[] = [];
    const load = new AbortController();
    const caller = async (): Promise<void> => {
      while (!load.signal.aborted) {
        const answer = await store.findApiToken(made.digest);
        answers.push(isOutage(answer) ? 'outage' : answer === undefined ? 'unknown' : 'found');
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const callers = Array.from({ length: 50 }, () => caller());
    await eventually(() => answers.length > 500);
    await server.kill();
    await eventually(() => answers.at(-1) === 'outage');
    await server.restart();
    await eventually(() => answers.at(-1) === 'found');
    load.abort();
    await Promise.all(callers);
    t.same([...new Set(answers)].sort(), ['found', 'outage'], 'never "unknown": an outage is not a verdict');
  },
);

t.test('frozen: look-ups end with the command timeout, and soon without sending anything', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const store = await openStore(t, { ...tight, socketPath: server.socketPath });
  const { made } = await furnish(t, store);
  const before = await evaluations(server.socketPath);
  server.freeze();
  const timeouts: string[] = [];
  for (;;) {
    const [answer, tookMs] = await timed(() => store.findApiToken(made.digest));
    t.ok(isOutage(answer) && tookMs < boundMs);
    if (codeOf(answer) === 'NOT_CONNECTED') break;
    timeouts.push(codeOf(answer));
  }
  t.ok(timeouts.length > 0);
  const many = await Promise.all(Array.from({ length: 5000 }, () => store.findApiToken(made.digest)));
  t.ok(many.every((answer) => codeOf(answer) === 'NOT_CONNECTED'));
  server.thaw();
  t.match(await answered(() => store.findApiToken(made.digest)), { token: { id: made.token.id } });
  const after = await evaluations(server.socketPath);
  t.ok(after - before <= timeouts.length + 10, 'nothing was queued up for the server to do later');
});

t.test('frozen: a write ends with its own timeout, as an outage, and may be repeated', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const store = await openStore(t, { ...tight, socketPath: server.socketPath, writeTimeoutMs: 500 });
  const { made } = await furnish(t, store);
  server.freeze();
  const [answer, tookMs] = await timed(() => store.revokeToken(made.token.id, 1));
  t.equal(codeOf(answer), 'TIMEOUT');
  t.ok(tookMs < boundMs);
  server.thaw();
  const repeated = await answered(() => store.revokeToken(made.token.id, 2));
  t.ok(repeated === 'revoked' || repeated === 'already_revoked');
  t.match(await answered(() => store.findToken(made.token.id)), { state: 'revoked' });
});

t.test('a server that accepts and never answers is an outage in bounded time', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => undefined).resume());
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const nodes = [{ host: '127.0.0.1', port }];
  const [store, openedMs] = await timed(() => openStore(t, { ...tight, nodes }));
  t.ok(openedMs < boundMs);
  for (let i = 0; i < 20; i++) {
    const [answer, tookMs] = await timed(() => store.findApiToken('0'.repeat(64)));
    t.ok(isOutage(answer) && tookMs < boundMs);
    t.ok(isOutage(await store.revokeToken('00000000-0000-4000-8000-000000000000', 1)));
  }
});

/** How many scripts the server has run. */
const evaluations = async (socketPath: string): Promise<number> => {
  const client = new Redis({ path: socketPath });
  const stats = await client.info('commandstats');
  client.disconnect();
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
};
