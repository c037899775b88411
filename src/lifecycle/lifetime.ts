// How long an API token lives: minutes to months, or for ever, within what its org allows. No clock.

import { type CommandError, commandError } from './command-error.ts';

const minuteMs = 60_000;
/** A hundred years: longer is a mistake in the unit; "for ever" has its own word. */
const lifetimeMsMax = 36_525 * 24 * 60 * minuteMs;

export const checkLifetimeMax = (lifetimeMs: number): CommandError | undefined =>
  isLifetime(lifetimeMs) ? undefined : malformed;

const remindersMax = 8;

/** How long before their expiry the users of an org are reminded of API tokens. */
export const checkReminders = (thresholdsMs: readonly number[]): CommandError | undefined =>
  thresholdsMs.length <= remindersMax && thresholdsMs.every(isLifetime)
    ? undefined
    : commandError(
        'reminder_malformed',
        `Reminders are at most ${remindersMax} times before an expiry, each from one minute to a hundred years, e.g. 14 days, 3 days and 1 day.`,
      );

/** How long before its expiry somebody wants to be reminded of a token. */
export const checkNotifyBefore = (beforeMs: number | undefined): CommandError | undefined =>
  beforeMs === undefined || (Number.isSafeInteger(beforeMs) && beforeMs >= 0 && beforeMs <= lifetimeMsMax)
    ? undefined
    : malformed;

/**
 * The lifetime a new token gets, in ms; undefined: it never expires.
 * `asked`: ms, null for "never", undefined for the default. Only what is asked for in so many words is refused for
 * being longer than the org's maximum; a default is cut to it.
 */
export const grantLifetime = (
  asked: number | null | undefined,
  defaultMs: number | undefined,
  orgMaxMs: number | undefined,
): { readonly lifetimeMs: number | undefined } | CommandError => {
  if (asked === undefined)
    return { lifetimeMs: orgMaxMs === undefined ? defaultMs : Math.min(defaultMs ?? Infinity, orgMaxMs) };
  if (asked === null)
    return orgMaxMs === undefined
      ? { lifetimeMs: undefined }
      : tooLong('A token that never expires', orgMaxMs);
  if (!isLifetime(asked)) return malformed;
  if (orgMaxMs !== undefined && asked > orgMaxMs) return tooLong('That lifetime', orgMaxMs);
  return { lifetimeMs: asked };
};

const isLifetime = (lifetimeMs: number): boolean =>
  Number.isSafeInteger(lifetimeMs) && lifetimeMs >= minuteMs && lifetimeMs <= lifetimeMsMax;

const malformed = commandError(
  'lifetime_malformed',
  'A lifetime is a whole number of milliseconds from one minute (60000) to a hundred years, or never.',
);

const tooLong = (what: string, orgMaxMs: number): CommandError =>
  commandError(
    'lifetime_too_long',
    `${what} is longer than the org allows. Ask for ${Math.floor(orgMaxMs / minuteMs)} minutes at most, or raise the org's maximum.`,
  );
