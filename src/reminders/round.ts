// What a round of reminders needs, made from the settings: the ways there are, their bounds, and the pace.

import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../settings/settings.ts';
import type { Channel } from './channel.ts';
import type { FindingDeps } from './find-due.ts';
import { createMail } from './mail.ts';
import type { Reminder } from './reminder.ts';
import type { SendingDeps } from './send-due.ts';
import { createWebhook } from './webhook.ts';

type ReminderGroups = Pick<Settings, 'reminders' | 'surfaces' | 'issuer'>;

/** The page of the console where a token gets a new secret; undefined: there is no console. */
const linkFor = ({ reminders, surfaces, issuer }: ReminderGroups) => {
  const { enabled, prefix, origin, listen } = surfaces.console;
  // On a listener of its own nothing but `origin` says how browsers see it.
  const host = origin ?? (listen === undefined ? new URL(issuer).origin : undefined);
  const own = enabled && host !== undefined ? host + prefix : undefined;
  const base = reminders.consoleUrl ?? own;
  return ({ token }: Reminder): string | undefined =>
    base === undefined ? undefined : `${base}/tokens/${encodeURIComponent(token.id)}/regenerate`;
};

/** The caller closes them. */
export const openChannels = (settings: ReminderGroups, now: () => number): readonly Channel[] => {
  const { smtp, webhook, language } = settings.reminders;
  const linkOf = linkFor(settings);
  return [
    ...(smtp === undefined
      ? []
      : [createMail(smtp, (reminder) => ({ language, link: linkOf(reminder), nowMs: now() }))]),
    ...(webhook === undefined ? [] : [createWebhook(webhook, linkOf, now)]),
  ];
};

/** Longer than any sending takes, by the time-outs. */
const staleMsOf = ({ smtp, webhook }: Settings['reminders']): number =>
  10_000 + 3 * Math.max(smtp?.timeoutMs ?? 0, webhook?.timeoutMs ?? 0);

export const roundSettings = ({
  reminders,
}: Pick<Settings, 'reminders'>): Pick<FindingDeps, 'beforeMs' | 'staleMs'> &
  Pick<SendingDeps, 'attemptsMax' | 'leaseMs'> => ({
  beforeMs: reminders.beforeMs,
  staleMs: staleMsOf(reminders),
  leaseMs: staleMsOf(reminders) + Math.ceil(60_000 / reminders.perMinute),
  attemptsMax: { mail: undefined, webhook: reminders.webhook?.attempts },
});

/** Lets through one in so many milliseconds. Answers false once the signal is aborted. */
export const createPace = (perMinute: () => number, signal: AbortSignal): (() => Promise<boolean>) => {
  let nextAtMs = -Infinity;
  return async () => {
    const waitMs = nextAtMs - performance.now();
    if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => undefined);
    nextAtMs = performance.now() + 60_000 / perMinute();
    return !signal.aborted;
  };
};
