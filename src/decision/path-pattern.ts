// What a route's or a surface's path says: segments, each spelled out or a parameter, and whether everything below belongs
// to it. A pattern is a value that only the parser here makes, and a request path is a string, so neither passes for the
// other. The questions that settings ask of two patterns are answered here; path-tree.ts finds the pattern of a path. No I/O.

export type Segment =
  /** `text` is empty only in the last segment: a slash at the end of the path. */
  | { readonly kind: 'literal'; readonly text: string }
  /** One whole segment, not empty. */
  | { readonly kind: 'parameter'; readonly name: string };

export interface PathPattern {
  readonly written: string;
  readonly segments: readonly Segment[];
  /** Whether it ends with `*`: everything below the segments, also the nothing after their slash, but not they alone. */
  readonly hasRest: boolean;
  /** Equal for two patterns that match the same paths: parameters have no name in it. */
  readonly form: string;
}

export interface PatternFault {
  /** What is wrong with the pattern, and what to write instead. */
  readonly fault: string;
}

export const isPatternFault = (value: PathPattern | PatternFault): value is PatternFault => 'fault' in value;

/** Unreserved and sub-delimiters of RFC 3986 section 3.3, `@` and `:`; `*` and `;` mean other things. */
const literalText = /^[A-Za-z0-9._~!$&'()+,=@:-]+$/;
const parameterName = /^(?:\{([A-Za-z_][A-Za-z0-9_]{0,63})\}|:([A-Za-z_][A-Za-z0-9_]{0,63}))$/;

/** `/things` exactly, `/things/*` everything below `/things/`; `{org}` or `:org` is one segment. */
export const parsePattern = (written: string): PathPattern | PatternFault => {
  if (!written.startsWith('/')) return { fault: 'a path begins with /' };
  const parts = written.slice(1).split('/');
  const hasRest = parts.at(-1) === '*';
  const segments: Segment[] = [];
  for (const [index, part] of (hasRest ? parts.slice(0, -1) : parts).entries()) {
    const segment = parseSegment(part, !hasRest && index === parts.length - 1);
    if ('fault' in segment) return segment;
    segments.push(segment);
  }
  const names = segments.map(nameOf).filter((name) => name !== undefined);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined)
    return { fault: `the parameter ${repeated} stands twice; give each its own name` };
  return patternFrom(written, segments, hasRest);
};

/** The pattern of a path that stands in the code, or has been checked. Throws on what is none. */
export const patternOf = (written: string): PathPattern => {
  const pattern = parsePattern(written);
  if (isPatternFault(pattern)) throw new Error(`${written} is no path pattern: ${pattern.fault}`);
  return pattern;
};

const patternFrom = (written: string, segments: readonly Segment[], hasRest: boolean): PathPattern => {
  const parts = segments.map((segment) => (segment.kind === 'literal' ? segment.text : ':'));
  return { written, segments, hasRest, form: `/${[...parts, ...(hasRest ? ['*'] : [])].join('/')}` };
};

const parseSegment = (part: string, isLast: boolean): Segment | PatternFault => {
  if (part === '')
    return isLast
      ? { kind: 'literal', text: '' }
      : { fault: 'it has an empty segment (//); write one / between segments' };
  if (part === '.' || part === '..')
    return { fault: `a segment ${part} never reaches the router; write the path without it` };
  if (part === '*') return { fault: '* stands only at the end; write {name} for one segment in the middle' };
  const [, braced, colon] = parameterName.exec(part) ?? [];
  const name = braced ?? colon;
  if (name !== undefined) return { kind: 'parameter', name };
  if (literalText.test(part) && !part.startsWith(':')) return { kind: 'literal', text: part };
  return { fault: faultOfText(part) };
};

