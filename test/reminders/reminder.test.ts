// When a reminder is due: a table of times, thresholds and what was sent before.

import t from 'tap';
import {
  backOffMs,
  judgeChannels,
  judgeExpiry,
  reminderId,
  thresholdsOf,
} from '../../src/reminders/reminder.ts';
import type { ReminderRecord } from '../../src/store/reminder-store.ts';
import { exampleOrg, exampleToken, exampleUser } from '../contract/examples.ts';

const dayMs = 86_400_000;
const days = (count: number): number => count * dayMs;
const defaults = [days(14), days(3), days(1)];
const createdAtMs = 1_800_000_000_000;

/** Of a token with a life of so many days, so many days before its expiry. */
const judged = (lifeDays: number, leftDays: number, thresholds: readonly number[] = defaults) => {
  const expiresAtMs = createdAtMs + days(lifeDays);
  const nowMs = expiresAtMs - days(leftDays);
  const { thresholdMs, nextAtMs } = judgeExpiry({ createdAtMs, expiresAtMs }, thresholds, nowMs);
  return [thresholdMs && thresholdMs / dayMs, nextAtMs && (nextAtMs - nowMs) / dayMs];
};

t.test('only the nearest threshold that has passed is due, and it is known when to look again', async (t) => {
  t.same(judged(180, 100), [undefined, 12.5], 'far off: after an eighth of what is left');
  t.same(judged(180, 16), [undefined, 2], 'at the threshold');
  t.same(judged(180, 14), [14, 1.75], 'at the very moment');
  t.same(judged(180, 14 + 1 / 86_400_000), [undefined, 1 / 86_400_000], 'not a millisecond before');
  t.same(judged(180, 3.5), [14, 0.5], 'until the next one');
  t.same(judged(180, 3), [3, 1]);
  t.same(judged(180, 0.5), [1, undefined], 'after a long outage one is sent, not three');
  t.same(judged(180, 0), [undefined, undefined], 'none once it has expired');
  t.same(judged(180, -1), [undefined, undefined]);
});

t.test('a threshold that had passed when the token was made is left out', async (t) => {
  t.same(judged(2, 2), [undefined, 1], 'two days left when it was made: nothing about 14 days or 3');
  t.same(judged(2, 1), [1, undefined]);
  t.same(judged(14, 14), [undefined, 1.75], 'nor at the moment when it is made');
  t.same(judged(0.01, 0.005), [undefined, undefined], 'minutes: none at all');
});

t.test('of a token with a new lifetime the thresholds count from when it was given', async (t) => {
  const renewedAtMs = createdAtMs + days(170);
  const judge = (lifeDays: number, leftDays: number) => {
    const expiresAtMs = renewedAtMs + days(lifeDays);
    return judgeExpiry({ createdAtMs, renewedAtMs, expiresAtMs }, defaults, expiresAtMs - days(leftDays));
  };
  t.equal(judge(2, 2).thresholdMs, undefined, 'two days: nothing about 14 days or 3');
  t.equal(judge(2, 1).thresholdMs, days(1));
  t.equal(judge(90, 90).thresholdMs, undefined);
  t.equal(judge(90, 14).thresholdMs, days(14));
  const { token } = exampleToken(exampleUser('acme'), { expiresAtMs: createdAtMs });
  const reminder = { token: { ...token, expiresAtMs: createdAtMs }, thresholdMs: days(3) };
  const parties = { user: exampleUser('acme'), org: exampleOrg() };
  t.equal(reminderId({ ...reminder, ...parties }), `reminder_${token.id}_259200`);
  const renewed = { ...reminder, token: { ...reminder.token, renewedAtMs } };
  t.equal(
    reminderId({ ...renewed, ...parties }),
    `reminder_${token.id}_259200_${createdAtMs}`,
    'a receiver that knows the one before takes it for another',
  );
});

t.test('no threshold, no reminder; the settings may change, so it is looked at again', async (t) => {
  t.same(judged(180, 10, []), [undefined, 1.25]);
  t.same(judged(180, 10, [days(30)]), [30, 1.25]);
});

t.test('a token has its own wish, else what its org says, else the settings', async (t) => {
  const org = exampleOrg();
  const user = exampleUser(org.id);
  const { token } = exampleToken(user);
  t.same(thresholdsOf(token, org, defaults), defaults);
  t.same(thresholdsOf(token, { ...org, reminderThresholdsMs: [7] }, defaults), [7]);
  t.same(thresholdsOf(token, { ...org, reminderThresholdsMs: [] }, defaults), [], 'an org without reminders');
  t.same(
    thresholdsOf({ ...token, notifyBeforeExpiryMs: 5 }, { ...org, reminderThresholdsMs: [] }, defaults),
    [5],
  );
  t.same(thresholdsOf({ ...token, notifyBeforeExpiryMs: 0 }, org, defaults), [], 'a token that wants none');
});

t.test(
  'what was sent or given up is not due; what failed is after a while, what a dead process began too',
  async (t) => {
    const nowMs = createdAtMs;
    const record = (over: Partial<ReminderRecord>): ReminderRecord => ({
      thresholdMs: days(3),
      channel: 'mail',
      state: 'sent',
      attempts: 1,
      atMs: nowMs,
      holder: 'one',
      ...over,
    });
    const channels = ['mail', 'webhook'] as const;
    const judge = (...records: readonly ReminderRecord[]) =>
      judgeChannels(records, days(3), channels, { nowMs, staleMs: 40_000 });
    t.same(judge(), { due: ['mail', 'webhook'], retryAtMs: Infinity });
    t.same(judge(record({})), { due: ['webhook'], retryAtMs: Infinity });
    t.same(judge(record({}), record({ channel: 'webhook', state: 'given_up' })), {
      due: [],
      retryAtMs: Infinity,
    });
    t.same(
      judge(record({ thresholdMs: days(14) })).due,
      ['mail', 'webhook'],
      'another threshold says nothing',
    );
    t.same(judge(record({ state: 'sending' })), { due: ['webhook'], retryAtMs: nowMs + 40_000 });
    t.same(judge(record({ state: 'sending', atMs: nowMs - 40_000 })).due, ['mail', 'webhook']);
    t.same(judge(record({ state: 'failed' })), { due: ['webhook'], retryAtMs: nowMs + 60_000 });
    t.same(judge(record({ state: 'failed', atMs: nowMs - 60_000 })).due, ['mail', 'webhook']);
    const minutes = [1, 2, 3, 4, 5, 6, 7, 20].map((attempts) => backOffMs(attempts) / 60_000);
    t.same(minutes, [1, 4, 16, 64, 256, 360, 360, 360]);
  },
);
