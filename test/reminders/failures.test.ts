// Mail servers and receivers of webhooks that fail, each in its own way: what is tried again, and what is given up.

import t from 'tap';
import { exampleUser, startMs } from '../contract/examples.ts';
import { sure } from '../contract/places.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startMailServer } from '../support/mail-server.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { openWorld, resultsOf, smtpOn, webhookOn } from './world.ts';

t.setTimeout(120_000);

const certificates = makeCertificates();

t.test('a mail server that never greets costs a bounded time, and the mail is tried again', async (t) => {
  const world = await openWorld(t);
  const silent = await startMailServer(t, { isSilent: true });
  await world.make(2);
  const first = await world.round({ smtp: smtpOn(silent.port, { timeoutMs: 200 }) });
  t.same(resultsOf(first.reports), ['mail failed ETIMEDOUT']);
  const mail = await startMailServer(t);
  const smtp = smtpOn(mail.port);
  t.same((await world.round({ smtp })).reports, [], 'not at once');
  world.nowMs += 60_000;
  t.same(resultsOf((await world.round({ smtp })).reports), ['mail sent'], 'but after a minute');
  t.equal(mail.messages.length, 1);
});

t.test('a server that is out is not tried for every mail of the round', async (t) => {
  const world = await openWorld(t);
  const mail = await startMailServer(t, { isSilent: true });
  for (let index = 0; index < 8; index++) await world.make(2);
  const hook = await startWebhookReceiver(t);
  const { reports } = await world.round({
    smtp: smtpOn(mail.port, { timeoutMs: 100 }),
    webhook: webhookOn(hook.url),
  });
  t.equal(reports.filter(({ channel }) => channel === 'mail').length, 3);
  t.equal(hook.hooks.length, 8, 'webhooks go on');
  world.nowMs += 60_000;
  const { end } = await world.round({ smtp: smtpOn(mail.port, { timeoutMs: 100 }) }, { dueMax: 5 });
  t.equal(end, 'done', 'and the rest waits for the next interval');
});

t.test('an address that is refused for good is given up; the others are sent', async (t) => {
  const world = await openWorld(t);
  const mail = await startMailServer(t, { refuses: 'gone@example.com' });
  const gone = exampleUser(world.org.id, { id: 'gone', email: 'gone@example.com' });
  await world.store.createUser(gone);
  await world.make(1, {}, gone);
  await world.make(2);
  const smtp = smtpOn(mail.port);
  t.same(resultsOf((await world.round({ smtp })).reports), ['mail given_up EENVELOPE 550', 'mail sent']);
  world.nowMs += 3_600_000;
  t.same((await world.round({ smtp })).reports, []);
});

t.test('a recipient that is refused for now is tried again', async (t) => {
  const world = await openWorld(t);
  const busy = await startMailServer(t, { isBusy: true });
  const token = await world.make(2);
  t.same(resultsOf((await world.round({ smtp: smtpOn(busy.port) })).reports), ['mail failed EENVELOPE 451']);
  t.match(await world.store.findReminders(token.id), [{ state: 'failed', attempts: 1 }]);
});

t.test('a server that drops the connection in the middle of a mail gets it again', async (t) => {
  const world = await openWorld(t);
  const mail = await startMailServer(t, { drops: 1 });
  await world.make(2);
  const smtp = smtpOn(mail.port);
  t.match(resultsOf((await world.round({ smtp })).reports), [/^mail failed E/]);
  world.nowMs += 60_000;
  t.same(resultsOf((await world.round({ smtp })).reports), ['mail sent']);
  t.equal(mail.messages.length, 1);
});

t.test('without TLS nothing is sent where it is required; with it mail goes encrypted', async (t) => {
  const world = await openWorld(t);
  await world.make(2);
  const plain = await startMailServer(t);
  const refused = await world.round({ smtp: smtpOn(plain.port, { tls: 'required' }) });
  t.match(resultsOf(refused.reports), [/^mail failed ETLS/]);
  t.equal(plain.messages.length, 0);
  const tls = certificates.address;
  const [starting, implicit] = [
    await startMailServer(t, { tls, password: 'open sesame' }),
    await startMailServer(t, { tls, isImplicit: true }),
  ];
  const trusted = { tls: 'required', ca: certificates.ca, user: 'tollgate' } as const;
  world.nowMs += 60_000;
  const unknown = await world.round({ smtp: smtpOn(starting.port, { tls: 'required' }) });
  t.match(resultsOf(unknown.reports), [/^mail failed E/], 'nor to a server whose certificate nobody knows');
  world.nowMs += 600_000;
  const wrong = await world.round({ smtp: smtpOn(starting.port, { ...trusted, password: 'wrong' }) });
  t.same(resultsOf(wrong.reports), ['mail failed EAUTH 535']);
  world.nowMs += 3_600_000;
  const right = await world.round({ smtp: smtpOn(starting.port, { ...trusted, password: 'open sesame' }) });
  t.same(resultsOf(right.reports), ['mail sent']);
  t.match(starting.messages, [{ isSecure: true }]);
  await world.make(2);
  const last = await world.round({ smtp: smtpOn(implicit.port, { tls: 'implicit', ca: certificates.ca }) });
  t.same(resultsOf(last.reports), ['mail sent']);
  t.match(implicit.messages, [{ isSecure: true }]);
});

