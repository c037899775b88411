// What HTTP's grammar calls a token, a blank and a hexadecimal digit (RFC 9110 section 5.6, RFC 5234 appendix B.1). No I/O.

/** RFC 9110 section 5.6.2: methods, and names of fields. */
export const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A blank or a tab, by its character code. */
export const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

/**
 * A value, or a part of one, without the blanks around it. Not `trim`, which takes away more than browsers do (RFC 6265 section
 * 5.2): by a no-break space before `__Host-` another host could set a cookie of that name.
 */
export const withoutBlanks = (text: string, start = 0, end = text.length): string => {
  let [from, to] = [start, end];
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
};

/** The value of a hexadecimal digit, by its character code; -1: it is none. */
export const hexDigit = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
};

/** `host:port` of an origin such as `https://api.example.com:8443`. */
export const authorityOf = (origin: string): string => origin.slice(origin.indexOf('//') + 2);
