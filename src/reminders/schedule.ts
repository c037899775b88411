// Reminds at intervals while a gate runs: each round by the settings in force, and by one replica at a time; what comes of it
// is logged and counted. A round that fails is repeated.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isOutage } from '../decision/outcome.ts';
import type { Log } from '../observe/log.ts';
import type { Settings } from '../settings/settings.ts';
import type { ReminderChannel } from '../store/reminder-store.ts';
import { createPace, openChannels, roundSettings } from './round.ts';
import {
  type ReminderResult,
  type RoundEnd,
  type SendingDeps,
  type SendingReport,
  sendRound,
} from './send-due.ts';

export interface ScheduleDeps extends Pick<SendingDeps, 'store' | 'now'> {
  /** Those in force. */
  readonly settings: () => Settings;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly count: (channel: ReminderChannel, result: ReminderResult) => void;
}

export interface Schedule {
  /** Begins with the first round. */
  start(): void;
  /** Ends after the reminder that is being sent, or without it where that takes long: then it is sent again by another. */
  close(): Promise<void>;
}

const roundMax = 1_000;
const closeMsMax = 5_000;

export const createSchedule = (deps: ScheduleDeps): Schedule => {
  const { settings, log } = deps;
  const closing = new AbortController();
  const { signal } = closing;
  const holder = randomUUID();
  const pace = createPace(() => settings().reminders.perMinute, signal);
  const report = reporterOf(deps);

  const round = async (): Promise<RoundEnd> => {
    const inForce = settings();
    const channels = openChannels(inForce, deps.now);
    try {
      const { perMinute, intervalMs } = inForce.reminders;
      const dueMax = Math.min(roundMax, Math.ceil((perMinute * Math.max(intervalMs, 60_000)) / 60_000));
      const { store, now } = deps;
      return await sendRound(
        { store, now, ...roundSettings(inForce), channels, holder, pace, report },
        dueMax,
      );
    } finally {
      for (const channel of channels) channel.close();
    }
  };

  /** What cannot be sent for a fault of this machine or of ours is logged, and tried again with the next round. */
  const tryRound = async (): Promise<RoundEnd> => {
    try {
      return await round();
    } catch (err) {
      log.error('a round of reminders broke off', { err });
      return 'done';
    }
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const { enabled, intervalMs } = settings().reminders;
      const end = enabled ? await tryRound() : 'done';
      if (isOutage(end))
        log.warn('reminders could not be sent; trying again', { reason: end.reason, cause: end.cause });
      // After a reload that turns them on, at most this long passes.
      if (end !== 'more') await delay(intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  };

  let running: Promise<void> | undefined;
  return {
    start: () => {
      running ??= run();
    },
    close: async () => {
      closing.abort();
      if (running !== undefined) await Promise.race([running, delay(closeMsMax, undefined, { ref: false })]);
    },
  };
};

/** A line of the log for each, without address and secret. */
const reporterOf =
  ({ log, count }: Pick<ScheduleDeps, 'log' | 'count'>) =>
  ({ channel, reminder, result, isRepeat, why }: SendingReport): void => {
    count(channel, result);
    const { token, thresholdMs } = reminder;
    const facts = {
      channel,
      org: token.orgId,
      user: token.userId,
      tokenId: token.id,
      beforeMs: thresholdMs,
      ...(isRepeat && { isRepeat }),
    };
    if (result === 'sent') log.info('a reminder was sent', facts);
    else if (result === 'failed')
      log.warn('a reminder could not be sent; it is tried again', { ...facts, why });
    else log.warn('a reminder is given up', { ...facts, why });
  };
