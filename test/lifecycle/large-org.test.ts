// An org of 20,000 API tokens, on both stores: what a listing reads is counted, not timed.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import {
  listTokens,
  readsPerPageMax,
  type TokenListing,
  type TokenListStore,
  type TokenQuery,
} from '../../src/lifecycle/token-list.ts';
import { isFailure } from '../../src/lifecycle/command-error.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { statementOf } from '../../src/store/sqlite/token-scan.ts';
import { tokenOrders } from '../../src/store/token-listing.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import { exampleOrg, exampleToken, exampleUser, startMs } from '../contract/examples.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { startRedis } from '../support/redis.ts';

const usersCount = 200;
const tokensPerUser = 100;
const total = usersCount * tokensPerUser;

interface Place {
  readonly store: TokenStore;
  readonly orgId: string;
  /** Digest of one of the tokens. */
  readonly digest: string;
}

const made = (orgId: string) => {
  const users = Array.from({ length: usersCount }, () => exampleUser(orgId));
  const tokens = users.flatMap((user) =>
    Array.from({ length: tokensPerUser }, (_, index) =>
      exampleToken(user, {
        name: `token ${(index * 37) % tokensPerUser}`,
        createdAtMs: startMs + index,
        expiresAtMs: index % 2 === 0 ? undefined : startMs + 1_000_000 + index,
      }),
    ),
  );
  return { users, tokens };
};

const onRedis = async (t: Test): Promise<Place & { readonly commands: () => Promise<number> }> => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const store = createRedisStore(redisSettings({ socketPath: server.socketPath }), {
    retentionMs: 3_600_000,
  });
  t.teardown(() => store.close());
  await store.open();
  const org = exampleOrg();
  await store.createOrg(org);
  const { users, tokens } = made(org.id);
  await Promise.all(users.map((user) => store.createUser(user)));
  for (let start = 0; start < tokens.length; start += 200)
    await Promise.all(
      tokens.slice(start, start + 200).map(({ token, digest }) => store.createToken(token, digest)),
    );
  const client = new Redis({ path: server.socketPath });
  t.teardown(() => client.disconnect());
  /** How many commands that read tokens or their indexes the server has carried out. */
  const commands = async (): Promise<number> => {
    const stats = await client.info('commandstats');
    return [...stats.matchAll(/cmdstat_(?:hmget|zrangebylex|zrevrangebylex|zrange|hgetall):calls=(\d+)/g)]
      .map(([, calls]) => Number(calls))
      .reduce((sum, calls) => sum + calls, 0);
  };
  return { store, orgId: org.id, digest: tokens[0]?.digest ?? '', commands };
};

const onSqlite = async (t: Test): Promise<Place & { readonly database: DatabaseSync }> => {
  const file = join(t.testdir(), 'tollgate.db');
  const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
  t.teardown(() => store.close());
  await store.open();
  const org = exampleOrg();
  await store.createOrg(org);
  const { users, tokens } = made(org.id);
  for (const user of users) await store.createUser(user);
  const database = new DatabaseSync(file);
  t.teardown(() => database.close());
  database.exec('BEGIN');
  const insert = database.prepare(
    `INSERT INTO tokens (id, digest, org_id, user_id, name, origin, state, created_at_ms, expires_at_ms,
      generation_org, generation_user) VALUES (?, ?, ?, ?, ?, 'created', 'active', ?, ?, 0, 0)`,
  );
  for (const { token, digest } of tokens)
    insert.run(
      token.id,
      digest,
      org.id,
      token.userId,
      token.name,
      token.createdAtMs,
      token.expiresAtMs ?? null,
    );
  database.exec('COMMIT');
  return { store, orgId: org.id, digest: tokens[0]?.digest ?? '', database };
};

/** The store, and how many records its listings have read. */
const counted = (store: TokenStore): { readonly store: TokenListStore; readonly reads: () => number } => {
  let reads = 0;
  return {
    store: {
      findOrg: (orgId) => store.findOrg(orgId),
      findUser: (orgId, userId) => store.findUser(orgId, userId),
      countTokens: (count) => store.countTokens(count),
      buryTokens: (ids, nowMs) => store.buryTokens(ids, nowMs),
      scanTokens: async (scan) => {
        const step = await store.scanTokens(scan);
        if (!isOutage(step)) reads += step.tokens.length;
        return step;
      },
    },
    reads: () => reads,
  };
};

