// Redis is emptied, and an older backup (RDB) is put back: tokens of the backup work again, what the replicas saw revoked
// stays revoked, and a token that the backup does not have can still be ended by its id.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import t from 'tap';
import { run } from '../cli/run.ts';
import { startEchoApi } from '../support/echo-api.ts';
import {
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  revoke,
  startGate,
  until,
} from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

t.setTimeout(120_000);

t.test('Redis emptied, then restored from an older backup: tokens are back, revocations stay', async (t) => {
  const directory = makeDirectory(t);
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  const start = (name: string): Promise<GateProcess> =>
    startGate(t, {
      directory,
      name,
      settings: {
        upstream: api.url,
        store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '5s', writeTimeout: '10s' },
        keys: { encryptionKey },
        routes: [{ name: 'things', path: '/*', scopes: ['things:read'] }],
      },
    });
  const gates = await Promise.all([start('a'), start('b')]);
  const [a] = gates as [GateProcess, GateProcess];
  const operator = await openOperator(t, a.settingsFile);
  await operator.furnish();
  await Promise.all(gates.map((gate) => gate.whenReady()));
  const isAnswered = async (status: number, credential: string): Promise<void> => {
    for (const gate of gates)
      await until(async () => (await call(gate, '/things', credential)).status === status, 30_000);
  };
  const server = new Redis({ path: redis.socketPath, retryStrategy: () => 50 });
  server.on('error', () => undefined);
  t.teardown(() => server.disconnect());

  const [kept, revoked] = [await operator.token(), await operator.token()];
  await isAnswered(200, kept.secret);
  await isAnswered(200, revoked.secret);
  // A sign of life of the signing keys: they are in the backup.
  await exchange(a, kept.secret);
  await server.save();
  const dump = join(redis.directory, 'dump.rdb');
  copyFileSync(dump, join(directory, 'backup.rdb'));

  const later = await operator.token();
  const session = await exchange(a, later.secret);
  await isAnswered(200, session);
  t.equal((await revoke(a, revoked.secret)).status, 200);
  await isAnswered(401, revoked.secret);

  await server.flushall();
  await isAnswered(401, kept.secret);
  t.pass('an empty store knows nobody: 401 for every API token');

  await redis.kill();
  copyFileSync(join(directory, 'backup.rdb'), dump);
  await redis.restart();
  await isAnswered(200, kept.secret);
  t.pass('tokens of the backup work again, without a restart of the gates');
  await isAnswered(401, revoked.secret);
  await operator.whenStoreAnswers();
  await until(async () => {
    const record = await operator.store.findToken(revoked.id);
    return record !== undefined && 'state' in record && record.state === 'revoked';
  });
  t.pass('what the replicas saw revoked is written back into the restored store');

  await isAnswered(401, later.secret);
  t.equal((await revoke(a, later.secret)).status, 400, 'a lost token is not revoked by its secret alone');
  await isAnswered(200, session);
  const command = await run(['token', 'revoke', later.id, '--config', a.settingsFile]);
  t.match(command, { code: 1, stderr: /is no API token.*Sessions made from it.*have been ended/ });
  await isAnswered(401, session);
});
