// What a replica knows from the change feed, and never un-knows.

import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ownApiToken } from '../../src/identity/authenticators.ts';
import { outage } from '../../src/decision/outcome.ts';
import { FeedState, type FeedObserver } from '../../src/identity/feed-state.ts';
import type { Change } from '../../src/store/records.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { exampleOrg, exampleToken, exampleUser } from '../contract/examples.ts';
import { sessionIdentity } from './harness.ts';

const retentionMs = 2_400_000;
const nowMs = 1_000_000;

const openFeed = (observe: FeedObserver = {}) => {
  const clock = { nowMs: 0 };
  const reapplied: (readonly Change[])[] = [];
  const answers: ReturnType<typeof outage>[] = [];
  const feed = new FeedState({
    store: {
      reapply: async (changes) => {
        reapplied.push(changes);
        return answers.shift() ?? 'done';
      },
    },
    maxStalenessMs: 10_000,
    retentionMs,
    clockLeewayMs: 500,
    now: Date.now,
    monotonicMs: () => clock.nowMs,
    observe,
  });
  return { feed, clock, reapplied, answers };
};

t.test('nothing is known before the whole window was read, and readiness waits for it', async (t) => {
  const { feed } = openFeed();
  feed.connected(true);
  feed.heard();
  t.equal(feed.ready, false);
  t.equal(feed.standing(sessionIdentity(), nowMs), 'unread');
  feed.caughtUp();
  await feed.whenReady;
  t.equal(feed.ready, true);
  t.equal(feed.standing(sessionIdentity(), nowMs), 'live');
});

t.test('a feed never read is worse than one gone silent: nothing revoked before is known', async (t) => {
  const { feed, clock } = openFeed();
  t.equal(feed.standing(sessionIdentity(), nowMs), 'unread');
  feed.heard();
  t.equal(feed.standing(sessionIdentity(), nowMs), 'unread', 'connected, but not yet at its end');
  feed.caughtUp();
  t.equal(feed.standing(sessionIdentity(), nowMs), 'live');
  clock.nowMs += 10_001;
  t.equal(feed.standing(sessionIdentity(), nowMs), 'unknown', 'what was read before still counts');
});

t.test('what was revoked is known to be, even while the feed is silent', async (t) => {
  const { feed, clock } = openFeed();
  feed.caughtUp();
  feed.changes([{ kind: 'token', tokenId: 'token-1', atMs: 1 }]);
  clock.nowMs += 11_000;
  t.equal(feed.standing(sessionIdentity(), nowMs), 'revoked');
  t.equal(feed.standing(sessionIdentity({ tokenId: 'token-2' }), nowMs), 'unknown');
  feed.heard();
  t.equal(feed.standing(sessionIdentity({ tokenId: 'token-2' }), nowMs), 'live');
});

t.test('a generation that has passed ends sessions and makes API tokens be read again', async (t) => {
  const { feed } = openFeed();
  feed.caughtUp();
  const session = sessionIdentity({ generation: { org: 2, user: 3 } });
  const apiToken = sessionIdentity({ authenticator: ownApiToken, generation: { org: 2, user: 3 } });
  const user = { kind: 'user', orgId: 'acme', userId: 'ada', atMs: 1 } as const;
  feed.changes([{ ...user, generation: 3 }]);
  t.equal(feed.standing(session, nowMs), 'live', 'the generation it was made in');
  feed.changes([{ ...user, generation: 4 }]);
  t.equal(feed.standing(session, nowMs), 'ended');
  t.equal(feed.standing(apiToken, nowMs), 'outdated');
  feed.changes([{ ...user, generation: 1 }]);
  t.equal(feed.standing(session, nowMs), 'ended', 'an old line told again lowers nothing');
  t.same(feed.generationOf('acme', 'ada'), { org: -1, user: 4 });
  feed.changes([{ kind: 'org', orgId: 'acme', generation: 3, atMs: 1 }]);
  t.equal(feed.standing(sessionIdentity({ user: { id: 'eve', name: '', roles: [] } }), nowMs), 'ended');
});

t.test('tokens of other issuers have no generation: those issued before the change end', async (t) => {
  const { feed } = openFeed();
  feed.caughtUp();
  const issued = (issuedAtMs: number) => sessionIdentity({ generation: undefined, issuedAtMs });
  feed.changes([{ kind: 'user', orgId: 'acme', userId: 'ada', generation: 1, atMs: 5_000 }]);
  t.equal(feed.standing(issued(5_000), nowMs), 'ended');
  t.equal(feed.standing(issued(5_001), nowMs), 'live');
  feed.changes([{ kind: 'org', orgId: 'acme', generation: 1, atMs: 6_000 }]);
  t.equal(feed.standing(issued(6_000), nowMs), 'ended');
  t.equal(feed.standing(issued(6_001), nowMs), 'live');
});

