// Reminders reach a real SMTP server and a real receiver of webhooks, once each, and only where they should.

import t from 'tap';
import { exampleUser, startMs } from '../contract/examples.ts';
import { nextDigest } from '../contract/new-secrets.ts';
import { sure } from '../contract/places.ts';
import { readMail, startMailServer } from '../support/mail-server.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { dayMs, openWorld, resultsOf, smtpOn, webhookOn } from './world.ts';

t.setTimeout(120_000);

t.test('each threshold is sent once, by mail and by webhook', async (t) => {
  const world = await openWorld(t);
  const [mail, hook] = [await startMailServer(t), await startWebhookReceiver(t)];
  const ways = {
    smtp: smtpOn(mail.port),
    webhook: webhookOn(hook.url),
    consoleUrl: 'https://a.example/console',
  };
  const token = await world.make(14);
  await world.make(15);
  t.match(await world.round(ways), { end: 'done' });
  t.match(await world.round(ways), { end: 'done', reports: [] }, 'the next round finds nothing');
  t.equal(mail.messages.length, 1);
  const [received] = mail.messages;
  t.match(received, { from: 'tollgate@example.com', to: ['ann@example.com'] });
  const { headers, parts } = readMail(received!.data);
  t.equal(headers.get('subject'), 'API token “ci” expires in 14 days');
  t.equal(headers.get('from'), 'Tollgate <tollgate@example.com>');
  t.equal(headers.get('to'), 'ann@example.com');
  t.equal(headers.get('auto-submitted'), 'auto-generated');
  t.match(headers.get('message-id'), `<reminder_${token.id}_1209600@example.com>`);
  t.equal(parts.length, 2, 'as text and as a page');
  for (const part of parts) t.match(part, `https://a.example/console/tokens/${token.id}/regenerate`);
  t.match(hook.hooks, [
    {
      id: `reminder_${token.id}_1209600`,
      isSigned: true,
      body: {
        type: 'api_token.expiring',
        data: {
          apiToken: { id: token.id, name: 'ci', expiresAt: new Date(token.expiresAtMs!).toISOString() },
          org: { id: world.org.id },
          user: { id: world.user.id },
          thresholdSeconds: 1_209_600,
        },
      },
    },
  ]);
  world.nowMs = startMs + 11 * dayMs;
  t.same(resultsOf((await world.round(ways)).reports).toSorted(), [
    'mail sent',
    'mail sent',
    'webhook sent',
    'webhook sent',
  ]);
  t.equal(mail.messages.length, 3, 'three days before, and the other its own');
  world.nowMs = startMs + 14 * dayMs;
  t.same(
    resultsOf((await world.round(ways)).reports),
    ['mail sent', 'webhook sent'],
    'never of the expired one',
  );
});

t.test('a token with a new lifetime is reminded of anew, of the new expiry alone', async (t) => {
  const world = await openWorld(t);
  const [mail, hook] = [await startMailServer(t), await startWebhookReceiver(t)];
  const ways = { smtp: smtpOn(mail.port), webhook: webhookOn(hook.url) };
  const token = await world.make(14);
  await world.round(ways);
  world.nowMs += dayMs;
  const expiresAtMs = world.nowMs + 90 * dayMs;
  const next = { digest: nextDigest(token), number: 1, previousUntilMs: undefined };
  const expiry = { expiresAtMs, renewedAtMs: world.nowMs };
  await world.store.regenerateToken(token.id, { ...next, expiry }, world.nowMs);
  const subjects = async (atMs: number): Promise<readonly (string | undefined)[]> => {
    world.nowMs = atMs;
    const before = mail.messages.length;
    for (const _ of ['first', 'second']) await world.round(ways);
    return mail.messages.slice(before).map(({ data }) => readMail(data).headers.get('subject'));
  };
  t.same(await subjects(world.nowMs), [], 'it has 90 days again');
  t.same(await subjects(token.expiresAtMs! - 3 * dayMs), [], 'nothing at the thresholds of before');
  t.same(await subjects(token.expiresAtMs!), []);
  t.same(await subjects(expiresAtMs - 14 * dayMs), ['API token “ci” expires in 14 days']);
  t.same(await subjects(expiresAtMs - 3 * dayMs), ['API token “ci” expires in 3 days']);
  const ids = hook.hooks.map(({ id }) => id);
  t.equal(new Set(ids).size, 3, 'each has an id of its own');
});

t.test('after a long time without rounds only the nearest threshold is sent', async (t) => {
  const world = await openWorld(t);
  const mail = await startMailServer(t);
  await world.make(20);
  await world.round({ smtp: smtpOn(mail.port) });
  world.nowMs = startMs + 19.5 * dayMs;
  for (const _ of ['first', 'second']) await world.round({ smtp: smtpOn(mail.port) });
  t.same(
    mail.messages.map(({ data }) => readMail(data).headers.get('subject')),
    ['API token “ci” expires in 12 hours'],
  );
});

t.test('the clock of the store says when: at the threshold, not a moment before', async (t) => {
  const world = await openWorld(t);
  const mail = await startMailServer(t);
  await world.make(20);
  world.nowMs = startMs + 6 * dayMs - 1;
  t.same((await world.round({ smtp: smtpOn(mail.port) })).reports, []);
  world.nowMs++;
  t.same(resultsOf((await world.round({ smtp: smtpOn(mail.port) })).reports), ['mail sent']);
});

