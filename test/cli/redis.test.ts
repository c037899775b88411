// The command line on a real Redis: the same commands, the same answers, and 69 once it is gone.

import { execFileSync } from 'node:child_process';
import { t } from 'tap';
import { startRedis } from '../support/redis.ts';
import { run, runJson } from './run.ts';

t.test('orgs, users, tokens and keys on Redis', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const env = {
    TOLLGATE_STORE: `redis+unix:${redis.socketPath}`,
    TOLLGATE_KEYS_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64'),
  };
  t.match(await runJson(['org', 'create', 'acme', '--role', 'reader=things:read'], { env }), { id: 'acme' });
  t.match(await run(['org', 'create', 'acme'], { env }), { code: 1, stderr: /exists already/ });
  t.match(await runJson(['user', 'create', 'acme/ann', '--role', 'reader'], { env }), { roles: ['reader'] });
  const made = (await runJson(['token', 'create', 'acme/ann', '--name', 'ci'], { env })) as Record<
    string,
    string
  >;
  t.match(made['secret'], /^tg[0-9A-Za-z]{63}$/);
  t.match(await runJson(['token', 'revoke', made['id']!], { env }), { result: 'revoked' });
  t.match(await runJson(['token', 'list', 'acme/ann'], { env }), [{ id: made['id'], state: 'revoked' }]);
  t.match(await runJson(['key', 'rotate'], { env }), { algorithm: 'ES256' });
  const [leaked] = (await runJson(['key', 'list'], { env })) as { kid: string }[];
  const ended = await run(['key', 'revoke', leaked!.kid], { env });
  t.match(ended, {
    code: 0,
    stdout: /state +revoked\nsigns now +/,
    stderr: /at once \(milliseconds\)[^]*exchanged again[^]*jwks\.json[^]*tollgate audit/,
  });
  t.match(await runJson(['key', 'revoke', leaked!.kid], { env }), { state: 'revoked', replacedBy: null });
  t.match(await runJson(['key', 'list'], { env }), [
    { kid: leaked!.kid, state: 'revoked' },
    { state: 'signing' },
  ]);
  t.match(await run(['key', 'revoke', 'nobody'], { env }), { code: 1, stderr: /tollgate key list/ });
  execFileSync('redis-cli', ['-s', redis.socketPath, 'config', 'set', 'maxmemory', '1']);
  t.match(await run(['org', 'create', 'more'], { env }), {
    code: 69,
    stderr: /^tollgate: The store is full: OOM.*[^.]\. Free space, then repeat/,
  });
  await redis.kill();
  t.match(await run(['org', 'list'], { env }), {
    code: 69,
    stdout: '',
    stderr: /^tollgate: The store does not answer/,
  });
});
