// The plain form of a text: what it looks like to somebody who does not look closely, and what servers make of it that compare
// "compatible" characters as equal. Two texts with one plain form may be the same name to a server behind. No I/O.

/** Marks on letters, control characters (U+0085 is a blank for some), zero-width and other ignorable characters. */
const unseen = /[\p{M}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Nothing but printable ASCII: it is its own plain form, but for upper case. */
const ascii = /^[\x20-\x7e]*$/;
export const isAscii = (text: string): boolean => ascii.test(text);

/**
 * Lower case. Compatibility forms become plain letters (Unicode UAX 15: `ａ`, `ﬁ`, `ⓐ`), also separators and dots (`／`, `．`, `‥`);
 * accents and characters that nobody sees go. Upper case comes first: `ı` and `ſ` are lower case, but in upper case I and S.
 */
export const plainForm = (text: string): string =>
  isAscii(text)
    ? text.toLowerCase()
    : lowerCase(text.normalize('NFKD').replaceAll(unseen, '')).normalize('NFKD').replaceAll(unseen, '');

/** Letters that are one in upper case are one here. */
export const lowerCase = (text: string): string => text.toUpperCase().toLowerCase();

/**
 * More marks on one letter than any language has: the bound of the Stream-Safe Text Format (UAX 15 section 13). Without it,
 * finding the plain form of a long run takes time that grows with its square.
 */
const marksMax = 30;
const tooManyMarks = new RegExp(`\\p{M}{${marksMax + 1}}`, 'u');
export const hasEndlessMarks = (text: string): boolean => tooManyMarks.test(text);
