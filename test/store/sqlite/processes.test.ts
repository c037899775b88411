// One file, several processes, and what is left when one of them is killed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { createSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { exampleOrg, exampleToken, exampleUser } from '../../contract/examples.ts';
import { recordFeed } from '../../contract/recorded-feed.ts';
import { tokensOfUser } from '../../support/tokens-of-user.ts';

const furnish = async (t: Test) => {
  const file = join(t.testdir(), 'tollgate.db');
  const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
  await store.open();
  t.teardown(() => store.close());
  const org = exampleOrg();
  const user = exampleUser(org.id);
  await store.createOrg(org);
  await store.createUser(user);
  const start = (...order: string[]) => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'writer-process.ts'), file, org.id, user.id, ...order],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env['PATH'] } },
    );
    t.teardown(() => void child.kill('SIGKILL'));
    return { child, lines: createInterface({ input: child.stdout }), exited: once(child, 'exit') };
  };
  return { store, file, org, user, start };
};

t.test('every token a process acknowledged is there after it was killed', async (t) => {
  const { store, file, user, start } = await furnish(t);
  const { child, lines, exited } = start('create', '1000000');
  const acknowledged: string[] = [];
  for await (const line of lines) {
    if (line === 'open') continue;
    acknowledged.push(line);
    if (acknowledged.length === 40) child.kill('SIGKILL');
  }
  t.same(await exited, [null, 'SIGKILL']);
  t.ok(acknowledged.length >= 40, `${acknowledged.length} acknowledged`);
  const reopened = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
  await reopened.open();
  t.teardown(() => reopened.close());
  for (const line of acknowledged) {
    const [id, digest] = line.split(' ') as [string, string];
    for (const reader of [store, reopened]) {
      const found = await reader.findApiToken(digest);
      if (found === undefined || !('token' in found) || found.token.id !== id) t.fail(`lost ${id}`);
    }
  }
  const after = exampleToken(user);
  t.equal(await reopened.createToken(after.token, after.digest), 'created', 'and the file is whole');
});

t.test('processes that write at once wait for each other, and none is refused', async (t) => {
  const { store, user, org, start } = await furnish(t);
  const writers = [start('create', '30'), start('create', '30')];
  const own = Array.from({ length: 30 }, () => exampleToken(user));
  await Promise.all(writers.map(({ lines }) => once(lines, 'line')));
  for (const { token, digest } of own) t.equal(await store.createToken(token, digest), 'created');
  for (const { exited } of writers) t.same(await exited, [0, null]);
  t.match(await tokensOfUser(store, org.id, user.id), { length: 90 });
});

t.test('a revocation in one process is told to the others', async (t) => {
  const { store, user, start } = await furnish(t);
  const made = Array.from({ length: 20 }, () => exampleToken(user));
  for (const { token, digest } of made) await store.createToken(token, digest);
  const told = recordFeed();
  const subscription = store.follow(told);
  t.teardown(() => subscription.close());
  const { exited } = start('revoke', ...made.map(({ token }) => token.id));
  await told.until(() => told.lines.length === made.length);
  t.same(
    told.lines.map((line) => line.kind === 'token' && line.tokenId),
    made.map(({ token }) => token.id),
  );
  t.same(await exited, [0, null]);
});
