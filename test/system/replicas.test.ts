// Two gates on one Redis: what is ordered on one is in force on the other.

import { mkdtempSync, rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import {
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  post,
  revoke,
  startGate,
  until,
} from '../support/gate-process.ts';
import { done, openOperator, type Operator } from '../support/operator.ts';
import { runTollgate } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

let [a, b] = [] as unknown as [GateProcess, GateProcess];
let operator: Operator;

t.before(async () => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  const settings = {
    upstream: api.url,
    store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '1s' },
    keys: { encryptionKey },
    routes: [
      { name: 'write', path: '/write', scopes: ['things:write'] },
      { name: 'things', path: '/*', scopes: ['things:read'] },
    ],
  };
  const start = (name: string): Promise<GateProcess> => startGate(t, { directory, name, settings });
  [a, b] = await Promise.all([start('a'), start('b')]);
  operator = await openOperator(t, a.settingsFile);
  await operator.furnish();
  await Promise.all([a.whenReady(), b.whenReady()]);
});

const statusOn = async (gate: GateProcess, path: string, token: string): Promise<number> =>
  (await call(gate, path, token)).status;

/** Both gates know the credential: from now on they answer from memory. */
const warm = async (t: Test, token: string): Promise<void> => {
  for (const gate of [a, b]) t.equal(await statusOn(gate, '/things', token), 200);
};

/** Waits until the other gate says so, too; and that it says nothing else on the way. */
const becomes = async (gate: GateProcess, path: string, token: string, wanted: number): Promise<void> => {
  const seen = new Set<number>();
  await until(async () => {
    const status = await statusOn(gate, path, token);
    if (status !== wanted) seen.add(status);
    return status === wanted;
  });
  for (const status of seen)
    if (status !== 200 && status !== 503) throw new Error(`${status} on the way to ${wanted}`);
};

t.test(
  'an API token revoked on one is refused on the other, with every access token made from it',
  async (t) => {
    const { secret } = await operator.token();
    const accessToken = await exchange(a, secret);
    await warm(t, secret);
    await warm(t, accessToken);
    t.equal((await revoke(a, secret)).status, 200);
    t.equal(await statusOn(a, '/things', secret), 401, 'at once where it was revoked');
    t.equal(await statusOn(a, '/things', accessToken), 401);
    await becomes(b, '/things', secret, 401);
    t.equal(await statusOn(b, '/things', accessToken), 401);
    const refused = await post(b, '/oauth2/token', { grant_type: 'refresh_token', refresh_token: secret });
    t.equal(refused.status, 400);
    t.match(refused.json(), { error: 'invalid_grant' });
  },
);

t.test('an access token revoked on one ends its own session on both, and no other', async (t) => {
  const { secret } = await operator.token();
  const [first, second] = [await exchange(a, secret), await exchange(b, secret)];
  await warm(t, first);
  await warm(t, second);
  t.equal((await revoke(b, first)).status, 200);
  t.equal(await statusOn(b, '/things', first), 401);
  await becomes(a, '/things', first, 401);
  await warm(t, second);
  await warm(t, secret);
});

t.test(
  'fewer roles narrow API tokens on both at once; access tokens made before die and are made anew',
  async (t) => {
    const { secret } = await operator.token({ user: 'bob' });
    const before = await exchange(a, secret);
    for (const gate of [a, b])
      for (const token of [secret, before]) t.equal(await statusOn(gate, '/write', token), 200);
    done(await operator.accounts.setRoles('acme', 'bob', ['reader']));
    for (const gate of [a, b]) {
      await becomes(gate, '/write', secret, 403);
      t.equal(await statusOn(gate, '/things', secret), 200, 'what the roles still grant goes on');
      t.equal(await statusOn(gate, '/things', before), 401, 'an access token carries scopes of the past');
      const after = await exchange(gate, secret);
      t.equal(await statusOn(gate, '/things', after), 200, 'the API token makes a new one');
      t.equal(await statusOn(gate, '/write', after), 403);
    }
    done(await operator.accounts.setRoles('acme', 'bob', ['reader', 'writer']));
    for (const gate of [a, b]) await becomes(gate, '/write', secret, 200);
  },
);

t.test('a role defined anew counts for all who hold it', async (t) => {
  const { secret } = await operator.token();
  for (const gate of [a, b]) t.equal(await statusOn(gate, '/write', secret), 200);
  done(await operator.accounts.defineRole('acme', 'writer', ['things:other']));
  for (const gate of [a, b]) await becomes(gate, '/write', secret, 403);
  done(await operator.accounts.defineRole('acme', 'writer', ['things:read', 'things:write']));
  for (const gate of [a, b]) await becomes(gate, '/write', secret, 200);
});