t.test(
  "another issuer's clock may be ahead: what it issued after all was revoked, or the account disabled, within the leeway ends",
  async (t) => {
    const user = { kind: 'user', orgId: 'acme', userId: 'ada', atMs: 5_000 } as const;
    const org = { kind: 'org', orgId: 'acme', atMs: 5_000 } as const;
    const lines: readonly (readonly [string, Change])[] = [
      ['all of the user revoked', { ...user, generation: 4, tokenGenerationMin: 4, state: 'active' }],
      ['all of the org revoked', { ...org, generation: 4, tokenGenerationMin: 4, state: 'active' }],
      ['the user disabled', { ...user, generation: 4, tokenGenerationMin: 1, state: 'disabled' }],
      ['the org disabled', { ...org, generation: 4, tokenGenerationMin: 1, state: 'disabled' }],
    ];
    for (const [sentence, line] of lines) {
      const { feed } = openFeed();
      feed.caughtUp();
      const issued = (issuedAtMs: number) => sessionIdentity({ generation: undefined, issuedAtMs });
      feed.changes([line]);
      t.equal(feed.standing(issued(5_500), nowMs), 'ended', sentence);
      t.equal(feed.standing(issued(5_501), nowMs), 'live', sentence);
      feed.changes([{ ...org, generation: 5, tokenGenerationMin: 4, state: 'active', atMs: 5_100 }]);
      t.equal(feed.standing(issued(5_500), nowMs), 'ended', `${sentence}, and then a role changed`);
    }
    const { feed } = openFeed();
    feed.caughtUp();
    feed.changes([{ ...org, generation: 5, tokenGenerationMin: 4, state: 'active' }]);
    const next = sessionIdentity({ generation: undefined, issuedAtMs: 5_001 });
    t.equal(feed.standing(next, nowMs), 'live', 'a change of roles alone refuses no new token');
  },
);

t.test('subscribers are called after the lines have taken effect, and not once they have left', async (t) => {
  const { feed } = openFeed();
  feed.caughtUp();
  const seen: string[] = [];
  const leave = feed.onChange((changes) =>
    seen.push(`${changes.length} ${feed.standing(sessionIdentity(), nowMs)}`),
  );
  feed.changes([
    { kind: 'session', sessionId: 'session-1', atMs: 1 },
    { kind: 'keys', atMs: 1 },
  ]);
  leave();
  feed.changes([{ kind: 'keys', atMs: 2 }]);
  t.same(seen, ['2 ended']);
});

t.test('a reset drops caches, keeps every tombstone, and gives them back to the store', async (t) => {
  const resets: string[] = [];
  const { feed, reapplied } = openFeed({ reset: (reason) => resets.push(reason) });
  let drops = 0;
  feed.onReset(() => (drops += 1));
  feed.caughtUp();
  const lines: readonly Change[] = [
    { kind: 'token', tokenId: 'token-1', atMs: 1 },
    { kind: 'session', sessionId: 'session-1', atMs: 2 },
    { kind: 'org', orgId: 'acme', generation: 3, tokenGenerationMin: 2, state: 'disabled', atMs: 3 },
    { kind: 'user', orgId: 'acme', userId: 'ada', generation: 4, atMs: 4 },
  ];
  feed.changes(lines);
  feed.reset('server_replaced');
  t.same([drops, resets], [1, ['server_replaced']]);
  t.same(reapplied, [lines]);
  t.equal(feed.standing(sessionIdentity(), nowMs), 'revoked');
  t.equal(
    feed.standing(sessionIdentity({ org: { id: 'other', name: '' }, tokenId: 'x', sessionId: 'y' }), nowMs),
    'unknown',
    'until the new server has told everything',
  );
  feed.caughtUp();
  t.equal(
    feed.standing(sessionIdentity({ org: { id: 'other', name: '' }, tokenId: 'x', sessionId: 'y' }), nowMs),
    'live',
  );
  t.match(feed.reading(), { resets: { server_replaced: 1, trimmed: 0 }, tombstones: 4 });
});

t.test('what could not be given back is tried again, at most once a second', async (t) => {
  const results: string[] = [];
  const { feed, clock, reapplied, answers } = openFeed({
    reapplied: (count, result) => results.push(`${count} ${result === 'done' ? result : result.reason}`),
  });
  feed.changes([{ kind: 'token', tokenId: 'token-1', atMs: 1 }]);
  answers.push(outage('store_unavailable'));
  feed.reset('trimmed');
  await Promise.resolve();
  feed.heard();
  t.equal(reapplied.length, 1, 'not at once');
  clock.nowMs += 1_000;
  feed.heard();
  await new Promise((resolve) => setImmediate(resolve));
  t.same(results, ['1 store_unavailable', '1 done']);
  clock.nowMs += 1_000;
  feed.heard();
  t.equal(reapplied.length, 2, 'given back once');
});