const faultOfText = (part: string): string => {
  const [before = '', after] = part.split('*', 2);
  if (after !== undefined)
    return `* is a whole segment at the end; write ${before === '' ? '' : `/${before}`}/* or name the segments`;
  if (/[?#]/.test(part)) return 'a path has no query or fragment; write it without ? and #';
  if (/^:|[{}]/.test(part))
    return `${part} is not a parameter; write {name}, a whole segment of letters, digits and _`;
  if (part.includes('%')) return 'percent-encoding is decided before routing; write the path as plain ASCII';
  return `${JSON.stringify(part)} holds a character that no canonical path has; write letters, digits and -._~!$&'()+,=@:`;
};

const nameOf = (segment: Segment): string | undefined =>
  segment.kind === 'parameter' ? segment.name : undefined;

/** Names of the parameters, from left to right. */
export const parameterNames = ({ segments }: PathPattern): readonly string[] =>
  segments.map(nameOf).filter((name) => name !== undefined);

/** Whether some path matches both. */
export const overlaps = (one: PathPattern, other: PathPattern): boolean => {
  const [length, otherLength] = [one.segments.length, other.segments.length];
  const canBeAsLong = one.hasRest
    ? other.hasRest || otherLength > length
    : other.hasRest
      ? length > otherLength
      : length === otherLength;
  return (
    canBeAsLong &&
    one.segments.every((segment, at) => {
      const facing = other.segments[at];
      return facing === undefined || segmentCovers(segment, facing) || segmentCovers(facing, segment);
    })
  );
};

/** What matches both; undefined where nothing does. */
export const bothOf = (one: PathPattern, other: PathPattern): PathPattern | undefined => {
  if (!overlaps(one, other)) return undefined;
  const length = Math.max(one.segments.length, other.segments.length);
  const segments = Array.from({ length }, (_, at): Segment => {
    const [mine, theirs] = [one.segments[at], other.segments[at]];
    const chosen = mine?.kind === 'literal' ? mine : (theirs ?? mine);
    return chosen?.kind === 'literal' ? chosen : { kind: 'parameter', name: `p${at}` };
  });
  return patternOfSegments(segments, one.hasRest && other.hasRest);
};

/** A pattern of these segments, written as a person would. */
export const patternOfSegments = (segments: readonly Segment[], hasRest: boolean): PathPattern => {
  const written = segments.map((segment) =>
    segment.kind === 'literal' ? segment.text : `{${segment.name}}`,
  );
  return patternFrom(`/${[...written, ...(hasRest ? ['*'] : [])].join('/')}`, segments, hasRest);
};

/** Whether every path that matches `narrow` matches `wide` too. */
export const covers = (wide: PathPattern, narrow: PathPattern): boolean => {
  const [length, narrowLength] = [wide.segments.length, narrow.segments.length];
  const isAlwaysAsLong = wide.hasRest
    ? narrowLength > length || (narrow.hasRest && narrowLength === length)
    : !narrow.hasRest && narrowLength === length;
  return (
    isAlwaysAsLong &&
    wide.segments.every((segment, at) => {
      const facing = narrow.segments[at];
      return facing !== undefined && segmentCovers(segment, facing);
    })
  );
};

const segmentCovers = (wide: Segment, narrow: Segment): boolean =>
  wide.kind === 'literal'
    ? narrow.kind === 'literal' && narrow.text === wide.text
    : narrow.kind === 'parameter' || narrow.text !== '';

/** Whether some path that begins with these segments, and goes on behind them or ends there, matches the pattern. */
export const startsWith = ({ segments, hasRest }: PathPattern, before: readonly string[]): boolean =>
  before.every((text, at) => {
    const segment = segments[at];
    return segment === undefined ? hasRest : segment.kind === 'parameter' || segment.text === text;
  });

/**
 * Positive: the first is the more exact, and wins where both match. A literal comes before a parameter and that before the
 * rest, from left to right.
 */
export const compareExactness = (one: PathPattern, other: PathPattern): number => {
  const segmentsMax = Math.max(one.segments.length, other.segments.length);
  for (let at = 0; at <= segmentsMax; at++) {
    const difference = exactnessAt(one, at) - exactnessAt(other, at);
    if (difference !== 0) return difference;
  }
  return 0;
};

const exactnessAt = ({ segments, hasRest }: PathPattern, at: number): number => {
  const segment = segments[at];
  if (segment === undefined) return hasRest && at === segments.length ? 1 : 0;
  return segment.kind === 'parameter' ? 2 : 3;
};

/** `/admin` of `/admin/*`. */
export const withoutRest = ({ written, segments }: PathPattern): PathPattern =>
  patternFrom(written.replace(/\/\*$/, ''), segments, false);

/** The pattern of paths that have been folded: each literal too, and what is empty then is left out. */
export const foldPattern = (pattern: PathPattern, foldSegment: (text: string) => string): PathPattern => {
  const folded = pattern.segments
    .map((segment): Segment =>
      segment.kind === 'literal' ? { kind: 'literal', text: foldSegment(segment.text) } : segment,
    )
    .filter(isNotEmpty);
  const isRoot = folded.length === 0 && !pattern.hasRest;
  return patternFrom(pattern.written, isRoot ? [{ kind: 'literal', text: '' }] : folded, pattern.hasRest);
};

const isNotEmpty = (segment: Segment): boolean => segment.kind === 'parameter' || segment.text !== '';
