// JSON from strangers: bounded depth, no name twice, no `__proto__`. JSON.parse alone keeps the last of two names, and
// two readers of one token must never read two subjects. Values out, never an exception.

export type StrictJson = { readonly value: unknown } | { readonly why: string };

/** Parses JSON text; `why` it was refused: no JSON, too deep, a member name used twice, or one named `__proto__`. */
export const readStrictJson = (text: string, depthMax: number): StrictJson => {
  const memberCount = countMembers(text, depthMax);
  if (memberCount === undefined) return { why: `the JSON is nested deeper than ${depthMax}` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { why: 'it is not JSON' };
  }
  return countOwnNames(value) === memberCount
    ? { value }
    : { why: 'the JSON has a member twice, or one named __proto__' };
};

/**
 * Members written in the text: colons outside strings, which is exact for text that JSON.parse accepts. Names kept
 * twice in the text but once in the value show as a difference. Undefined when the text nests too deep.
 */
const countMembers = (text: string, depthMax: number): number | undefined => {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // a string: on to its closing quote, over escapes
        for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++)
          if (text.charCodeAt(at) === 0x5c) at++;
        break;
      case 0x3a: // :
        members++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > depthMax) return undefined;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
    }
  }
  return members;
};

/** Names in the parsed value; NaN, which equals nothing, when one is `__proto__`. */
const countOwnNames = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countOwnNames(item), 0);
  let count = 0;
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__') return Number.NaN;
    count += 1 + countOwnNames(member);
  }
  return count;
};

export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An own member, of whatever name; undefined where there is none. */
export const member = (value: unknown, name: string): unknown =>
  isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
