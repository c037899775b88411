// Reminders of real processes: two replicas send each once, on Redis and on one SQLite file; and one that is killed between
// sending and writing it down is followed by another that sends it again, once.

import { mkdtempSync, rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { TokenStore } from '../../src/store/token-store.ts';
import { exampleOrg, exampleToken, exampleUser } from '../contract/examples.ts';
import { encryptionKey, type GateProcess, startGate, until } from '../support/gate-process.ts';
import { startMailServer } from '../support/mail-server.ts';
import { openOperator } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { startWebhookReceiver, webhookSecret } from '../support/webhook-receiver.ts';

t.setTimeout(300_000);

const dayMs = 86_400_000;
const kinds = ['sqlite', 'redis'] as const;

const placeOf = async (t: Test, kind: (typeof kinds)[number], directory: string) => {
  if (kind === 'sqlite') return { url: `sqlite:${directory}/tollgate.db` };
  const redis = await startRedis();
  t.teardown(() => redis.close());
  return { url: `redis+unix:${redis.socketPath}`, readTimeout: '5s', writeTimeout: '10s' };
};

const openPlace = async (
  t: Test,
  kind: (typeof kinds)[number],
  reminders: Readonly<Record<string, unknown>>,
) => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const settings = {
    store: await placeOf(t, kind, directory),
    keys: { encryptionKey },
    reminders: { enabled: true, interval: '1s', perMinute: 6_000, ...reminders },
  };
  return { start: (name: string) => startGate(t, { directory, name, settings }) };
};

/** Makes tokens that expire in half a day, and were made ten days ago. */
const makeTokens = async (store: TokenStore, count: number): Promise<readonly string[]> => {
  const nowMs = Date.now();
  const org = exampleOrg();
  const user = exampleUser(org.id, { email: 'ann@example.com' });
  await store.createOrg(org);
  await store.createUser(user);
  const made = Array.from({ length: count }, () =>
    exampleToken(user, { createdAtMs: nowMs - 10 * dayMs, expiresAtMs: nowMs + dayMs / 2 }),
  );
  for (const { token, digest } of made) t.equal(await store.createToken(token, digest), 'created');
  return made.map(({ token }) => `reminder_${token.id}_86400`);
};

for (const kind of kinds)
  t.test(`on ${kind} two replicas send each reminder once, and say so`, async (t) => {
    const [mail, hook] = [await startMailServer(t), await startWebhookReceiver(t)];
    const place = await openPlace(t, kind, {
      smtp: { host: '127.0.0.1', port: mail.port, tls: 'opportunistic', from: 'tollgate@example.com' },
      webhook: { url: hook.url, secret: webhookSecret },
    });
    const gates = [await place.start('a'), await place.start('b')];
    const { store } = await openOperator(t, gates[0]!.settingsFile);
    const first = await makeTokens(store, 20);
    await Promise.all([hook.received(20), mail.received(20)]);
    // By the time these come, the rounds after those have looked at the first again.
    const second = await makeTokens(store, 3);
    await Promise.all([hook.received(23), mail.received(23)]);
    t.same(hook.hooks.map(({ id }) => id).sort(), [...first, ...second].sort());
    t.ok(hook.hooks.every(({ isSigned }) => isSigned));
    t.equal(mail.messages.length, 23);
    const counted = async (channel: string): Promise<number> => {
      const counts = gates.map((gate) =>
        gate.metric('tollgate_reminders_total', { channel, result: 'sent' }),
      );
      return (await Promise.all(counts)).reduce((sum, each) => sum + each, 0);
    };
    for (const channel of ['mail', 'webhook']) await until(async () => (await counted(channel)) === 23);
    const linesOf = (gate: GateProcess): number =>
      gate.lines().filter(({ msg }) => msg === 'a reminder was sent').length;
    await until(() => gates.reduce((sum, gate) => sum + linesOf(gate), 0) === 46);
    const log = gates.map((gate) => gate.output()).join('\n');
    t.notMatch(log, /ann@example\.com/, 'no address is in the log');
    t.notMatch(log, webhookSecret);
  });

for (const kind of kinds)
  t.test(`on ${kind} a reminder survives kill -9 between sending and its record`, async (t) => {
    const unanswered = 1;
    const hook = await startWebhookReceiver(t, (nth) => (nth === unanswered ? undefined : 204));
    const place = await openPlace(t, kind, {
      webhook: { url: hook.url, secret: webhookSecret, timeout: '2s' },
    });
    const doomed = await place.start('doomed');
    const { store } = await openOperator(t, doomed.settingsFile);
    const [id] = await makeTokens(store, 1);
    await hook.received(1);
    doomed.child.kill('SIGKILL');
    await doomed.ended;
    const heir = await place.start('heir');
    await hook.received(2);
    t.same(
      hook.hooks.map((each) => each.id),
      [id, id],
      'sent again, with the same id, so that the receiver knows it',
    );
    const { isRepeat } = await heir.logged(({ msg }) => msg === 'a reminder was sent');
    t.equal(isRepeat, true, 'and the log says that it may be the second one');
    await makeTokens(store, 1);
    await hook.received(3);
    t.equal(hook.hooks.filter((each) => each.id === id).length, 2, 'but not a third time');
  });
