// The methods that headers or a query ask a server to use instead of the request's own: frameworks read `?_method=DELETE` as DELETE.
// It lists what any of them may read; whether that is allowed, the rules say. No I/O.

import { readEscapes } from './path.ts';

/** All of them. `inHeaders`: values of the headers that ask for another method. Most requests have neither. */
export const methodsAskedFor = (
  inHeaders: readonly string[] | undefined,
  query: string,
): readonly string[] => {
  const inQuery = methodsInQuery(query);
  return inHeaders === undefined ? inQuery : [...inHeaders, ...inQuery];
};

/**
 * Values of every query parameter that some server takes for `_method`: in any case, escaped, behind blanks, and as PHP
 * writes names (`.`, ` ` and `[` are `_`).
 * @param query as received, its `?` included.
 */
export const methodsInQuery = (query: string): readonly string[] => {
  if (query === '' || !mayNameMethod.test(query)) return noMethods;
  return query
    .slice(1)
    .split(/[&;]/)
    .flatMap((part) => {
      const end = part.indexOf('=');
      const name = decoded(end < 0 ? part : part.slice(0, end));
      return methodName.test(name) ? [end < 0 ? '' : decoded(part.slice(end + 1))] : [];
    });
};

/** A name with an escape or the word: all that is looked for in most queries. */
const mayNameMethod = /(?:^\?|[&;])[^=&;]*(?:%|method)/i;
const methodName = /^[\s\0]*[_.[\s]method\]?(?:\[.*)?$/i;
const noMethods: readonly string[] = [];

const decoded = (text: string): string => {
  const spaced = text.replaceAll('+', ' ');
  return readEscapes(spaced) ?? readAsciiEscapes(spaced);
};

/** Where some bytes are not UTF-8, the name may still be read from the rest. */
const readAsciiEscapes = (text: string): string =>
  text.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
