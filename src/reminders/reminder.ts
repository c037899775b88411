// When an API token's owner is reminded that it will expire. Pure: no I/O, no clock.

import type { ReminderChannel, ReminderRecord } from '../store/reminder-store.ts';
import type { ApiTokenRecord, OrgRecord, UserRecord } from '../store/records.ts';

/** What is sent: of whom, of which token, and so long before it expires. */
export interface Reminder {
  readonly token: ApiTokenRecord & { readonly expiresAtMs: number };
  readonly user: UserRecord;
  readonly org: OrgRecord;
  readonly thresholdMs: number;
}

/**
 * The same whenever it is sent again, so that a receiver knows it; another one once the token has another expiry. Without a dot,
 * which Standard Webhooks forbid.
 */
export const reminderId = ({ token, thresholdMs }: Reminder): string =>
  [
    'reminder',
    token.id,
    thresholdMs / 1000,
    ...(token.renewedAtMs === undefined ? [] : [token.expiresAtMs]),
  ].join('_');

/** How long before its expiry a token has reminders: by its own wish, else its org's, else the settings'. */
export const thresholdsOf = (
  { notifyBeforeExpiryMs: own }: ApiTokenRecord,
  org: OrgRecord,
  defaultsMs: readonly number[],
): readonly number[] => {
  if (own === undefined) return org.reminderThresholdsMs ?? defaultsMs;
  return own === 0 ? [] : [own];
};

const dayMs = 86_400_000;

type Judgeable = Pick<ApiTokenRecord, 'createdAtMs' | 'expiresAtMs'> & Partial<ApiTokenRecord>;

/** `thresholdMs`: the nearest one that has passed. `nextAtMs`: when to look again; undefined: never. */
export interface Judged {
  readonly thresholdMs: number | undefined;
  readonly nextAtMs: number | undefined;
}

/**
 * A threshold that had passed when the token was given this expiry says nothing. Of several that have passed, as after a long outage,
 * only the nearest counts. Wishes, orgs and settings change, so a token is looked at between its thresholds too: often where
 * little time is left.
 */
export const judgeExpiry = (
  { createdAtMs, renewedAtMs = createdAtMs, expiresAtMs }: Judgeable,
  thresholdsMs: readonly number[],
  nowMs: number,
): Judged => {
  if (expiresAtMs === undefined || expiresAtMs <= nowMs) return nothing;
  const leftMs = expiresAtMs - nowMs;
  const meant = thresholdsMs.filter((each) => each < expiresAtMs - renewedAtMs).toSorted((a, b) => a - b);
  const ahead = meant.findLast((each) => each < leftMs) ?? -Infinity;
  const againAtMs = nowMs + Math.max(dayMs, Math.floor(leftMs / 8));
  const nextAtMs = ahead === -Infinity ? againAtMs : Math.min(againAtMs, expiresAtMs - ahead);
  return {
    thresholdMs: meant.find((each) => leftMs <= each),
    nextAtMs: nextAtMs < expiresAtMs ? nextAtMs : undefined,
  };
};

export const nothing: Judged = { thresholdMs: undefined, nextAtMs: undefined };

/** How long after a failure it is tried again: a minute, four, sixteen, ... six hours at most. */
export const backOffMs = (attempts: number): number => Math.min(60_000 * 4 ** (attempts - 1), 6 * 3_600_000);

/**
 * By which of the ways a reminder must be sent now, and when the first of the others must be looked at again. `staleMs`: after
 * this long a record `sending` is that of a process that died.
 */
export const judgeChannels = (
  records: readonly ReminderRecord[],
  thresholdMs: number,
  channels: readonly ReminderChannel[],
  { nowMs, staleMs }: { readonly nowMs: number; readonly staleMs: number },
): { readonly due: readonly ReminderChannel[]; readonly retryAtMs: number } => {
  const due: ReminderChannel[] = [];
  let retryAtMs = Infinity;
  for (const channel of channels) {
    const known = records.find((each) => each.channel === channel && each.thresholdMs === thresholdMs);
    const atMs = dueAtMs(known, staleMs);
    if (atMs <= nowMs) due.push(channel);
    else retryAtMs = Math.min(retryAtMs, atMs);
  }
  return { due, retryAtMs };
};

const dueAtMs = (known: ReminderRecord | undefined, staleMs: number): number => {
  switch (known?.state) {
    case undefined:
      return -Infinity;
    case 'sending':
      return known.atMs + staleMs;
    case 'failed':
      return known.atMs + backOffMs(known.attempts);
    case 'sent':
    case 'given_up':
      return Infinity;
  }
};
