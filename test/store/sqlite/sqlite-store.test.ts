// What is particular to the store on one file: the file itself, its locks, its faults, its retention.

import { setTimeout as delay } from 'node:timers/promises';
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import { isOutage } from '../../../src/decision/outcome.ts';
import { outageOf } from '../../../src/store/sqlite/fault.ts';
import { createSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { StoreOptions } from '../../../src/store/store-options.ts';
import { exampleEntry } from '../../contract/audit.ts';
import { exampleOrg, exampleToken, exampleUser } from '../../contract/examples.ts';
import { recordFeed } from '../../contract/recorded-feed.ts';
import { tokensOfUser } from '../../support/tokens-of-user.ts';

const open = async (t: Test, file: string, options: Partial<StoreOptions> = {}) => {
  const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000, ...options });
  await store.open();
  t.teardown(() => store.close());
  return store;
};

const furnish = async (t: Test, options: Partial<StoreOptions> = {}) => {
  const file = join(t.testdir(), 'tollgate.db');
  const store = await open(t, file, options);
  const org = exampleOrg();
  const user = exampleUser(org.id);
  const made = exampleToken(user);
  await store.createOrg(org);
  await store.createUser(user);
  await store.createToken(made.token, made.digest);
  return { file, store, org, user, made };
};

const problemOf = (answer: unknown): string =>
  isOutage(answer) && answer.cause instanceof Error ? answer.cause.message : `no outage: ${String(answer)}`;

t.test('the file and its companions are for their owner only', async (t) => {
  const { file } = await furnish(t);
  for (const name of [file, `${file}-wal`, `${file}-shm`]) t.equal(statSync(name).mode & 0o777, 0o600, name);
});

t.test('the file keeps a write-ahead log, so that readers never wait for a writer', async (t) => {
  const { file } = await furnish(t);
  const other = new DatabaseSync(file);
  t.teardown(() => other.close());
  t.match(other.prepare('PRAGMA journal_mode').get(), { journal_mode: 'wal' });
});

t.test('a file that cannot be used is refused at the start, and the message says what to do', async (t) => {
  const directory = t.testdir({
    text: 'not a database, but long enough to be looked at '.repeat(10),
    folder: {},
  });
  const refused = async (file: string, message: RegExp): Promise<void> => {
    const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 1_000 });
    await t.rejects(store.open(), { message });
  };
  await refused(
    join(directory, 'nowhere', 'x.db'),
    /nowhere\/x\.db is in a folder that does not exist; make the folder/,
  );
  await refused(join(directory, 'folder'), /is a folder; name a file/);
  await refused(join(directory, 'text'), /is not an SQLite database; name another file/);
  const foreign = join(directory, 'foreign.db');
  const other = new DatabaseSync(foreign);
  other.exec('CREATE TABLE theirs (a)');
  other.close();
  await refused(foreign, /is a database of another program; name another file/);
  const newer = join(directory, 'newer.db');
  const future = await open(t, newer);
  await future.close();
  const raised = new DatabaseSync(newer);
  raised.exec('PRAGMA user_version = 99');
  raised.close();
  await refused(newer, /newer version of Tollgate \(schema 99\)/);
});

t.test('opening an older file keeps what is in it', async (t) => {
  const { file, store, made } = await furnish(t);
  await store.close();
  const again = await open(t, file);
  t.match(await again.findApiToken(made.digest), { token: { id: made.token.id } });
});

t.test(
  'while another process holds the lock, reads go on, writes wait, and the process serves',
  async (t) => {
    const { file, store, made } = await furnish(t);
    const holder = new DatabaseSync(file);
    t.teardown(() => holder.close());
    holder.exec('BEGIN IMMEDIATE');
    const revoked = store.revokeToken(made.token.id, Date.now());
    t.match(await store.findApiToken(made.digest), { token: { state: 'active' } });
    let turns = 0;
    while (turns < 20) {
      await delay(1);
      turns += 1;
    }
    holder.exec('COMMIT');
    t.equal(await revoked, 'revoked');
  },
);

t.test('a lock that is never given back is an outage, not a hang', async (t) => {
  const { file, store, made } = await furnish(t);
  const holder = new DatabaseSync(file);
  t.teardown(() => holder.close());
  holder.exec('BEGIN IMMEDIATE');
  t.match(problemOf(await store.revokeToken(made.token.id, Date.now())), /is locked by another process/);
  holder.exec('ROLLBACK');
  t.match(await store.findToken(made.token.id), { state: 'active' }, 'nothing was half done');
  t.equal(await store.revokeToken(made.token.id, Date.now()), 'revoked');
});