t.test('tombstones leave when nothing they end can still live, counted from when they came', async (t) => {
  const { feed, clock } = openFeed();
  feed.caughtUp();
  const farFuture = 9e12;
  feed.changes([
    { kind: 'token', tokenId: 'token-1', atMs: farFuture },
    { kind: 'session', sessionId: 'session-1', atMs: 0 },
    { kind: 'user', orgId: 'acme', userId: 'ada', generation: 9, atMs: 0 },
    { kind: 'org', orgId: 'other', generation: 9, atMs: 0 },
  ]);
  clock.nowMs += retentionMs;
  feed.changes([{ kind: 'org', orgId: 'acme', generation: 1, atMs: 0 }]);
  feed.heard();
  t.same(feed.reading().tombstoneCounts, {
    tokens: 1,
    secrets: 0,
    sessions: 1,
    users: 1,
    orgs: 2,
  });
  clock.nowMs += 60_000;
  feed.heard();
  t.same(feed.reading().tombstoneCounts, {
    tokens: 0,
    secrets: 0,
    sessions: 0,
    users: 0,
    orgs: 1,
  });
});

t.test('the gauges tell the feed as it is', async (t) => {
  const { feed, clock } = openFeed();
  t.match(feed.reading(), { connected: false, lastHeardAtMs: undefined, lastChangeAtMs: undefined });
  feed.connected(true);
  feed.caughtUp();
  clock.nowMs += 3_000;
  const { connected, lastHeardAtMs } = feed.reading();
  t.equal(connected, true);
  t.ok(Math.abs(Date.now() - 3_000 - (lastHeardAtMs ?? 0)) < 1_000);
  feed.changes([{ kind: 'keys', atMs: 1 }]);
  t.type(feed.reading().lastChangeAtMs, 'number');
  feed.connected(false);
  t.equal(feed.reading().connected, false);
});

t.test(
  'on a real store, a revocation lost with the file comes back from a replica that saw it',
  async (t: Test) => {
    const { backup, DatabaseSync } = await import('node:sqlite');
    const file = join(t.testdir(), 'tollgate.db');
    const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs });
    await store.open();
    t.teardown(() => store.close());
    const org = exampleOrg();
    const user = exampleUser(org.id);
    const [one, two] = [exampleToken(user), exampleToken(user)];
    await store.createOrg(org);
    await store.createUser(user);
    for (const { token, digest } of [one, two]) await store.createToken(token, digest);
    const before = new DatabaseSync(file);
    t.teardown(() => before.close());
    await backup(before, `${file}.backup`);
    const done = Promise.withResolvers<number>();
    const feed = new FeedState({
      store,
      maxStalenessMs: 10_000,
      retentionMs,
      clockLeewayMs: 0,
      now: Date.now,
      observe: { reapplied: (count) => done.resolve(count) },
    });
    const subscription = store.follow(feed);
    t.teardown(() => subscription.close());
    await feed.whenReady;
    await store.revokeToken(one.token.id, Date.now());
    const endedMs = Date.now();
    await store.revokeAll(org.id, user.id, endedMs);
    await store.changeUser(org.id, user.id, { state: 'disabled' }, endedMs);
    const old = new DatabaseSync(`${file}.backup`);
    t.teardown(() => old.close());
    await backup(old, file);
    const alive = setInterval(() => undefined, 1_000);
    t.equal(await done.promise, 2, 'a token and a user');
    clearInterval(alive);
    t.match(await store.findToken(one.token.id), { state: 'revoked' });
    t.match(await store.findUser(org.id, user.id), {
      generation: endedMs + 1,
      tokenGenerationMin: endedMs,
      state: 'disabled',
    });
  },
);

t.test('how long a revocation took is measured, of those alone that came after the start', async (t) => {
  const { feed } = openFeed();
  const line = (sessionId: string, ago: number): Change => ({
    kind: 'session',
    sessionId,
    atMs: Date.now() - ago,
  });
  feed.changes([line('of the window', 500_000)]);
  t.same(feed.reading().lag, { count: 0, lastMs: undefined, maxMs: undefined });
  feed.caughtUp();
  feed.changes([line('told again', 600_000), line('new', -50)]);
  t.match(feed.reading().lag, { count: 1, lastMs: 0, maxMs: 0 });
  feed.reset('trimmed');
  feed.changes([line('read again', 0)]);
  t.equal(feed.reading().lag.count, 1);
});
