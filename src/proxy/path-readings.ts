// The other ways in which a server behind us may read a path. Many servers ignore case, a slash at the end, and blanks or
// dots at the end of a segment; some fold look-alike letters (NFKC, best fit), drop characters that nobody sees, take
// `.json` for a format, or `::$DATA` for a part of a file. It only lists readings; lenient-rules.ts judges them.

import { readEscapes } from '../decision/path.ts';

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

/** A path with its escapes read and folded by `foldPath`; undefined when its bytes are not UTF-8. */
export const foldEscaped = (path: string): string | undefined => {
  if (!path.includes('%')) return foldPath(path);
  const decoded = readEscapes(path);
  return decoded === undefined ? undefined : foldPath(decoded);
};

/** Every spelling that one lenient server or another takes for the same path becomes one. */
const foldPath = (path: string): string => {
  const folded = ascii.test(path) ? path.toLowerCase() : foldUnicode(path);
  const trimmed = folded.replaceAll(blankEnds, '');
  return trimmed === folded ? folded : trimmed.replaceAll(/\/{2,}/g, '/');
};

/** One segment of a path, or of a pattern, folded alike; empty when nothing is left of it. */
export const foldSegment = (segment: string): string => foldPath(`/${segment}`).slice(1);

/** Printable ASCII: what a canonical path holds besides its escapes. */
const ascii = /^[\x20-\x7e]*$/;

/** Blanks before a segment, blanks and dots after it. A run is tried once, from its beginning. */
const blankEnds = /(?<=\/)\s+|(?<![\s.])[\s.]+(?=\/|$)/g;

/**
 * Compatibility forms become plain letters (Unicode UAX 15: `ａ`, `ﬁ`, `ⓐ`), accents and characters that nobody sees go,
 * and the separators that come out of that (`／`, `．．`, `；`, `？`) mean what they mean in ASCII. Upper case comes first:
 * `ı` and `ſ` are lower case, but in upper case I and S.
 */
const foldUnicode = (path: string): string => {
  const plain = path.normalize('NFKD').replaceAll(unseen, '').toUpperCase().toLowerCase().normalize('NFKD');
  const [beforeQuery = ''] = plain.replaceAll(unseen, '').replaceAll('\\', '/').split(/[?#]/, 1);
  return resolveDots(beforeQuery.replaceAll(/;[^/]*/g, ''));
};

/** Marks on letters, control characters (U+0085 is a blank for some), zero-width and other ignorable characters. */
const unseen = /[\p{M}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Removes `.` and `..` segments, blanks around them ignored (RFC 3986 section 5.2.4). */
const resolveDots = (path: string): string => {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [at, segment] of segments.entries()) {
    const bare = segment.trim();
    if (bare === '..') kept.pop();
    if (bare === '..' || bare === '.') {
      if (at === segments.length - 1) kept.push('');
    } else kept.push(segment);
  }
  return `/${kept.join('/')}`;
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