t.test('a damaged file is an outage that says so, and the process lives', async (t) => {
  const { file, store, user } = await furnish(t);
  for (let number = 0; number < 200; number++) {
    const { token, digest } = exampleToken(user);
    await store.createToken(token, digest);
  }
  await store.close();
  const reader = new DatabaseSync(file);
  const roots = reader.prepare('SELECT rootpage FROM sqlite_schema WHERE rootpage > 0').all();
  reader.close();
  const descriptor = openSync(file, 'r+');
  for (const { rootpage } of roots)
    writeSync(descriptor, Buffer.alloc(4_096, 0xa5), 0, 4_096, (Number(rootpage) - 1) * 4_096);
  closeSync(descriptor);
  const again = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 1_000 });
  t.teardown(() => again.close());
  await again.open();
  const { digest } = exampleToken(user);
  t.match(
    problemOf(await again.findApiToken(digest)),
    /is damaged; stop every process that uses it and restore/,
  );
  t.match(problemOf(await again.endSession('x', 1)), /is damaged/);
});

t.test('no process prunes what another one needs: the longest retention ever asked for counts', async (t) => {
  const hourMs = 3_600_000;
  const { file, store } = await furnish(t, { retentionMs: 12 * hourMs });
  const nowMs = Date.now();
  await store.endSession('over', nowMs - 13 * hourMs);
  await store.endSession('needed', nowMs - 11 * hourMs);
  await store.close();
  const hasty = await open(t, file, { retentionMs: hourMs });
  await hasty.endSession('next', nowMs);
  const told = recordFeed();
  const subscription = hasty.follow(told);
  t.teardown(() => subscription.close());
  await told.until(() => told.events.includes('caughtUp'));
  t.match(told.lines, [
    { kind: 'session', sessionId: 'needed' },
    { kind: 'session', sessionId: 'next' },
  ]);
});

