// The request target: one canonical form, or a denial. Escapes are in normal form before (normal-path.ts), and nothing else is
// ever normalised: the path that is authorized is, byte for byte, the path that is forwarded, so a target that two servers
// could read as two resources is refused. No I/O. Which escapes select another rule than their plain form, and whether those
// of reserved characters pass, is the router's to judge (proxy/routing/router.ts).

import { hexDigit } from './http-text.ts';
import { normalEscape } from './normal-path.ts';
import { type Denial, denial, isDenial } from './outcome.ts';
import { hasEndlessMarks, isAscii, plainForm } from './plain-text.ts';

/** `path + query` is the raw target. `query` begins with its `?`, and is kept byte for byte; empty when there is none. */
export interface Target {
  readonly path: string;
  readonly query: string;
}

/** What a character may do in a path (RFC 3986 section 3.3). Anything not in the table is refused. */
const refused = 0;
const plain = 1;
const slash = 2;
const dot = 3;
const percent = 4;
const question = 5;

/** pchar without `;`: path parameters (`/admin;x`) are stripped by some servers and kept by others. */
const plainCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*+,=:@";

const classes = new Uint8Array(256).fill(refused);
for (const character of plainCharacters) classes[character.charCodeAt(0)] = plain;
classes['/'.charCodeAt(0)] = slash;
classes['.'.charCodeAt(0)] = dot;
classes['%'.charCodeAt(0)] = percent;
classes['?'.charCodeAt(0)] = question;

/** Everything visible in ASCII but `#`: a fragment never belongs in a target. Node's parser refuses bytes above ASCII too. */
const queryText = /^[\x21\x22\x24-\x7e]*$/;

/**
 * Parses a request target in origin form (RFC 9112 section 3.2.1); every other form is refused, `*` included (the
 * absolute form has become origin form before: proxy/absolute-form.ts). Refused as `path_ambiguous`: empty, `.` and `..` segments (also between escaped blanks and separators), `\`, `;`, `#`,
 * characters that must be escaped, characters that a server may take for dot segments (`．．`), and every escape of a control character, of a second escape (`%252E`), of bytes that are not
 * UTF-8, or one that is not in normal form.
 * @param raw the target as received, one byte a character.
 */
export const parseTarget = (raw: string, bytesMax: number): Target | Denial => {
  const length = raw.length;
  if (length > bytesMax) return denial('target_too_long', `${length} bytes`);
  if (raw.charCodeAt(0) !== 47) return denial('path_ambiguous', 'not in origin form');
  let segmentAt = 1;
  let dots = 0;
  let escapes = false;
  let end = length;
  for (let at = 1; at < length; at++) {
    const kind = classes[raw.charCodeAt(at)] ?? refused;
    if (kind === plain) continue;
    if (kind === dot) dots++;
    else if (kind === slash) {
      if (isHollow(at - segmentAt, dots, false)) return denial('path_ambiguous', 'empty or dot segment');
      segmentAt = at + 1;
      dots = 0;
    } else if (kind === percent) {
      const problem = problemOfEscape(raw, at);
      if (problem !== undefined) return denial('path_ambiguous', problem);
      escapes = true;
    } else if (kind === question) {
      end = at;
      break;
    } else return denial('path_ambiguous', 'a character that no path may hold');
  }
  if (isHollow(end - segmentAt, dots, true)) return denial('path_ambiguous', 'empty or dot segment');
  const path = end === length ? raw : raw.slice(0, end);
  const problem = escapes ? problemOfDecoded(path) : undefined;
  if (problem !== undefined) return denial('path_ambiguous', problem);
  if (end === length) return { path, query: '' };
  const query = raw.slice(end);
  return queryText.test(query)
    ? { path, query }
    : denial('path_ambiguous', 'a fragment, or a character that no query may hold');
};

/** Whether a path that was made here is one that would be accepted. */
export const isCanonicalPath = (path: string): boolean => !isDenial(parseTarget(path, Infinity));

/** An empty segment (allowed only as the last: a trailing slash), `.` or `..`. */
const isHollow = (length: number, dots: number, isLast: boolean): boolean =>
  length === 0 ? !isLast : length <= 2 && dots === length;

const byteAt = (raw: string, at: number): number => {
  const high = hexDigit(raw.charCodeAt(at + 1));
  const low = hexDigit(raw.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
};

/** What is wrong with the escape at `at`; undefined when it can only be read one way. */
const problemOfEscape = (raw: string, at: number): string | undefined => {
  const byte = byteAt(raw, at);
  if (byte < 0) return 'broken escape';
  if (byte < 0x20 || byte === 0x7f) return 'escaped control character';
  const written = raw.slice(at, at + 3);
  if (normalEscape(written) !== written) return 'escape that is not in normal form';
  if (written === '%25' && isEscapeBody(raw, at + 3)) return 'escaped escape';
  return undefined;
};

/** Two hex digits at `at`: decoded twice, `%25` and these become another character. */
const isEscapeBody = (raw: string, at: number): boolean =>
  hexDigit(raw.charCodeAt(at)) >= 0 && hexDigit(raw.charCodeAt(at + 1)) >= 0;

/** A dot segment for a server that trims the blanks around it, or decodes what ends a segment or a path and reads it again. */
const hiddenDots = /[/\\]\s*\.{1,2}\s*(?:[/\\;?#]|$)/;

const problemOfDecoded = (path: string): string | undefined => {
  const decoded = readEscapes(path);
  if (decoded === undefined) return 'escapes are not UTF-8';
  if (hiddenDots.test(decoded)) return 'dot segment between blanks or escaped separators';
  if (isAscii(decoded)) return undefined;
  if (hasEndlessMarks(decoded)) return 'more marks on a letter than it can have';
  return hiddenDots.test(plainForm(decoded)) ? 'dot segment of characters that look like dots' : undefined;
};

/** A text with every escape read once; undefined when the bytes are not UTF-8 (RFC 3629: no overlong forms). */
export const readEscapes = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/** The path of a target as it was received, without the query. */
export const pathOf = (target: string): string => {
  const at = target.indexOf('?');
  return at < 0 ? target : target.slice(0, at);
};
