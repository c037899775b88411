// Escapes of characters that end a path or a segment (`%2F`, `%5C`, `%3B`, `%3F`, `%23`). Some servers decode them and read the
// rest of the path anew, others take them for a part of the segment. They pass byte for byte where a route says so, and only
// where each of these readings is let through too (proxy/router.ts). No I/O.

import { type Denial, denial } from './outcome.ts';

const reserved = /%(?:2F|5C|3B|3F|23)/;

/** The first such escape of a path in normal form; undefined: it has none. */
export const reservedEscapeOf = (path: string): string | undefined =>
  path.includes('%') ? reserved.exec(path)?.[0] : undefined;

/** Of all readings together: 16,384 of a path with one kind of escapes, 1,024 of one with all. */
const readCharactersMax = 65_536;

/** Stands for an escape that a server takes for a part of the segment: U+E000, which nobody's path spells out. */
const opaque = '%EE%80%80';

/** A server does one of two things with an escape: it takes it for what it stands for, or for a part of the segment. */
const kinds: readonly { readonly escape: string; readonly read: (path: string) => string }[] = [
  { escape: '%3F', read: (path) => path.split('%3F', 1)[0] ?? '' },
  { escape: '%23', read: (path) => path.split('%23', 1)[0] ?? '' },
  { escape: '%2F', read: (path) => path.replaceAll('%2F', '/') },
  { escape: '%5C', read: (path) => path.replaceAll('%5C', '/') },
  // Last, because parameters end where a segment ends.
  { escape: '%3B', read: (path) => path.replaceAll(/%3B[^/]*/g, '') },
];

/**
 * Every path that a server may take a path with such escapes for, whichever of them it decodes, with empty segments and without:
 * at most 64. Undefined where judging them would take long: of a long path with many kinds of escapes. All are in canonical form,
 * but for empty segments. The path has no dot segment, however it is decoded (path.ts).
 */
export const decodedReadings = (path: string): readonly string[] | undefined => {
  const found = kinds.filter(({ escape }) => path.includes(escape));
  if (path.length * 2 ** (found.length + 1) > readCharactersMax) return undefined;
  let readings = [path];
  for (const { escape, read } of found)
    readings = readings.flatMap((reading) => [read(reading), reading.replaceAll(escape, opaque)]);
  const all = new Set(readings);
  for (const reading of readings) all.add(reading.replaceAll(/\/{2,}/g, '/'));
  return [...all];
};

/** Why a path with such an escape is refused. `isPassed`: its route would pass it on. */
export const refusedEscape = (escape: string, isPassed: boolean): Denial => ({
  ...denial(
    'path_ambiguous',
    isPassed ? `${escape} leads to another rule, read as it may be` : `${escape} in the path`,
  ),
  detail: `The path holds ${escape}, an escaped "${decodeURIComponent(escape)}", which servers read in different ways. ${
    isPassed
      ? 'Decoded, it may be a path of another rule, or in too many ways, so it is refused although this route has "encodedReserved: pass".'
      : 'Only a route with "encodedReserved: pass" in its settings passes it on.'
  }`,
});
