// The other ways in which a server behind us may read a path. Many servers ignore case, a slash at the end, and blanks or
// dots at the end of a segment; some fold look-alike letters (NFKC, best fit), drop characters that nobody sees, take
// `.json` for a format, or `::$DATA` for a part of a file. It only lists readings; lenient-rules.ts judges them.

import { readEscapes } from '../../decision/path.ts';
import { isAscii, lowerCase, plainForm } from '../../decision/plain-text.ts';

/** Whether a server may read a canonical path in another way than it is written. On every request: allocates nothing. */
export const isReadOtherwise = (path: string): boolean => {
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    if (code <= colon && (code === percent || code === dot || code === colon)) return true;
    if (code >= upperA && code <= upperZ) return true;
  }
  return path.endsWith('/');
};
const [percent, dot, colon, upperA, upperZ] = [37, 46, 58, 65, 90];

/**
 * What servers that do not read paths to the letter make of a path, its escapes read: each thing alone that some do, and all
 * together. One that ignores case alone reads `/Admin/1？/x` as a path of three segments, one that takes `？` for `?` as one of two.
 * Undefined when its bytes are not UTF-8.
 */
export const foldedReadings = (path: string): readonly string[] | undefined => {
  if (path === last.path) return last.readings;
  const decoded = path.includes('%') ? readEscapes(path) : path;
  const readings = decoded === undefined ? undefined : readingsOf(decoded);
  last = { path, readings };
  return readings;
};

/** One request asks for the same readings many times, for each method of a 405 too. */
let last: { readonly path: string; readonly readings: readonly string[] | undefined } = {
  path: '',
  readings: undefined,
};

const readingsOf = (path: string): readonly string[] => {
  const plain = plainForm(path);
  const folded = isAscii(path) ? [plain] : [lowerCase(path), plain, withoutParameters(plain)];
  return [...new Set([...folded, ...folded.map(trimmed)])];
};

/** One segment of a path, or of a pattern, without anything that a server may ignore; empty when nothing is left of it. */
export const foldSegment = (segment: string): string =>
  trimmed(withoutParameters(plainForm(`/${segment}`))).slice(1);

const trimmed = (path: string): string => {
  const ends = path.replaceAll(blankEnds, '');
  return ends === path ? path : ends.replaceAll(/\/{2,}/g, '/');
};

/** Blanks before a segment, blanks and dots after it. A run is tried once, from its beginning. */
const blankEnds = /(?<=\/)\s+|(?<![\s.])[\s.]+(?=\/|$)/g;

/** The separators that come out of compatibility forms (`；`, `？`, `＼`) mean what they mean in ASCII. */
const withoutParameters = (path: string): string => {
  const [beforeQuery = ''] = path.replaceAll('\\', '/').split(/[?#]/, 1);
  return beforeQuery.replaceAll(/;[^/]*/g, '');
};

export const withoutSlash = (path: string): string =>
  path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;

/**
 * A folded path without the name of a file's stream (`/admin::$DATA`, `/admin:$I30:$INDEX_ALLOCATION/x`: NTFS) or the format at
 * its end (`/admin.json`: Rails, Spring, JAX-RS). At most seven readings: of many dots, the last four and the first.
 */
export const suffixReadings = (folded: string): readonly string[] => {
  const readings: string[] = [];
  const plain = folded.includes(':') ? folded.split('/').map(withoutStream).join('/') : folded;
  if (plain !== folded) readings.push(plain);
  const nameAt = plain.lastIndexOf('/') + 1;
  const first = plain.indexOf('.', nameAt + 1);
  if (first < 0) return readings;
  readings.push(plain.slice(0, first));
  let end = plain.length;
  for (let count = 0; count < formatsMax; count++) {
    end = plain.lastIndexOf('.', end - 1);
    if (end <= first) break;
    readings.push(plain.slice(0, end));
  }
  return readings;
};
const formatsMax = 4;

const withoutStream = (segment: string): string => {
  const at = segment.indexOf(':');
  return at > 0 && /::|:\$/.test(segment) ? segment.slice(0, at) : segment;
};
