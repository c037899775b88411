// `tollgate reminders`: which reminders are due, and sending them now. Listing writes nothing but when tokens are looked at
// next.

import { randomUUID } from 'node:crypto';
import { isOutage, type Outage } from '../decision/outcome.ts';
import { type DueReminder, findDue } from '../reminders/find-due.ts';
import type { SendingReport } from '../reminders/send-due.ts';
import type { ReminderChannel } from '../store/reminder-store.ts';
import { command } from './command.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { fail, refuse } from './failure.ts';
import { isoTime, lifetime, listing, time } from './output.ts';
import { flag, optionOr, readCount } from './parameters.ts';
import { type Session, withStore } from './store-command.ts';

export const reminderCommand = command({
  name: 'reminders',
  description: 'which reminders of API tokens that expire are due; with --send they are sent',
  takes: {
    isSending: flag('--send', 'send them now, as reminders.smtp and reminders.webhook say'),
    limit: optionOr('--limit <COUNT>', 'how many are listed', 1_000, readCount),
  },
  help:
    '\nA serving process sends them by itself where reminders.enabled is true.\n' +
    'Examples:\n  tollgate reminders\n  tollgate reminders --send --json',
  run: ({ isSending, limit }, invocation) =>
    withStore(invocation, (session) => (isSending ? sendNow(session) : list(session, limit))),
});

const list = async (session: Session, limit: number): Promise<ExitCode> => {
  const { output, settings } = session;
  const found = await findAll(session, limit);
  if (isOutage(found)) return refuse(output, found);
  if (output.isJson) output.json(found.map(dueJson));
  else
    listing(
      output,
      ['TOKEN', 'USER', 'NAME', 'EXPIRES', 'LAST USED', 'BEFORE', 'BY'],
      found.map(({ reminder, channels }) => [
        reminder.token.id,
        `${reminder.org.id}/${reminder.user.id}`,
        reminder.token.name,
        time(reminder.token.expiresAtMs),
        time(reminder.token.lastUsedAtMs),
        lifetime(reminder.thresholdMs),
        channels.join(' '),
      ]),
      'No reminder is due.',
    );
  if (!settings.reminders.enabled && !output.isJson)
    output.note('Nobody sends them: reminders.enabled is false. To send them now: tollgate reminders --send');
  return exitCode.ok;
};

const findAll = async (
  { store, now, settings }: Session,
  limit: number,
): Promise<readonly DueReminder[] | Outage> => {
  const { roundSettings } = await import('../reminders/round.ts');
  const { smtp, webhook } = settings.reminders;
  const set: readonly ReminderChannel[] = [
    ...(smtp === undefined ? [] : (['mail'] as const)),
    ...(webhook === undefined ? [] : (['webhook'] as const)),
  ];
  // Before any way is set up, what mail would be sent.
  const channels = set.length === 0 ? (['mail'] as const) : set;
  for (;;) {
    const found = await findDue({ store, now, ...roundSettings(settings), channels }, limit);
    if (isOutage(found)) return found;
    if (!found.isMore || found.due.length >= limit) return found.due.slice(0, limit);
  }
};

const dueJson = ({ reminder: { token, org, user, thresholdMs }, channels }: DueReminder): object => ({
  tokenId: token.id,
  org: org.id,
  user: user.id,
  name: token.name,
  expiresAt: isoTime(token.expiresAtMs),
  lastUsedAt: isoTime(token.lastUsedAtMs),
  before: lifetime(thresholdMs),
  channels,
});

const sendNow = async ({ store, now, settings, output }: Session): Promise<ExitCode> => {
  const { createPace, openChannels, roundSettings } = await import('../reminders/round.ts');
  const { sendRound } = await import('../reminders/send-due.ts');
  const channels = openChannels(settings, now);
  if (channels.length === 0)
    return fail(
      output,
      'nothing_to_send_by',
      'There is nothing to send by. Write reminders.smtp or reminders.webhook into the settings.',
      exitCode.usage,
    );
  const reports: SendingReport[] = [];
  const deps = {
    store,
    now,
    channels,
    holder: randomUUID(),
    ...roundSettings(settings),
    pace: createPace(() => settings.reminders.perMinute, new AbortController().signal),
    report: (report: SendingReport) => {
      reports.push(report);
      if (!output.isJson) output.line(lineOf(report));
    },
  };
  try {
    let end = await sendRound(deps, dueMax);
    while (end === 'more') end = await sendRound(deps, dueMax);
    if (isOutage(end)) return refuse(output, end);
    if (end === 'taken')
      return fail(
        output,
        'busy',
        'Another process is sending reminders at this moment. Try again in a minute.',
        exitCode.refused,
      );
  } finally {
    for (const channel of channels) channel.close();
  }
  if (output.isJson) output.json(reports.map(reportJson));
  else if (reports.length === 0) output.note('No reminder is due.');
  return reports.every(({ result }) => result === 'sent') ? exitCode.ok : exitCode.refused;
};

const dueMax = 1_000;

const resultWords = { sent: 'sent', failed: 'not sent, tried again later', given_up: 'given up' } as const;

const lineOf = ({ channel, reminder, result, why }: SendingReport): string =>
  `${reminder.token.id}  ${reminder.org.id}/${reminder.user.id}  ${channel}: ${resultWords[result]}${
    why === undefined ? '' : ` (${why})`
  }`;

const reportJson = ({ channel, reminder, result, why }: SendingReport): object => ({
  tokenId: reminder.token.id,
  org: reminder.org.id,
  user: reminder.user.id,
  channel,
  result,
  why,
});