const list = async (store: TokenListStore, query: TokenQuery): Promise<TokenListing> => {
  const listing = await listTokens(store, query, startMs);
  if (isFailure(listing)) throw new Error(JSON.stringify(listing));
  return listing;
};

const listings = async (t: Test, { store, orgId, digest }: Place): Promise<void> => {
  const query = { orgId, userId: undefined, skip: 0 } as const;

  t.test('a page reads what it shows and one more, in every order', async (t) => {
    for (const by of tokenOrders)
      for (const isDescending of [false, true]) {
        const { store: counting, reads } = counted(store);
        const one = await list(counting, { ...query, limit: 1, isCounted: true, sort: { by, isDescending } });
        t.same([one.items.length, one.total, reads()], [1, total, 2], by);
      }
  });

  t.test('what the index answers of a filter reads no other token', async (t) => {
    const { store: counting, reads } = counted(store);
    const filter = { kind: 'is', field: 'name', value: 'token 5' } as const;
    const page = await list(counting, { ...query, limit: 25, filter });
    t.same([page.items.length, new Set(page.items.map(({ name }) => name)).size], [25, 1]);
    t.ok(reads() <= 100, `${reads()} were read`);
    const { userId } = page.items[0] ?? { userId: '' };
    const narrowed = counted(store);
    await list(narrowed.store, {
      ...query,
      limit: 25,
      filter: { kind: 'is', field: 'userId', value: userId },
    });
    t.ok(narrowed.reads() <= tokensPerUser, `${narrowed.reads()} were read`);
  });

  t.test('what no index answers is judged so many at a time, and the pages go on to the end', async (t) => {
    const filter = { kind: 'test', holds: ({ name }: { name: string }) => name.endsWith(' 99') } as const;
    let found = 0;
    let after: TokenQuery['after'];
    let pages = 0;
    do {
      const { store: counting, reads } = counted(store);
      const page = await list(counting, { ...query, limit: 1_000, filter, after });
      t.ok(reads() <= readsPerPageMax);
      found += page.items.length;
      after = page.next;
      pages += 1;
    } while (after !== undefined);
    t.equal(found, usersCount);
    t.ok(pages >= total / readsPerPageMax, `${pages} pages`);
  });

  t.test('the whole org is paged through, and look-ups beside it are answered all the while', async (t) => {
    const seen = new Set<string>();
    const done = new AbortController();
    let answered = 0;
    const beside = (async () => {
      while (!done.signal.aborted) {
        const found = await store.findApiToken(digest);
        t.notOk(isOutage(found) || found === undefined);
        answered += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    let after: TokenQuery['after'];
    let pages = 0;
    do {
      const page = await list(store, { ...query, limit: 1_000, after });
      for (const { id } of page.items) seen.add(id);
      after = page.next;
      pages += 1;
    } while (after !== undefined);
    done.abort();
    await beside;
    t.equal(seen.size, total);
    t.ok(answered >= 3 * pages, `${answered} look-ups beside ${pages} pages`);
  });
};

t.test('on Redis', async (t) => {
  const place = await onRedis(t);
  await listings(t, place);
  t.test('a page of one costs few commands', async (t) => {
    const before = await place.commands();
    await list(place.store, { orgId: place.orgId, userId: undefined, skip: 0, limit: 1 });
    const spent = (await place.commands()) - before;
    t.ok(spent <= 50, `${spent} commands`);
  });
});

t.test('on SQLite', async (t) => {
  const place = await onSqlite(t);
  await listings(t, place);
  t.test(
    'every statement walks an index from where the last page ended: nothing is sorted or passed over',
    async (t) => {
      const place0 = { value: 5, id: 'x' };
      for (const by of tokenOrders)
        for (const userId of [undefined, 'ann'])
          for (const isDescending of [false, true])
            for (const after of [undefined, by === 'name' ? { ...place0, value: 'a' } : place0]) {
              const scan = { orgId: 'acme', userId, by, isDescending, after, parts: [], limit: 5 } as const;
              const { sql, values } = statementOf(scan, 'live', 5);
              const plan = place.database
                .prepare(`EXPLAIN QUERY PLAN ${sql}`)
                .all(...values)
                .map(({ detail }) => String(detail));
              t.equal(plan.length, 1, plan.join('; '));
              const index = `tokens_of_${userId === undefined ? 'org' : 'user'}_by`;
              t.match(plan[0], new RegExp(`^SEARCH tokens USING INDEX ${index}_`));
              t.equal(plan[0]?.includes(',id)'), after !== undefined);
            }
    },
  );
});
