// Escapes of characters that end a path or a segment (`%2F`, `%5C`, `%3B`, `%3F`, `%23`). Some servers decode them and read the
// rest of the path anew, others take them for a part of the segment. They pass byte for byte where a route says so, and only
// where each of these readings is let through too (proxy/routing/encoded-paths.ts). No I/O.

import { type Denial, denial } from './outcome.ts';

const reserved = /%(?:2F|5C|3B|3F|23)/;
const everyReserved = /%(?:2F|5C|3B|3F|23)/g;

/** The first such escape of a path in normal form; undefined: it has none. */
export const reservedEscapeOf = (path: string): string | undefined =>
  path.includes('%') ? reserved.exec(path)?.[0] : undefined;

/** Of all readings together: 8,192 characters of a path with one kind of escapes, about 250 of one with all five. */
const readCharactersMax = 16_384;

/** Stands for an escape that a server takes for a part of the segment: U+E000, which nobody's path spells out. */
const opaque = '%EE%80%80';

/** What a server makes of one kind of escapes when it takes them for what they stand for. */
const steps: Readonly<Record<string, (path: string) => string>> = {
  '%2F': (path) => path.replaceAll('%2F', '/'),
  '%5C': (path) => path.replaceAll('%5C', '/'),
  '%3B': (path) => path.replaceAll(/%3B[^/]*/g, ''),
  '%3F': (path) => path.split('%3F', 1)[0] ?? '',
  '%23': (path) => path.split('%23', 1)[0] ?? '',
};

/**
 * Every path that a server, or a row of servers, may take a path with such escapes for: whichever of them are decoded, in
 * whichever order, with empty segments and without. Undefined where judging them would take long: of a long path with many kinds
 * of escapes. All are in canonical form, but for empty segments. The path has no dot segment, however it is decoded (path.ts).
 */
export const decodedReadings = (path: string): readonly string[] | undefined => {
  const found = new Set([path]);
  let characters = path.length;
  const possible = Object.entries(steps).filter(([escape]) => path.includes(escape));
  // What is added is visited too.
  for (const reading of found)
    for (const [, step] of possible) {
      const next = step(reading);
      if (found.has(next)) continue;
      characters += next.length;
      if (characters > readCharactersMax) return undefined;
      found.add(next);
    }
  const readings = Array.from(found, (reading) => reading.replaceAll(everyReserved, opaque));
  return [...new Set([...readings, ...readings.map((reading) => reading.replaceAll(/\/{2,}/g, '/'))])];
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
