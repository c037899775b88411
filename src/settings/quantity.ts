// Readers of durations (`10s`, `5m`, `180d`) and sizes (`16KB`); a bare number is milliseconds or bytes.

import { not, type Read, type Reader, right, wrong } from './reader.ts';

/** How something is measured: its units, and examples to choose from for a message. */
interface Measure {
  readonly noun: string;
  readonly parse: (written: unknown) => number | undefined;
  readonly examples: readonly string[];
  readonly pattern: string;
  readonly note?: string;
}

const durations: Measure = {
  noun: 'a duration',
  parse: (written) => parseDuration(written),
  examples: ['100ms', '500ms', '2s', '10s', '30s', '5m', '30m', '2h', '12h', '30d', '180d'],
  pattern: '^([0-9]+(ms|s|m|h|d))+$',
};

const sizes: Measure = {
  noun: 'a size',
  parse: (written) => parseSize(written),
  examples: ['64B', '512B', '4KB', '16KB', '256KB', '1MB', '16MB', '100MB', '1GB'],
  pattern: '^[0-9]+([kKmMgG]i?)?[bB]?$',
  note: ' (1KB is 1024 bytes)',
};

/** Milliseconds between `min` and `max` (both written as durations, both included). */
export const duration = (min: string, max: string): Reader<number> => within(durations, min, max);

/** Bytes between `min` and `max` (both written as sizes, both included). */
export const size = (min: string, max: string): Reader<number> => within(sizes, min, max);

const within = (
  { noun, parse, examples, pattern, note = '' }: Measure,
  min: string,
  max: string,
): Reader<number> => {
  const isWithin = (value: number): boolean =>
    value >= (parse(min) ?? 0) && value <= (parse(max) ?? Number.MAX_SAFE_INTEGER);
  const known = examples.filter((text) => isWithin(parse(text) ?? -1));
  const expects = `${noun} from ${min} to ${max}${suchAs(known)}${note}`;
  return {
    read: (value) => {
      const number = parse(value);
      if (number === undefined) return not(value, noun, expects);
      return isWithin(number) ? right(number) : wrong(`${String(value)} is out of range; write ${expects}`);
    },
    expects,
    json: { type: ['string', 'integer'], pattern, minimum: 0 },
  };
};

/** `, such as 10s, 5m or 2h`: up to three of them, spread over the range; empty when there is none. */
const suchAs = (known: readonly string[]): string => {
  const chosen = [known[0], known[known.length >> 1], known.at(-1)].filter((text) => text !== undefined);
  const shown = [...new Set(chosen)];
  const last = shown.pop();
  return last === undefined ? '' : `, such as ${shown.length === 0 ? '' : `${shown.join(', ')} or `}${last}`;
};

/** A duration, or `never` for none. */
export const durationOrNever = (min: string, max: string): Reader<number | undefined> => {
  const inner = duration(min, max);
  return {
    read: (value): Read<number | undefined> => {
      if (value === 'never') return right(undefined);
      const read = inner.read(value);
      return read.ok ? read : wrong(`${read.message}, or never`);
    },
    expects: `${inner.expects}, or never`,
    json: { anyOf: [{ const: 'never' }, inner.json] },
  };
};

const msPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `1h30m` -> 5400000; a number or digits alone are milliseconds. */
export const parseDuration = (value: unknown): number | undefined => {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string' || value.length > 40) return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  if (!/^(?:\d{1,9}(?:ms|s|m|h|d))+$/.test(value)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of value.matchAll(/(\d+)(ms|s|m|h|d)/g))
    ms += Number(amount) * (msPerUnit[unit ?? ''] ?? Number.NaN);
  return Number.isSafeInteger(ms) ? ms : undefined;
};

/** Units of 1024, with or without the `i`. */
const bytesPerUnit: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `16KB`, `16KiB`, `16k` -> 16384; a number or digits alone are bytes. */
export const parseSize = (value: unknown): number | undefined => {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^(\d{1,15})(?:(b)|([kmg])i?b?)?$/i.exec(value);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * (bytesPerUnit[(match[2] ?? match[3] ?? 'b').toLowerCase()] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
};
