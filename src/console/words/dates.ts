// Dates and durations as a language and country write them, in the person's own time zone.

export interface Dates {
  /** `27 Nov 2026, 20:15`. */
  readonly dateTime: (iso: string) => string;
  /** `27 Nov 2026`. */
  readonly date: (iso: string) => string;
  /** Of a day of UTC, `2026-11-27`: the same in every zone. */
  readonly day: (day: string) => string;
  /** With weekday, seconds and zone, for the curious. */
  readonly exact: (iso: string) => string;
  /** `in 3 days`, `2 hours ago`. */
  readonly relative: (iso: string, nowMs: number) => string;
  /** `14 days`. */
  readonly duration: (ms: number) => string;
}

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The largest unit first; each counts from the length beside it. */
const steps = [
  { unit: 'year', ms: 365 * dayMs, fromMs: 2 * 365 * dayMs },
  { unit: 'month', ms: 30 * dayMs, fromMs: 90 * dayMs },
  { unit: 'day', ms: dayMs, fromMs: 2 * dayMs },
  { unit: 'hour', ms: hourMs, fromMs: 2 * hourMs },
  { unit: 'minute', ms: minuteMs, fromMs: minuteMs },
  { unit: 'second', ms: secondMs, fromMs: 0 },
] as const;

export const createDates = (locale: string, timeZone: string | undefined): Dates => {
  const format = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(locale, { ...options, ...(timeZone !== undefined && { timeZone }) });
  const date = format({ dateStyle: 'medium' });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
  const dateTime = format({ dateStyle: 'medium', timeStyle: 'short' });
  const exact = format({ dateStyle: 'full', timeStyle: 'long' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  return {
    date: (iso) => date.format(new Date(iso)),
    day: (iso) => day.format(new Date(iso)),
    dateTime: (iso) => dateTime.format(new Date(iso)),
    exact: (iso) => exact.format(new Date(iso)),
    relative: (iso, nowMs) => {
      const aheadMs = Date.parse(iso) - nowMs;
      const step = steps.find(({ fromMs }) => Math.abs(aheadMs) >= fromMs);
      if (step === undefined) return '';
      // Not more than is left: "in 3 days" means three whole days, or nearly.
      const almost = step.ms >= 30 * dayMs ? 0.5 : 0.05;
      return relative.format(Math.trunc(aheadMs / step.ms + Math.sign(aheadMs) * almost), step.unit);
    },
    duration: (ms) => {
      const step = wholeStep(ms);
      const unit = { style: 'unit', unit: step.unit, unitDisplay: 'long' } as const;
      return new Intl.NumberFormat(locale, unit).format(ms / step.ms);
    },
  };
};

const units = [
  { unit: 'day', ms: dayMs },
  { unit: 'hour', ms: hourMs },
  { unit: 'minute', ms: minuteMs },
  { unit: 'second', ms: secondMs },
] as const;

/** The largest unit that the duration is a whole number of. */
const wholeStep = (ms: number) => units.find((step) => ms > 0 && ms % step.ms === 0) ?? units[3];