t.test('nobody is reminded of what is revoked, or of a disabled user or org, or deleted', async (t) => {
  const world = await openWorld(t);
  const { store, org } = world;
  const mail = await startMailServer(t);
  const smtp = smtpOn(mail.port);
  const owners = ['revoked', 'all-revoked', 'disabled', 'deleted', 'silent'].map((id) =>
    exampleUser(org.id, { id, ...(id !== 'silent' && { email: `${id}@example.com` }) }),
  );
  for (const owner of owners) await store.createUser(owner);
  const made = await Promise.all(owners.map((owner) => world.make(2, {}, owner)));
  await store.revokeToken(made[0]!.id, startMs);
  await store.revokeAll(org.id, 'all-revoked', startMs);
  await store.changeUser(org.id, 'disabled', { state: 'disabled' }, startMs);
  await store.deleteUser(org.id, 'deleted', startMs);
  await world.make(2, { notifyBeforeExpiryMs: 0 });
  t.match(await world.round({ smtp }), { end: 'done', reports: [] });
  t.equal(mail.connections(), 0);
  const hook = await startWebhookReceiver(t);
  world.nowMs += dayMs;
  const { reports } = await world.round({ smtp, webhook: webhookOn(hook.url) });
  t.same(resultsOf(reports), ['webhook sent'], 'who has no address still has the webhook');
  t.equal(hook.hooks[0]?.body.data.apiToken.id, made[4]!.id);
  await store.changeUser(org.id, 'disabled', { state: 'active' }, startMs);
  await store.changeOrg(org.id, { state: 'disabled' }, startMs);
  world.nowMs = startMs + 1.5 * dayMs;
  t.match(await world.round({ smtp }), { reports: [] }, 'a disabled org');
});

t.test('a token that is revoked after it was found is not sent', async (t) => {
  const world = await openWorld(t);
  const tokens = [await world.make(1), await world.make(2)];
  const hook = await startWebhookReceiver(t, () => {
    void world.store.revokeToken(tokens[1]!.id, startMs);
    return 204;
  });
  // The answer to the first leaves after the revocation: a round takes its time.
  const { reports } = await world.round({ webhook: webhookOn(hook.url), perMinute: 600 });
  t.same(
    reports.map(({ reminder }) => reminder.token.id),
    [tokens[0]!.id],
  );
});

t.test('an org has thresholds of its own, and a change of them is noticed', async (t) => {
  const world = await openWorld(t);
  const mail = await startMailServer(t);
  const smtp = smtpOn(mail.port);
  await world.store.changeOrg(world.org.id, { reminderThresholdsMs: [] }, startMs);
  await world.make(10);
  t.match(await world.round({ smtp }), { reports: [] });
  await world.store.changeOrg(world.org.id, { reminderThresholdsMs: [30 * dayMs] }, startMs);
  world.nowMs += 1.25 * dayMs;
  t.same(resultsOf((await world.round({ smtp })).reports), ['mail sent']);
});

t.test('of those due the first to expire is sent first, and no faster than perMinute allows', async (t) => {
  const world = await openWorld(t);
  const mail = await startMailServer(t);
  const made = [];
  for (const days of [3, 1, 2]) made.push(await world.make(days));
  const beganMs = performance.now();
  const { reports } = await world.round({ smtp: smtpOn(mail.port), perMinute: 300 });
  t.ok(performance.now() - beganMs >= 390, 'two waits of 200 ms');
  t.same(
    reports.map(({ reminder }) => reminder.token.id),
    [made[1]!.id, made[2]!.id, made[0]!.id],
  );
});

t.test('a round that has sent its share leaves the rest to the next', async (t) => {
  const world = await openWorld(t);
  const mail = await startMailServer(t);
  const smtp = smtpOn(mail.port);
  for (let index = 0; index < 150; index++) await world.make(2);
  let rounds = 1;
  while ((await world.round({ smtp }, { dueMax: 50 })).end === 'more') rounds++;
  t.ok(rounds <= 5, `${rounds} rounds`);
  t.equal(mail.messages.length, 150);
});

t.test('two processes that remind at the same time send each reminder once', async (t) => {
  const world = await openWorld(t);
  const hook = await startWebhookReceiver(t);
  for (let index = 0; index < 30; index++) await world.make(2);
  const ends = await Promise.all(
    ['one', 'two', 'three'].map((holder) => world.round({ webhook: webhookOn(hook.url) }, { holder })),
  );
  t.equal(ends.filter(({ end }) => end === 'done').length, 1);
  t.equal(ends.filter(({ end }) => end === 'taken').length, 2);
  t.equal(hook.hooks.length, 30);
  t.equal(new Set(hook.hooks.map(({ id }) => id)).size, 30);
});

t.test('who loses the lease in the middle stops', async (t) => {
  const world = await openWorld(t);
  for (let index = 0; index < 10; index++) await world.make(2);
  const hook = await startWebhookReceiver(t, (nth) => {
    // The lease ends while the third is sent, and another process takes it.
    if (nth === 3) {
      world.nowMs += 60_000;
      void world.store.leaseReminders('other', world.nowMs, 3_600_000);
    }
    return 204;
  });
  const { end, reports } = await world.round({ webhook: webhookOn(hook.url), perMinute: 600 });
  t.equal(end, 'taken');
  t.equal(reports.length, 3);
  t.equal(hook.hooks.length, 3);
  t.equal(
    sure(await world.store.leaseReminders('third', world.nowMs, 1)),
    'taken',
    'and leaves the lease alone',
  );
});
