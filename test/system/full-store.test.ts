// The store is full: Redis at maxmemory, the disk of SQLite. Look-ups go on, what cannot be written is 503, and all is well
// again by itself once there is room.

import { chmodSync } from 'node:fs';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { createPasswords } from '../../src/lifecycle/passwords.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { call, encryptionKey, type GateProcess, revoke, startGate, until } from '../support/gate-process.ts';
import { done, openOperator, type Operator } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { makeDirectory } from '../support/temporary-directory.ts';
import { mountSmallDisk } from './history/small-disk.ts';

t.setTimeout(120_000);

const password = 'correct horse battery staple';

const startScene = async (
  t: Test,
  store: unknown,
): Promise<{
  readonly gate: GateProcess;
  readonly operator: Operator;
  readonly makeToken: () => Promise<number>;
}> => {
  const api = await startEchoApi(t);
  const gate = await startGate(t, {
    directory: makeDirectory(t),
    settings: {
      upstream: api.url,
      store,
      keys: { encryptionKey },
      surfaces: { management: { enabled: true } },
      routes: [{ name: 'things', path: '/*', scopes: ['things:read'] }],
    },
  });
  const operator = await openOperator(t, gate.settingsFile);
  const { accounts } = operator;
  const roles = { reader: ['things:read', 'tollgate:tokens:own'] };
  done(await accounts.createOrg({ id: 'acme', name: 'Acme', roles, tokenLifetimeMsMax: undefined }));
  done(await accounts.createUser({ orgId: 'acme', id: 'ada', name: undefined, roles: ['reader'] }));
  const limit = createSignInLimit({ signInFailuresPerAccount: 0, signInFailuresPerAddress: 0 });
  const hashes = createPasswordHashes();
  const passwords = createPasswords({ store: operator.store, passwords: hashes, limit, now: Date.now });
  done(await passwords.setPassword('acme', 'ada', password));
  await gate.whenReady();
  const postJson = (path: string, body: unknown, credential?: string) =>
    call(gate, `/tollgate/v1${path}`, credential, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const signedIn = await postJson('/sessions', { org: 'acme', user: 'ada', password });
  t.equal(signedIn.status, 201);
  const { accessToken } = signedIn.json() as { accessToken: string };
  return {
    gate,
    operator,
    makeToken: async () => {
      const wanted = { name: 'nightly', scopes: ['things:read'], lifetime: 'P30D' };
      return (await postJson('/orgs/acme/users/ada/api-tokens', wanted, accessToken)).status;
    },
  };
};

const statusOf = async (gate: GateProcess, { secret }: { readonly secret: string }): Promise<number> =>
  (await call(gate, '/things', secret)).status;

t.test(
  'Redis at maxmemory: look-ups and revocations go on, new tokens are 503, until there is room',
  async (t) => {
    const redis = await startRedis(['--maxmemory-policy', 'noeviction']);
    t.teardown(() => redis.close());
    const server = new Redis({ path: redis.socketPath });
    t.teardown(() => server.disconnect());
    const url = `redis+unix:${redis.socketPath}`;
    const { gate, operator, makeToken } = await startScene(t, {
      url,
      readTimeout: '5s',
      writeTimeout: '10s',
    });
    const [live, doomed] = [await operator.token(), await operator.token()];
    t.equal(await statusOf(gate, doomed), 200);
    const auditLength = async (): Promise<number> => {
      const page = await operator.store.readAudit('acme', { limit: 100, cursor: undefined });
      return 'items' in page ? page.items.length : -1;
    };
    // The audit is written behind the answers: the sign-in of the scene is in it by now, or soon.
    await until(async () => (await auditLength()) > 0);
    const auditedBefore = await auditLength();

    await server.config('SET', 'maxmemory', '1');
    t.equal(await statusOf(gate, live), 200, 'a token it has not met is looked up');
    t.equal((await revoke(gate, doomed.secret)).status, 200, 'a revocation is taken');
    await until(async () => (await statusOf(gate, doomed)) === 401);
    t.equal(await makeToken(), 503, 'a new token is not');
    t.equal(await auditLength(), auditedBefore, 'no audit is written');
    t.ok((await gate.readiness()).ready, 'it serves, so it is ready');

    await server.config('SET', 'maxmemory', '0');
    await until(async () => (await makeToken()) === 201);
    await until(async () => (await auditLength()) > auditedBefore);
    t.equal(await statusOf(gate, doomed), 401);
  },
);

t.test('the disk of SQLite is full: look-ups go on, every write is 503, until there is room', async (t) => {
  const disk = await mountSmallDisk(t, makeDirectory(t));
  if (disk === undefined) return t.comment('only root may mount a small disk');
  chmodSync(disk.path, 0o700);
  const { gate, operator, makeToken } = await startScene(t, `sqlite:${disk.path}/tollgate.db`);
  const [live, doomed] = [await operator.token(), await operator.token()];
  t.equal(await statusOf(gate, doomed), 200);

  disk.fill();
  // What room is left in the files' last pages is used up first.
  await until(async () => (await makeToken()) === 503);
  t.equal(await statusOf(gate, live), 200, 'a token it has not met is looked up');
  t.equal((await revoke(gate, doomed.secret)).status, 503, 'a revocation that cannot be kept is not "done"');
  t.equal(await statusOf(gate, live), 200);
  t.ok((await gate.readiness()).ready, 'it serves, so it is ready');

  disk.free();
  await until(async () => (await revoke(gate, doomed.secret)).status === 200);
  t.equal(await statusOf(gate, doomed), 401);
  t.equal(await makeToken(), 201);
});
