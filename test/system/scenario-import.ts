// Tokens of another system are taken over by the command line while both replicas run, and used without reissuing them.

import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { run, runProcess } from '../cli/run.ts';
import { call, exchange, post, revoke } from '../support/gate-process.ts';
import { becomes, bodyOf, type Replicas, statusOf } from '../support/replicas.ts';
import { expiryMsOf } from './scenario-commands.ts';

const sha256 = (secret: string): string => createHash('sha256').update(secret).digest('hex');
/** As another system makes them: with characters ours never have. */
const foreignSecret = (): string => `${randomBytes(24).toString('base64')}-_+/=`;

export const importThenUse = async (t: Test, { a, b, directory }: Replicas): Promise<void> => {
  const [hashed, clear, csv] = [foreignSecret(), foreignSecret(), foreignSecret()];
  t.equal(await statusOf(b, '/things', hashed), 401, 'not known yet, and remembered as unknown');
  const about = { org: 'acme', user: 'ann', scopes: ['things:read'] };
  const lines = [
    { ...about, name: 'hashed', expires: null, sha256: sha256(hashed) },
    { ...about, name: 'clear', expires: null, secret: clear },
    { ...about, user: 'bob', name: 'another', expires: null, sha256: sha256(foreignSecret()) },
  ].map((line) => JSON.stringify(line));
  const command = (file: string) => ['token', 'import', file, '--config', a.settingsFile];

  const cut = join(directory, 'cut.jsonl');
  writeFileSync(cut, `${lines[0]}\n${lines[1]?.slice(0, 40)}`);
  t.not((await run(command(cut))).code, 0, 'broken off in the middle');
  const whole = join(directory, 'whole.jsonl');
  writeFileSync(whole, `${lines.join('\n')}\n`);
  const ran = await runProcess(command(whole), { cwd: directory });
  t.equal(ran.code, 0, ran.stderr);
  t.match(ran.stdout, '3 read, 3 imported, 0 refused');
  t.notOk((ran.stdout + ran.stderr).includes(clear), 'secrets are not repeated');
  const table = join(directory, 'more.csv');
  writeFileSync(table, `org,user,name,scopes,expires,sha256\nacme,bob,csv,things:read,,${sha256(csv)}\n`);
  t.equal((await run(command(table))).code, 0);

  for (const secret of [hashed, clear, csv])
    for (const gate of [a, b]) {
      t.equal(await isUsable(() => statusOf(gate, '/things', secret)), 200);
      t.equal(await statusOf(gate, '/write/1', secret), 403, 'with its own scopes');
    }
  t.equal(await statusOf(b, '/things', await exchange(a, clear)), 200, 'exchanged as any other');

  t.equal((await revoke(a, hashed)).status, 200);
  await becomes(b, '/things', hashed, 401);
  t.equal((await run(command(whole))).code, 0, 'run again');
  t.equal(await statusOf(b, '/things', hashed), 401, 'revives nothing');
  t.equal(await statusOf(b, '/things', clear), 200, 'and doubles nothing');
};

/** What a gate remembers as unknown it asks for again in a few seconds. */
const isUsable = async (status: () => Promise<number>): Promise<number> => {
  for (const untilMs = Date.now() + 30_000; Date.now() < untilMs;) {
    if ((await status()) === 200) return 200;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return status();
};

export const importedExpires = async (t: Test, { a, b, directory }: Replicas): Promise<void> => {
  const secret = foreignSecret();
  const expiresMs = Date.now() + 3000;
  const expires = new Date(expiresMs).toISOString();
  const line = { org: 'acme', user: 'ann', name: 'brief', scopes: 'all', expires, sha256: sha256(secret) };
  const file = join(directory, 'brief.jsonl');
  writeFileSync(file, `${JSON.stringify(line)}\n`);
  t.equal((await run(['token', 'import', file, '--config', a.settingsFile])).code, 0);
  const first = await call(b, '/things', secret);
  t.ok(first.status === 200 || Date.now() >= expiresMs, 'good until then');
  const answer = await post(b, '/oauth2/token', { grant_type: 'refresh_token', refresh_token: secret });
  if (answer.status === 200) {
    const session = String(bodyOf(answer)['access_token']);
    t.ok(expiryMsOf(session) <= expiresMs, 'no session outlives it');
    await becomes(a, '/things', session, 401);
  }
  for (const gate of [a, b]) await becomes(gate, '/things', secret, 401);
  t.ok(Date.now() >= expiresMs);
  await t.rejects(exchange(b, secret));
};
