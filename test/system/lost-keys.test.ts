// The store loses everything, its signing keys too, while a gate that knows them goes on: it writes them back as soon as
// it notices, so a gate that starts later makes no key of its own and believes the sessions of the first.

import { Redis } from 'ioredis';
import t from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import {
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  startGate,
  until,
} from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

t.setTimeout(120_000);

const publishedKeys = async (gate: GateProcess): Promise<string[]> => {
  const { keys } = (await call(gate, '/.well-known/jwks.json')).json() as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
};

t.test('FLUSHALL: the signing key is written back before another gate makes a new one', async (t) => {
  const directory = makeDirectory(t);
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  const settings = {
    upstream: api.url,
    store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '1s' },
    keys: { encryptionKey },
    routes: [{ name: 'things', path: '/*', scopes: ['things:read'] }],
  };
  const first = await startGate(t, { directory, name: 'first', settings });
  await (await openOperator(t, first.settingsFile)).furnish();
  await first.whenReady();
  const keys = await publishedKeys(first);

  const client = new Redis({ path: redis.socketPath });
  t.teardown(() => client.disconnect());
  await client.flushall();
  // A reading of the keys by the clock alone comes once a minute.
  await until(async () => (await client.exists('tollgate:{0}:keys')) === 1, 20_000);

  const operator = await openOperator(t, first.settingsFile);
  await operator.furnish();
  const { secret } = await operator.token();
  await until(async () => (await call(first, '/things', secret)).status === 200);
  const session = await exchange(first, secret);
  const second = await startGate(t, { directory, name: 'second', settings });
  await second.whenReady();
  t.strictSame(await publishedKeys(second), keys, 'the same key as ever');
  t.equal((await call(second, '/things', session)).status, 200);
});
