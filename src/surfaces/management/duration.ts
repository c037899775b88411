// Durations as ISO 8601 writes them, in units of fixed length: weeks, or days, hours, minutes and seconds. No
// months or years: how many days those have depends on the date.

/** As JSON Schema wants it: with anchors, without flags. */
export const durationPattern =
  /^P(?:\d{1,9}W|(?=[\dT])(?:\d{1,9}D)?(?:T(?=\d)(?:\d{1,9}H)?(?:\d{1,9}M)?(?:\d{1,9}S)?)?)$/;

const secondMs = 1000;
const secondsOf = { D: 86_400, H: 3600, M: 60, S: 1 } as const;
const units = new Map<string | undefined, number>([...Object.entries(secondsOf), ['W', 7 * secondsOf.D]]);

/** In milliseconds, perhaps more than a safe integer. `text` fits `durationPattern`. */
export const durationMs = (text: string): number => {
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([WDHMS])/g))
    seconds += Number(count) * (units.get(unit) ?? 0);
  return seconds * secondMs;
};

/** Of whole seconds; what is left of one is dropped. */
export const durationOf = (ms: number): string => {
  let rest = Math.floor(ms / secondMs);
  const take = (unit: keyof typeof secondsOf): string => {
    const count = Math.floor(rest / secondsOf[unit]);
    rest %= secondsOf[unit];
    return count === 0 ? '' : `${count}${unit}`;
  };
  const days = take('D');
  const time = `${take('H')}${take('M')}${take('S')}`;
  if (days === '' && time === '') return 'PT0S';
  return `P${days}${time === '' ? '' : `T${time}`}`;
};

export const durationOrNull = (ms: number | undefined): string | null =>
  ms === undefined ? null : durationOf(ms);
