// Percent-encoding of a path in its one normal form (RFC 3986 section 6.2.2): what needs no escape has none, and the digits of
// the others are upper-case. It is made once, where a request comes in, so that what is judged is what is forwarded, logged and
// answered. It judges nothing.

/**
 * The target with the escapes of its path in normal form. The query stays byte for byte: nobody is let in by it, and callers sign
 * it as they wrote it. A path with a broken escape stays as it is, and is refused: `%%32F` must not become `%2F`. So does one
 * with an escape of `%` before what would then be another escape (`%25%32F`): it becomes `%252F`, which is refused too.
 */
export const normalTarget = (target: string): string => {
  if (!target.includes('%')) return target;
  const queryAt = target.indexOf('?');
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  if (brokenEscape.test(path)) return target;
  const normal = path.replaceAll(escape, normalEscape);
  return normal === path ? target : normal + (queryAt < 0 ? '' : target.slice(queryAt));
};

const brokenEscape = /%(?![0-9A-Fa-f]{2})/;
const escape = /%[0-9A-Fa-f]{2}/g;
/** RFC 3986 section 2.3. */
const unreserved = /[A-Za-z0-9._~-]/;

/** What one escape with two hexadecimal digits is in normal form: the character, or upper-case digits. */
export const normalEscape = (written: string): string => {
  const character = String.fromCharCode(Number.parseInt(written.slice(1), 16));
  return unreserved.test(character) ? character : written.toUpperCase();
};
