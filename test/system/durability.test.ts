// What was answered is kept, though the process is killed the moment after: SQLite and Redis, real SIGKILLs.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import {
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  revoke,
  startGate,
} from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { cleanEnvironment, root, runTollgate, startProcess } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

const routes = [{ name: 'things', path: '/*', scopes: ['things:read'] }];

const makeDirectory = (t: Test): string => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const killed = async (gate: GateProcess): Promise<void> => {
  gate.child.kill('SIGKILL');
  await gate.ended;
};

/** Runs a command and kills it with SIGKILL as soon as it has printed a whole line. */
const runAndKill = async (settingsFile: string, args: readonly string[]): Promise<string> => {
  const running = await startProcess(
    process.execPath,
    [join(root, 'src/main.ts'), ...args, '--config', settingsFile],
    { env: cleanEnvironment() },
  );
  const printed = new Promise<void>((resolve) => running.child.stdout?.once('data', () => resolve()));
  await Promise.race([printed, running.ended]);
  running.child.kill('SIGKILL');
  await running.ended;
  return running.output();
};

const secretIn = (output: string): string => /\btg[0-9A-Za-z]{63}\b/.exec(output)?.[0] ?? '';

t.test(
  'SQLite: a token that was shown works after kill -9 of whoever made it, and of the gate',
  async (t) => {
    const directory = makeDirectory(t);
    const api = await startEchoApi(t);
    const settings = { upstream: api.url, routes };
    const first = await startGate(t, { directory, settings });
    await (await openOperator(t, first.settingsFile)).furnish();
    await first.whenReady();
    const made: string[] = [];
    for (let each = 0; each < 2; each += 1)
      made.push(secretIn(await runAndKill(first.settingsFile, ['token', 'create', 'acme/ada'])));
    for (const secret of made) {
      t.match(secret, /^tg/, 'it was shown');
      t.equal((await call(first, '/things', secret)).status, 200);
    }
    const accessToken = await exchange(first, made[0] ?? '');
    await killed(first);
    const second = await startGate(t, { directory, settings });
    await second.whenReady();
    for (const secret of made) t.equal((await call(second, '/things', secret)).status, 200);
    t.equal((await call(second, '/things', accessToken)).status, 200, 'the keys are the same, too');
  },
);

t.test('SQLite: what was revoked with 200 stays revoked after kill -9', async (t) => {
  const directory = makeDirectory(t);
  const api = await startEchoApi(t);
  const settings = { upstream: api.url, routes };
  let gate = await startGate(t, { directory, settings });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  await gate.whenReady();
  const restarted = async (): Promise<GateProcess> => {
    await killed(gate);
    gate = await startGate(t, { directory, settings });
    await gate.whenReady();
    return gate;
  };
  const [kept, parent, byCaller, byOperator] = await Promise.all([
    operator.token(),
    operator.token(),
    operator.token(),
    operator.token(),
  ]);
  const accessToken = await exchange(gate, parent.secret);
  for (const token of [byCaller.secret, accessToken]) {
    t.equal((await call(gate, '/things', token)).status, 200);
    t.equal((await revoke(gate, token)).status, 200);
  }
  await restarted();
  for (const token of [byCaller.secret, accessToken])
    t.equal((await call(gate, '/things', token)).status, 401);
  t.equal((await call(gate, '/things', parent.secret)).status, 200, 'only its session was ended');

  t.match(await runAndKill(gate.settingsFile, ['token', 'revoke', byOperator.id]), 'is revoked');
  await restarted();
  for (const token of [byCaller.secret, accessToken, byOperator.secret])
    t.equal((await call(gate, '/things', token)).status, 401);
  t.equal((await call(gate, '/things', kept.secret)).status, 200);
});

t.test(
  'Redis with appendfsync always: token and revocation outlive kill -9 of Redis and the gate',
  async (t) => {
    const directory = makeDirectory(t);
    const redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    t.teardown(() => redis.close());
    const api = await startEchoApi(t);
    const settings = {
      upstream: api.url,
      store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '1s' },
      keys: { encryptionKey },
      routes,
    };
    const first = await startGate(t, { directory, settings });
    await (await openOperator(t, first.settingsFile)).furnish();
    await first.whenReady();
    const create = async (): Promise<string> =>
      secretIn(await runTollgate(first.settingsFile, ['token', 'create', 'acme/ada']));
    const [created, doomed] = await Promise.all([create(), create()]);
    const accessToken = await exchange(first, created);
    t.equal((await call(first, '/things', doomed)).status, 200);
    t.equal((await revoke(first, doomed)).status, 200);
    await Promise.all([redis.kill(), killed(first)]);
    await redis.restart();
    const second = await startGate(t, { directory, settings });
    await second.whenReady();
    t.equal((await call(second, '/things', created)).status, 200);
    t.equal((await call(second, '/things', accessToken)).status, 200);
    t.equal((await call(second, '/things', doomed)).status, 401);
  },
);