t.test('values no version of this program writes are damage too, never believed', async (t) => {
  const { file, store, org, user, made } = await furnish(t);
  const vandal = new DatabaseSync(file);
  t.teardown(() => vandal.close());
  vandal.exec(`UPDATE users SET roles = '{"not":"a list"}'; UPDATE orgs SET roles = 'not JSON'`);
  t.match(problemOf(await store.findUser(org.id, user.id)), /is damaged \(the user .*: roles holds/);
  t.match(problemOf(await store.findApiToken(made.digest)), /is damaged \(the user .*: roles holds/);
  t.match(problemOf(await store.findOrg(org.id)), /is damaged \(the org .*: roles holds/);
});

t.test('not even another program can set a revoked token active again', async (t) => {
  const { file, store, made } = await furnish(t);
  await store.revokeToken(made.token.id, 1);
  const vandal = new DatabaseSync(file);
  t.teardown(() => vandal.close());
  t.throws(() => vandal.exec("UPDATE tokens SET state = 'active'"), /a revoked token stays revoked/);
});

t.test('a full disk is an outage that says so', async (t) => {
  const file = join(t.testdir(), 'full.db');
  const full = new DatabaseSync(file);
  t.teardown(() => full.close());
  full.exec('CREATE TABLE t (a); PRAGMA max_page_count = 4');
  const fill = (): void => {
    for (let number = 0; number < 100; number++)
      full.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(4_000));
  };
  try {
    fill();
    t.fail('not full');
  } catch (error) {
    t.match(problemOf(outageOf(file, error)), /cannot grow: the disk is full/);
  }
});

t.test('an error that is a bug is thrown on, not dressed as an outage', async (t) => {
  t.throws(() => outageOf('x.db', new TypeError('a bug')), /a bug/);
});

t.test('a file that lost its name is not written to: what it took would be lost', async (t) => {
  const { file, store, made } = await furnish(t);
  const aside = `${file}.aside`;
  renameSync(file, aside);
  const moved = /was moved, deleted or replaced while in use; stop every process/;
  t.match(problemOf(await store.revokeToken(made.token.id, 1)), moved);
  copyFileSync(aside, file);
  t.match(problemOf(await store.revokeToken(made.token.id, 1)), moved, 'another file of its name is not it');
  rmSync(file);
  renameSync(aside, file);
  t.equal(await store.revokeToken(made.token.id, 1), 'revoked', 'back in place, it goes on');
});

t.test('a follower says so when the file lost its name, and goes on when it is back', async (t) => {
  const { file, store, made } = await furnish(t);
  const told = recordFeed();
  const subscription = store.follow(told);
  t.teardown(() => subscription.close());
  await told.until(() => told.events.includes('caughtUp'));
  renameSync(file, `${file}.aside`);
  await told.until(() => told.events.includes('disconnected'));
  writeFileSync(file, '');
  rmSync(file);
  renameSync(`${file}.aside`, file);
  await store.revokeToken(made.token.id, 1);
  await told.until(() => told.lines.length === 1);
  t.ok(told.events.indexOf('connected', 1) > told.events.indexOf('disconnected'));
  t.notOk(
    told.events.some((event) => event.startsWith('reset')),
    'nothing was missed, so nothing is dropped',
  );
});

t.test('a backup restored into the file resets the feed, and is told from its beginning', async (t) => {
  const { file, store, org, user, made } = await furnish(t);
  await store.changeUser(org.id, user.id, { roles: ['admin'] }, Date.now());
  const source = new DatabaseSync(file);
  t.teardown(() => source.close());
  await backup(source, `${file}.backup`);
  const told = recordFeed();
  const subscription = store.follow(told);
  t.teardown(() => subscription.close());
  await store.revokeToken(made.token.id, Date.now());
  await told.until(() => told.lines.length === 2);
  const saved = new DatabaseSync(`${file}.backup`);
  t.teardown(() => saved.close());
  await backup(saved, file);
  await told.until(() => told.events.includes('reset:server_replaced') && told.events.at(-1) === 'caughtUp');
  t.same(
    told.lines.map(({ kind }) => kind),
    ['user', 'token', 'user'],
  );
  t.match(await store.findToken(made.token.id), { state: 'active' }, 'the backup knows no revocation');
  t.equal(await store.reapply(told.lines), 'done');
  t.match(
    await store.findToken(made.token.id),
    { state: 'revoked' },
    'the replica that saw it gives it back',
  );
});

t.test('lines are kept for the retention window, and a follower that slept longer is reset', async (t) => {
  const nowMs = Date.now();
  const { file, store, org, user, made } = await furnish(t, { pollMs: 3_600_000 });
  const told = recordFeed();
  const subscription = store.follow(told);
  t.teardown(() => subscription.close());
  t.same(told.events, ['connected', 'caughtUp']);
  const other = await open(t, file);
  await other.endSession('missed', nowMs);
  const later = await open(t, file, { now: () => nowMs + 2 * 3_600_000 });
  await later.endSession('kept', nowMs + 2 * 3_600_000);
  await store.changeUser(org.id, user.id, { state: 'disabled' }, nowMs + 2 * 3_600_000);
  t.same(told.events, ['connected', 'caughtUp', 'reset:trimmed', 'caughtUp']);
  t.same(
    told.lines.map(({ kind }) => kind),
    ['session', 'user'],
  );
  t.match(told.lines[0], { sessionId: 'kept' });
  t.match(await store.findApiToken(made.digest), { token: { state: 'active' } }, 'records are not lines');
});

t.test('records long expired or revoked are let go of; all others are kept', async (t) => {
  const nowMs = Date.now();
  const dayMs = 24 * 3_600_000;
  const { file, store, user, made } = await furnish(t);
  const expired = exampleToken(user, { expiresAtMs: nowMs });
  const revoked = exampleToken(user);
  const lasting = exampleToken(user, { expiresAtMs: nowMs + 90 * dayMs });
  for (const { token, digest } of [expired, revoked, lasting]) await store.createToken(token, digest);
  await store.revokeToken(revoked.token.id, nowMs);
  const left = async (days: number): Promise<number> => {
    const later = await open(t, file, { now: () => nowMs + days * dayMs });
    await later.endSession(`day ${days}`, nowMs);
    const tokens = await tokensOfUser(later, user.orgId, user.id);
    return isOutage(tokens) ? -1 : tokens.length;
  };
  t.equal(await left(29), 4);
  t.equal(await left(31), 2);
  t.match(await store.findToken(lasting.token.id), { state: 'active' });
  t.match(await store.findToken(made.token.id), { state: 'active' });
});

t.test('a feed of many lines is told whole, in order, in pieces', async (t) => {
  const { file, store } = await furnish(t);
  const writer = new DatabaseSync(file);
  t.teardown(() => writer.close());
  writer.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3500)
    INSERT INTO changes (kind, org_id, subject, at_ms) SELECT 'session', '', 's' || i, 1 FROM n`);
  const told = recordFeed();
  const pieces: number[] = [];
  const subscription = store.follow({
    ...told,
    changes: (changes) => {
      pieces.push(changes.length);
      told.changes(changes);
    },
  });
  t.teardown(() => subscription.close());
  await told.until(() => told.events.includes('caughtUp'));
  t.same(pieces, [1_000, 1_000, 1_000, 500]);
  t.match(told.lines.at(-1), { sessionId: 's3500' });
});

t.test('a file of the first version is brought up to date and loses nothing', async (t) => {
  const file = join(t.testdir(), 'tollgate.db');
  const old = new DatabaseSync(file);
  old.exec(readFileSync(join(import.meta.dirname, 'schema-1.sql'), 'utf8'));
  old.close();
  const store = await open(t, file);
  const told = recordFeed();
  const subscription = store.follow(told);
  t.teardown(() => subscription.close());
  const found = await store.findApiToken('ab'.repeat(32));
  t.match(found, {
    secretNumber: 0,
    token: { name: 'ci', scopes: ['things:read'], secretNumber: 0, openid: false, labels: [] },
    user: { id: 'ann', roles: ['reader'] },
  });
  t.match(await store.findToken('00000000-0000-4000-8000-000000000002'), {
    state: 'revoked',
    revokedAtMs: 7,
  });
  t.match(await store.findUser('acme', 'ann'), { passwordHash: undefined, generation: 4 });
  t.match(await store.findOrg('acme'), { roles: { reader: ['things:read'] } });
  await told.until(() => told.events.includes('caughtUp'));
  t.same(told.lines, [
    { kind: 'token', tokenId: '00000000-0000-4000-8000-000000000002', atMs: 7 },
    {
      kind: 'user',
      orgId: 'acme',
      userId: 'ann',
      generation: 4,
      tokenGenerationMin: 0,
      state: 'active',
      atMs: 8,
    },
  ]);
  await store.endSession('s1', Date.now());
  await told.until(() => told.lines.length === 3);
  t.same(told.events, ['connected', 'caughtUp'], 'the numbering of the feed goes on');
  t.equal(Number(new DatabaseSync(file).prepare('SELECT max(seq) AS seq FROM changes').get()?.['seq']), 43);
});

t.test('the audit of an earlier version is given to the logs of its orgs', async (t) => {
  const file = join(t.testdir(), 'tollgate.db');
  const old = new DatabaseSync(file);
  old.exec(readFileSync(join(import.meta.dirname, 'schema-2.sql'), 'utf8'));
  const nobody = { org: undefined, user: undefined, tokenId: undefined };
  const acme = { ...nobody, org: 'acme' };
  const entries = [
    exampleEntry({ actor: acme, subject: acme, atMs: 1 }),
    exampleEntry({ actor: { ...nobody, org: 'other' }, subject: acme, atMs: 2 }),
    exampleEntry({ actor: nobody, subject: acme, clientAddress: 'cli', atMs: 3 }),
    exampleEntry({ actor: acme, subject: acme, result: 'refused', reason: 'scope_missing', atMs: 4 }),
  ];
  for (const entry of entries)
    old
      .prepare('INSERT INTO audit (id, actor_org, subject_org, entry) VALUES (?, ?, ?, ?)')
      .run(entry.id, entry.actor.org ?? null, entry.subject.org ?? null, JSON.stringify(entry));
  old.close();
  const again = await open(t, file);
  const newest = { limit: 10, cursor: undefined };
  t.same(await again.readAudit(undefined, newest), { items: entries.toReversed(), nextCursor: undefined });
  // An org is shown nothing of another.
  const seenByAcme = entries.map((entry) =>
    entry.actor.org === 'other' ? { ...entry, actor: nobody } : entry,
  );
  t.same(await again.readAudit('acme', newest), { items: seenByAcme.toReversed(), nextCursor: undefined });
  t.match(await again.readAudit('other', newest), { items: { length: 1 } });
});