t.test('a disabled user is out on both, and back when enabled: API tokens only', async (t) => {
  const { secret } = await operator.token({ user: 'bob' });
  const session = await exchange(b, secret);
  await warm(t, secret);
  await warm(t, session);
  await runTollgate(a.settingsFile, ['user', 'disable', 'acme/bob']);
  for (const gate of [a, b]) {
    await becomes(gate, '/things', secret, 401);
    t.equal(await statusOn(gate, '/things', session), 401);
    const refused = await post(gate, '/oauth2/token', { grant_type: 'refresh_token', refresh_token: secret });
    t.equal(refused.status, 400);
  }
  await runTollgate(a.settingsFile, ['user', 'enable', 'acme/bob']);
  for (const gate of [a, b]) {
    await until(async () => (await statusOn(gate, '/things', secret)) === 200);
    t.equal(await statusOn(gate, '/things', session), 401, 'a session does not come back');
  }
});

t.test('revoking all of a user leaves nothing of theirs alive, and touches nobody else', async (t) => {
  const [mine, other] = [await operator.token({ user: 'bob' }), await operator.token()];
  const session = await exchange(a, mine.secret);
  for (const token of [mine.secret, other.secret, session]) await warm(t, token);
  await runTollgate(b.settingsFile, ['token', 'revoke-all', 'acme/bob']);
  for (const gate of [a, b]) {
    await becomes(gate, '/things', mine.secret, 401);
    t.equal(await statusOn(gate, '/things', session), 401);
    t.equal(await statusOn(gate, '/things', other.secret), 200);
  }
  const fresh = await operator.token({ user: 'bob' });
  await warm(t, fresh.secret);
});

t.test('an org disabled is out as a whole', async (t) => {
  const { secret } = await operator.token();
  await warm(t, secret);
  done(await operator.accounts.setOrgState('acme', 'disabled'));
  for (const gate of [a, b]) await becomes(gate, '/things', secret, 401);
  done(await operator.accounts.setOrgState('acme', 'active'));
  for (const gate of [a, b]) await until(async () => (await statusOn(gate, '/things', secret)) === 200);
});

t.test("how far its clock is from the store's is in the metrics", async (t) => {
  const isThere = /^tollgate_store_clock_offset_seconds -?[0-9.e-]+$/m;
  await until(async () => isThere.test(await a.metrics()));
  t.ok(Math.abs(await a.metric('tollgate_store_clock_offset_seconds')) < 5);
});

t.test('a key rotated by one is known to the other before it signs', async (t) => {
  const kidsOf = async (gate: GateProcess): Promise<string[]> => {
    const { keys } = (await call(gate, '/.well-known/jwks.json')).json() as { keys: { kid: string }[] };
    return keys.map(({ kid }) => kid).toSorted();
  };
  const before = await kidsOf(a);
  t.strictSame(await kidsOf(b), before, 'both publish the same keys');
  await runTollgate(a.settingsFile, ['key', 'rotate']);
  for (const gate of [a, b]) await until(async () => (await kidsOf(gate)).length === before.length + 1);
  t.strictSame(await kidsOf(a), await kidsOf(b));
  const { secret } = await operator.token();
  t.equal(await statusOn(b, '/things', await exchange(a, secret)), 200);
  t.equal(await statusOn(a, '/things', await exchange(b, secret)), 200);
});

t.test('a leaked key revoked: every session it signed is over on both, and API tokens go on', async (t) => {
  const { secret } = await operator.token();
  const kidOf = (token: string): string =>
    (JSON.parse(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString()) as { kid: string }).kid;
  const session = await exchange(a, secret);
  await warm(t, session);
  await warm(t, secret);
  const leaked = kidOf(session);
  await runTollgate(a.settingsFile, ['key', 'revoke', leaked]);
  for (const gate of [a, b]) {
    await until(async () => (await statusOn(gate, '/things', session)) === 401);
    const { text } = await call(gate, '/.well-known/jwks.json');
    t.notOk(text.includes(leaked), 'published no more');
    const renewed = await exchange(gate, secret);
    t.not(kidOf(renewed), leaked, 'another key signs');
    await warm(t, renewed);
    const echoed = (await call(gate, '/things', secret)).json() as { headers: Record<string, string> };
    t.not(kidOf(echoed.headers['x-identity']!), leaked, 'the API is told by the new key, at once');
  }
});
