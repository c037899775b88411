// Durations as the API writes them (ISO 8601 in units of fixed length) and as a form asks for them.

const unitMs = {
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
  /** Thirty days: a month of the calendar has no fixed length. */
  months: 30 * 86_400_000,
} as const;

export type Unit = keyof typeof unitMs;
export const lifetimeUnits: readonly Unit[] = ['minutes', 'hours', 'days', 'weeks', 'months'];

export interface Amount {
  /** As it was typed. */
  readonly amount: string;
  readonly unit: Unit;
}

/** Milliseconds; undefined: not a whole number above zero. */
export const amountMs = ({ amount, unit }: Amount): number | undefined =>
  /^\s*[0-9]{1,6}\s*$/.test(amount) && Number(amount) > 0 ? Number(amount) * unitMs[unit] : undefined;

/** In the largest unit that it is a whole number of, to the minute. */
export const amountOf = (ms: number): Amount => {
  const unit = lifetimeUnits.toReversed().find((each) => ms >= unitMs[each] && ms % unitMs[each] === 0);
  return { amount: String(Math.max(1, Math.round(ms / unitMs[unit ?? 'minutes']))), unit: unit ?? 'minutes' };
};

const grammar = /^P(?:(\d+)W|(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)$/;

/** Milliseconds; undefined: not such a duration. */
export const parseDuration = (text: string): number | undefined => {
  const found = grammar.exec(text);
  if (found === null || !/\d/.test(text)) return undefined;
  const [weeks, days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
  const inHours = ((weeks ?? 0) * 7 + (days ?? 0)) * 24 + (hours ?? 0);
  return ((inHours * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000;
};

/** Of whole minutes. */
export const durationOf = (ms: number): string => {
  const minutes = Math.round(ms / unitMs.minutes);
  return minutes % 1440 === 0 ? `P${minutes / 1440}D` : `PT${minutes}M`;
};
