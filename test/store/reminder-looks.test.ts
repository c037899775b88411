// Finding which tokens are to be looked at costs what is found, with a hundred thousand tokens as with a thousand. LONG=1: with
// a million.

import { Redis } from 'ioredis';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import { KeySpace } from '../../src/store/redis/key-space.ts';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import { planEarlierLooks } from '../../src/store/redis/reminders.ts';
import { dueLooks } from '../../src/store/sqlite/reminders.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { exampleOrg, exampleToken, exampleUser, startMs } from '../contract/examples.ts';
import { sure } from '../contract/places.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(300_000);

const sizes = process.env['LONG'] === '1' ? [1_000, 1_000_000] : [1_000, 100_000];
const laterMs = startMs + 86_400_000;
const expiresAtMs = startMs + 30 * 86_400_000;
const dueCount = 10;

/** As many tokens as are due, of one user. */
const makeDue = async (store: TokenStore): Promise<readonly string[]> => {
  const org = exampleOrg();
  const user = exampleUser(org.id);
  await store.createOrg(org);
  await store.createUser(user);
  const made = Array.from({ length: dueCount }, () => exampleToken(user, { expiresAtMs }));
  for (const { token, digest } of made) t.equal(await store.createToken(token, digest), 'created');
  return made.map(({ token }) => token.id).toSorted();
};

const openRedis = async (t: Test) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const operator = new Redis({ path: server.socketPath });
  t.teardown(() => operator.disconnect());
  const settings = redisSettings({ socketPath: server.socketPath, prefix: 'looks' });
  const store = createRedisStore(settings, { retentionMs: 3_600_000 });
  await store.open();
  t.teardown(() => store.close());
  return { store, operator };
};

/** How many sorted sets were read from. */
const commandsOf = async (operator: Redis): Promise<number> => {
  const stats = await operator.info('commandstats');
  return Number(/cmdstat_zrangebyscore:calls=(\d+)/.exec(stats)?.[1] ?? 0);
};

t.test('on Redis: the same commands, and the same members', async (t) => {
  const { store, operator } = await openRedis(t);
  const due = await makeDue(store);
  const costs: number[] = [];
  let filled = 0;
  for (const size of sizes) {
    const fill = `for i = ARGV[2], ARGV[3] - 1 do
      redis.call('ZADD', KEYS[1] .. '{' .. (i % 16) .. '}:reminder-looks', ARGV[1], 'filler-' .. i) end`;
    await operator.eval(fill, 1, 'looks:', laterMs, filled, size);
    filled = size;
    const before = await commandsOf(operator);
    t.same([...sure(await store.listReminderLooks(startMs, 100))].sort(), due);
    costs.push((await commandsOf(operator)) - before);
  }
  t.same(costs, [16, 16], 'one command for each shard');
});

t.test('on SQLite: one stretch of an index, nothing sorted', async (t) => {
  const file = join(t.testdir(), 'tollgate.db');
  const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
  await store.open();
  t.teardown(() => store.close());
  const due = await makeDue(store);
  const database = new DatabaseSync(file);
  t.teardown(() => database.close());
  let filled = 0;
  for (const size of sizes) {
    database.exec(`WITH RECURSIVE n (i) AS (SELECT ${filled} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${size})
      INSERT INTO tokens (id, digest, org_id, user_id, name, origin, state, created_at_ms, expires_at_ms,
        generation_org, generation_user, remind_at_ms)
      SELECT 'filler-' || i, 'filler-' || i, org_id, user_id, 'ci', 'created', 'active', created_at_ms,
        expires_at_ms, 0, 0, ${laterMs} FROM n, (SELECT * FROM tokens WHERE id = '${due[0]}')`);
    filled = size;
    t.same([...sure(await store.listReminderLooks(startMs, 100))].sort(), due);
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${dueLooks}`).all(startMs, 100);
    t.same(
      plan.map(({ detail }) => detail),
      ['SEARCH tokens USING INDEX tokens_to_remind (remind_at_ms<?)'],
      `with ${size} tokens`,
    );
  }
});

t.test(
  'tokens that an earlier version made on Redis are looked at, also many that end together',
  async (t) => {
    const { store, operator } = await openRedis(t);
    const due = await makeDue(store);
    const keys = new KeySpace('looks');
    const shard = Number.parseInt(due[0]!.slice(-1), 16);
    const [member] = await operator.zrange(keys.vanishing(shard), '0', '0');
    const fillers = Array.from({ length: 1_200 }, (_, index) =>
      member!.replace(
        /^\["[^"]+"/,
        `["00000000-0000-4000-8000-${String(index).padStart(11, '0')}${due[0]!.slice(-1)}"`,
      ),
    );
    await operator.zadd(keys.vanishing(shard), ...fillers.flatMap((each) => [`${expiresAtMs}`, each]));
    await operator.del(keys.looks(shard));
    t.same(await store.listReminderLooks(startMs, 10), []);
    const on = <T>(_key: string, work: (client: Redis, isAsking: boolean) => Promise<T>): Promise<T> =>
      work(operator, false);
    const connections = {
      on,
      open: async () => undefined,
      close: () => undefined,
      recheck: () => undefined,
      renew: () => undefined,
    };
    const context = { keys, reads: connections, unacknowledged: () => connections };
    await planEarlierLooks(context, () => false);
    t.equal(await operator.zcard(keys.looks(shard)), dueCount + 1_200);
    await operator.del(keys.looks(shard));
    await planEarlierLooks(context, () => false);
    t.equal(await operator.zcard(keys.looks(shard)), 0, 'once is enough');
  },
);
