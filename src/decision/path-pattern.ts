// Paths with places in them, such as `/accounts/{account}/tokens/{token}`: which pattern a path fits, what stands in its
// places, and whether two patterns can fit the same path. No I/O. Percent-escapes are read once, in places only: where a
// pattern is literal, a path must be too (path.ts refuses the escapes that could spell the same thing another way).

import { decodePath } from './path.ts';

/** Name of a place -> the segment found there, escapes read. */
export type PathParameters = Readonly<Record<string, string>>;

export interface PathMatch<T> {
  readonly value: T;
  readonly parameters: PathParameters;
}

interface Compiled<T> {
  /** Everything up to the first place: what most other paths already differ in. */
  readonly head: string;
  readonly expression: RegExp;
  readonly names: readonly string[];
  readonly value: T;
}

const place = /^\{([A-Za-z][A-Za-z0-9]*)\}$/;
const optionalSlash = '/?';
const below = '/*';

/**
 * Patterns and what belongs to each. In a pattern `{name}` is one whole segment, not empty; a final `/?` is a slash that
 * may be left out, a final `/*` everything below, and the path itself; all else is literal. A literal segment goes before
 * a place, from left to right, and everything below comes last.
 */
export class PathTable<T> {
  readonly #literal = new Map<string, T>();
  readonly #compiled: readonly Compiled<T>[];

  constructor(entries: Iterable<readonly [pattern: string, value: T]>) {
    const compiled: (Compiled<T> & { readonly order: string })[] = [];
    for (const [pattern, value] of entries) {
      if (pattern.includes('{') || pattern.endsWith(below))
        compiled.push({ ...compile(pattern, value), order: orderOf(pattern) });
      else for (const path of spellings(pattern)) this.#literal.set(path, value);
    }
    this.#compiled = compiled.toSorted((a, b) => (a.order < b.order ? -1 : 1));
  }

  /** Undefined when no pattern fits. */
  find(path: string): PathMatch<T> | undefined {
    const value = this.#literal.get(path);
    if (value !== undefined) return { value, parameters: {} };
    for (const { head, expression, names, value: found } of this.#compiled) {
      if (!path.startsWith(head)) continue;
      const match = expression.exec(path);
      if (match === null) continue;
      const parameters: Record<string, string> = {};
      for (const [index, name] of names.entries()) {
        const text = decodePath(match[index + 1] ?? '');
        if (text === undefined) return undefined;
        parameters[name] = text;
      }
      return { value: found, parameters };
    }
    return undefined;
  }

  /** Whether a pattern fits. On the path of every request: allocates nothing. */
  has(path: string): boolean {
    if (this.#literal.has(path)) return true;
    for (const { head, expression } of this.#compiled)
      if (path.startsWith(head) && expression.test(path)) return true;
    return false;
  }
}

const compile = <T>(pattern: string, value: T): Compiled<T> => {
  const names: string[] = [];
  const end = pattern.endsWith(optionalSlash) ? optionalSlash : pattern.endsWith(below) ? below : '';
  const fixed = pattern.slice(0, pattern.length - end.length);
  const source = fixed.split('/').map((segment) => {
    const name = place.exec(segment)?.[1];
    if (name === undefined) return segment.replaceAll(/\W/g, '\\$&');
    names.push(name);
    return '([^/]+)';
  });
  return {
    head: fixed.split('{', 1)[0] ?? '',
    expression: new RegExp(`^${source.join('/')}${end === below ? '(?:/.*)?' : end}$`),
    names,
    value,
  };
};

/** Sorts a literal segment before a place. */
const orderOf = (pattern: string): string =>
  pattern.endsWith(below)
    ? '2'
    : pattern
        .split('/')
        .map((segment) => (place.test(segment) ? '1' : '0'))
        .join('');

/** One pattern with a slash that may be left out is two without. */
export const spellings = (pattern: string): readonly string[] => {
  if (!pattern.endsWith(optionalSlash)) return [pattern];
  const without = pattern.slice(0, -optionalSlash.length);
  return [without, `${without}/`];
};

/** Whether some path fits both patterns. */
export const patternsMeet = (one: string, other: string): boolean =>
  spellings(one).some((a) => spellings(other).some((b) => spellingsMeet(a.split('/'), b.split('/'))));

const spellingsMeet = (one: readonly string[], other: readonly string[]): boolean => {
  if (one.at(-1) === '*' || other.at(-1) === '*') return belowMeets(one, other);
  return one.length === other.length && segmentsMeet(one, other);
};

/** At least one of them is everything below somewhere. */
const belowMeets = (one: readonly string[], other: readonly string[]): boolean => {
  const [fixed, facing] = [one, other].map((path) => (path.at(-1) === '*' ? path.slice(0, -1) : path));
  if (fixed === undefined || facing === undefined) return false;
  // What is closed must reach as far as what is open.
  if (one.at(-1) !== '*' && fixed.length < facing.length) return false;
  if (other.at(-1) !== '*' && facing.length < fixed.length) return false;
  return segmentsMeet(fixed.slice(0, facing.length), facing);
};

/** As many of them as the shorter has. */
const segmentsMeet = (one: readonly string[], other: readonly string[]): boolean =>
  one.every((segment, index) => {
    const facing = other[index] ?? '';
    return (
      segment === facing || (segment !== '' && facing !== '' && (place.test(segment) || place.test(facing)))
    );
  });
