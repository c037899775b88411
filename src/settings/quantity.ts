// Readers of durations (`10s`, `5m`, `180d`) and sizes (`16KB`); a bare number is milliseconds or bytes.

import { not, type Read, type Reader, right, wrong } from './reader.ts';

const msPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Units of 1024, with or without the `i`. */
const bytesPerUnit: Readonly<Record<string, number>> = {
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};

const durationExamples = ['100ms', '500ms', '2s', '10s', '30s', '5m', '30m', '2h', '12h', '30d', '180d'];
const sizeExamples = ['64B', '512B', '4KB', '16KB', '256KB', '1MB', '16MB', '100MB', '1GB'];

/** `, such as 10s, 5m or 2h`: up to three of the examples that lie within the range, spread over it; empty when none does. */
const examples = (
  known: readonly string[],
  parse: (text: string) => number | undefined,
  min: number,
  max: number,
): string => {
  const within = known.filter((text) => {
    const value = parse(text) ?? -1;
    return value >= min && value <= max;
  });
  const chosen = [within[0], within[within.length >> 1], within.at(-1)];
  const shown = [...new Set(chosen.filter((text) => text !== undefined))];
  if (shown.length === 0) return '';
  return `, such as ${shown.length === 1 ? '' : `${shown.slice(0, -1).join(', ')} or `}${shown.at(-1)}`;
};

/** Milliseconds between `min` and `max` (both written as durations, both included). */
export const duration = (min: string, max: string): Reader<number> => {
  const minMs = parseDuration(min) ?? 0;
  const maxMs = parseDuration(max) ?? Number.MAX_SAFE_INTEGER;
  const expects = `a duration from ${min} to ${max}${examples(durationExamples, parseDuration, minMs, maxMs)}`;
  return {
    read: (value): Read<number> => {
      const ms = parseDuration(value);
      if (ms === undefined) return not(value, 'a duration', expects);
      return ms < minMs || ms > maxMs
        ? wrong(`${written(value)} is out of range; write ${expects}`)
        : right(ms);
    },
    expects,
    json: { type: ['string', 'integer'], pattern: '^([0-9]+(ms|s|m|h|d))+$', minimum: 0 },
  };
};

/** A duration, or `never` for none. */
export const durationOrNever = (min: string, max: string): Reader<number | undefined> => {
  const inner = duration(min, max);
  const expects = `${inner.expects}, or never`;
  return {
    read: (value): Read<number | undefined> => {
      if (value === 'never') return right(undefined);
      const read = inner.read(value);
      return read.ok ? read : wrong(`${read.message}, or never`);
    },
    expects,
    json: { anyOf: [{ const: 'never' }, inner.json] },
  };
};

/** Bytes between `min` and `max` (both written as sizes, both included). */
export const size = (min: string, max: string): Reader<number> => {
  const bytesMin = parseSize(min) ?? 0;
  const bytesMax = parseSize(max) ?? Number.MAX_SAFE_INTEGER;
  const expects = `a size from ${min} to ${max}${examples(sizeExamples, parseSize, bytesMin, bytesMax)} (1KB is 1024 bytes)`;
  return {
    read: (value): Read<number> => {
      const bytes = parseSize(value);
      if (bytes === undefined) return not(value, 'a size', expects);
      return bytes < bytesMin || bytes > bytesMax
        ? wrong(`${written(value)} is out of range; write ${expects}`)
        : right(bytes);
    },
    expects,
    json: { type: ['string', 'integer'], pattern: '^[0-9]+([kKmMgG]i?)?[bB]?$', minimum: 0 },
  };
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

/** `16KB`, `16KiB`, `16k` -> 16384; a number or digits alone are bytes. */
export const parseSize = (value: unknown): number | undefined => {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^(\d{1,15})(?:(b)|([kmg])i?b?)?$/i.exec(value);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * (bytesPerUnit[(match[2] ?? match[3] ?? 'b').toLowerCase()] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
};

const written = (value: unknown): string => (typeof value === 'string' ? value : String(Number(value)));