t.test('an address with a line end, from whatever wrote it, goes nowhere', async (t) => {
  const world = await openWorld(t);
  const mail = await startMailServer(t);
  const evil = exampleUser(world.org.id, { id: 'evil', email: 'a@example.com\r\nBcc: eve@example.com' });
  await world.store.createUser(evil);
  await world.make(2, {}, evil);
  t.match(resultsOf((await world.round({ smtp: smtpOn(mail.port) })).reports), [
    /^mail given_up the address/,
  ]);
  t.equal(mail.connections(), 0);
});

t.test('a webhook that is answered 500, late or with a redirect is tried again, then given up', async (t) => {
  const world = await openWorld(t);
  const answers = [500, undefined, 302];
  const hook = await startWebhookReceiver(t, (nth) => answers[nth - 1]);
  const token = await world.make(2);
  const webhook = webhookOn(hook.url, { timeoutMs: 300 });
  t.same(resultsOf((await world.round({ webhook })).reports), ['webhook failed answered 500']);
  world.nowMs += 60_000;
  t.match(resultsOf((await world.round({ webhook })).reports), [/^webhook failed/]);
  world.nowMs += 60_000;
  t.same((await world.round({ webhook })).reports, [], 'four minutes after the second attempt');
  world.nowMs += 180_000;
  t.same(resultsOf((await world.round({ webhook })).reports), ['webhook given_up answered 302']);
  world.nowMs += 3_600_000;
  t.same((await world.round({ webhook })).reports, []);
  t.equal(hook.hooks.length, 3, 'and the redirect was not followed');
  t.equal(new Set(hook.hooks.map(({ id }) => id)).size, 1, 'each time with the same id');
  t.ok(hook.hooks.every(({ isSigned }) => isSigned));
  t.match(await world.store.findReminders(token.id), [{ state: 'given_up', attempts: 3 }]);
});

t.test('410 ends it at once, and a mail that was sent is not sent again with the webhook', async (t) => {
  const world = await openWorld(t);
  const [mail, hook] = [
    await startMailServer(t),
    await startWebhookReceiver(t, (nth) => (nth === 1 ? 503 : 410)),
  ];
  await world.make(2);
  const ways = { smtp: smtpOn(mail.port), webhook: webhookOn(hook.url) };
  t.same(resultsOf((await world.round(ways)).reports), ['mail sent', 'webhook failed answered 503']);
  world.nowMs += 60_000;
  t.same(resultsOf((await world.round(ways)).reports), ['webhook given_up answered 410']);
  t.equal(mail.messages.length, 1);
});

t.test('a store that is out ends the round, and nothing is sent without a record', async (t) => {
  const world = await openWorld(t);
  const hook = await startWebhookReceiver(t);
  await world.make(2);
  const outage = { kind: 'outage', reason: 'store_unavailable', cause: undefined } as const;
  for (const command of ['leaseReminders', 'listReminderLooks', 'claimReminder'] as const) {
    const store = { ...world.store, [command]: async () => outage };
    t.match(
      await world.round({ webhook: webhookOn(hook.url) }, { store }),
      { end: outage, reports: [] },
      command,
    );
  }
  t.equal(hook.hooks.length, 0);
  const store = { ...world.store, settleReminder: async () => outage };
  t.match(await world.round({ webhook: webhookOn(hook.url) }, { store }), { end: outage });
  t.equal(hook.hooks.length, 1, 'sent, but nobody could write it down');
  world.nowMs = startMs + 60_000;
  const { reports } = await world.round({ webhook: webhookOn(hook.url) });
  t.match(reports, [{ result: 'sent', isRepeat: true }], 'so it is sent again, and said to be a repetition');
  t.equal(hook.hooks[0]?.id, hook.hooks[1]?.id);
  t.equal(sure(await world.store.findReminders(reports[0]!.reminder.token.id))[0]?.state, 'sent');
});
