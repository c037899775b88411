// `tollgate reminders`: what is due, as a table and for scripts, and sending it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { exampleOrg, exampleToken, exampleUser } from '../contract/examples.ts';
import { readMail, startMailServer } from '../support/mail-server.ts';
import { run } from './run.ts';

const dayMs = 86_400_000;

/** A store with a token that expires in two days, and one in two hundred; settings that send to a mail server. */
const furnished = async (t: Test, smtp?: Readonly<Record<string, unknown>>) => {
  const folder = t.testdir();
  const file = join(folder, 'tollgate.db');
  const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
  await store.open();
  t.teardown(() => store.close());
  const org = exampleOrg({ id: 'acme' });
  const user = exampleUser(org.id, { id: 'ann', email: 'ann@example.com' });
  await store.createOrg(org);
  await store.createUser(user);
  const nowMs = Date.now();
  const make = async (days: number, name: string) => {
    const over = { name, createdAtMs: nowMs - 100 * dayMs, expiresAtMs: nowMs + days * dayMs };
    const { token, digest } = exampleToken(user, over);
    await store.createToken(token, digest);
    return token;
  };
  const token = await make(2, 'soon');
  await make(200, 'later');
  const settings = join(folder, 'tollgate.yaml');
  writeFileSync(
    settings,
    JSON.stringify({ store: `sqlite:${file}`, reminders: { perMinute: 6_000, ...(smtp && { smtp }) } }),
  );
  return { store, token, tollgate: (...args: string[]) => run(['reminders', '--config', settings, ...args]) };
};

const smtpOn = (port: number) => ({
  host: '127.0.0.1',
  port,
  tls: 'opportunistic',
  from: 'tollgate@example.com',
  timeout: '1s',
});

t.test('what is due is listed, and listing it changes nothing', async (t) => {
  const { tollgate, token } = await furnished(t);
  for (const _ of ['once', 'again']) {
    const listed = await tollgate();
    t.match(listed, {
      code: 0,
      stdout: new RegExp(`^TOKEN .*\\n${token.id} +acme/ann +soon .* 3d +mail\\n$`),
    });
    t.match(listed.stderr, /Nobody sends them: reminders.enabled is false/);
  }
  const { stdout } = await tollgate('--json');
  t.match(JSON.parse(stdout), [
    {
      tokenId: token.id,
      org: 'acme',
      user: 'ann',
      name: 'soon',
      before: '3d',
      channels: ['mail'],
      lastUsedAt: null,
    },
  ]);
});

t.test('--send sends it, once', async (t) => {
  const mail = await startMailServer(t);
  const { tollgate, token } = await furnished(t, smtpOn(mail.port));
  t.match(await tollgate('--send'), { code: 0, stdout: `${token.id}  acme/ann  mail: sent\n`, stderr: '' });
  t.equal(readMail(mail.messages[0]!.data).headers.get('subject'), 'API token “soon” expires in 2 days');
  t.match(await tollgate('--send'), { code: 0, stdout: '', stderr: /No reminder is due/ });
  t.match(await tollgate('--send', '--json'), { code: 0, stdout: '[]\n' });
  t.match(await tollgate(), { code: 0, stdout: '', stderr: /No reminder is due/ });
  t.equal(mail.messages.length, 1);
});

t.test('what could not be sent is said, with the exit code', async (t) => {
  const mail = await startMailServer(t, { isBusy: true });
  const { tollgate, token } = await furnished(t, smtpOn(mail.port));
  const ran = await tollgate('--send', '--json');
  t.equal(ran.code, 1);
  t.match(JSON.parse(ran.stdout), [
    { tokenId: token.id, channel: 'mail', result: 'failed', why: 'EENVELOPE 451' },
  ]);
});

t.test('there is nothing to send by, or another process sends: each is said', async (t) => {
  const without = await furnished(t);
  t.match(await without.tollgate('--send'), {
    code: 2,
    stderr: /nothing to send by. Write reminders.smtp or/,
  });
  const mail = await startMailServer(t);
  const { store, tollgate } = await furnished(t, smtpOn(mail.port));
  await store.leaseReminders('a serving process', Date.now(), 60_000);
  t.match(await tollgate('--send'), { code: 1, stderr: /Another process is sending reminders/ });
  t.equal(mail.connections(), 0);
});
