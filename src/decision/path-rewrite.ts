// The path that an API is asked for where it is not the caller's: `stripPrefix`, `addPrefix`, or a `rewrite` template of the
// rule's parameters and rest. The rule is judged on the caller's path; what comes out is forwarded, and judged to be canonical
// again. Compiled once from settings. No I/O.

import { type Denial, denial } from './outcome.ts';
import { isCanonicalPath } from './path.ts';
import {
  bothOf,
  parsePattern,
  type PathPattern,
  type PatternFault,
  patternOfSegments,
  type Segment,
} from './path-pattern.ts';

/** What one segment of the new path is made of: text, or the caller's segment at an index. */
type Piece = { readonly text: string } | { readonly at: number };

export interface PathRewrite {
  readonly template: readonly (readonly Piece[])[];
  /** Whether what `*` stands for follows. */
  readonly hasRest: boolean;
  /** Segments of the rule's pattern; the rest begins behind them. */
  readonly length: number;
  /** How many of the first segments, of the caller's path and of the new one, are not the same: what is behind them is. */
  readonly callerPrefix: number;
  readonly newPrefix: number;
}

export interface RewriteSettings {
  readonly path: PathPattern;
  readonly stripPrefix?: string | undefined;
  readonly addPrefix?: string | undefined;
  readonly rewrite?: string | undefined;
}

export interface RewriteFault extends PatternFault {
  readonly key: 'stripPrefix' | 'addPrefix' | 'rewrite';
}

export const isRewriteFault = (value: PathRewrite | RewriteFault | undefined): value is RewriteFault =>
  value !== undefined && 'fault' in value;

/** Undefined where the API is asked for the caller's path. */
export const compileRewrite = (settings: RewriteSettings): PathRewrite | RewriteFault | undefined => {
  const { path, stripPrefix, addPrefix, rewrite } = settings;
  if (rewrite !== undefined)
    return stripPrefix === undefined && addPrefix === undefined
      ? byTemplate(path, rewrite)
      : { key: 'rewrite', fault: 'stands beside stripPrefix or addPrefix; say all of it in rewrite' };
  if (stripPrefix === undefined && addPrefix === undefined) return undefined;
  const stripped = stripPrefix === undefined ? 0 : stripLength(path, stripPrefix);
  if (typeof stripped !== 'number') return { key: 'stripPrefix', ...stripped };
  const added = addPrefix === undefined ? [] : prefixSegments(addPrefix);
  if ('fault' in added) return { key: 'addPrefix', ...added };
  const texts = added.map((segment) => (segment.kind === 'literal' ? segment.text : undefined));
  if (texts.includes(undefined))
    return { key: 'addPrefix', fault: 'has a parameter; write rewrite for that' };
  const kept = path.segments.map(pieceOf).slice(stripped);
  return {
    template: [...texts.map((text = '') => [{ text }]), ...kept.map((piece) => [piece])],
    hasRest: path.hasRest,
    length: path.segments.length,
    callerPrefix: stripped,
    newPrefix: texts.length,
  };
};

const pieceOf = (segment: Segment, at: number): Piece =>
  segment.kind === 'literal' ? { text: segment.text } : { at };

/** Segments of a prefix: whole ones, without `*` and without a slash at the end. */
const prefixSegments = (written: string): readonly Segment[] | PatternFault => {
  const pattern = parsePattern(written);
  if ('fault' in pattern) return pattern;
  if (pattern.hasRest) return { fault: `is a prefix already; write ${written.slice(0, -2) || 'no /*'}` };
  const last = pattern.segments.at(-1);
  return last?.kind === 'literal' && last.text === ''
    ? {
        fault: `ends with /; write ${written === '/' ? 'a prefix such as /api, or remove it' : written.slice(0, -1)}`,
      }
    : pattern.segments;
};

/** How many segments are stripped: each must be what the rule's own path says there. */
const stripLength = (path: PathPattern, written: string): number | PatternFault => {
  const segments = prefixSegments(written);
  if ('fault' in segments) return segments;
  const isOwn = segments.every((segment, at) => {
    const own = path.segments[at];
    if (own === undefined) return false;
    return segment.kind === 'literal'
      ? own.kind === 'literal' && own.text === segment.text
      : own.kind === 'parameter' && own.name === segment.name;
  });
  return isOwn
    ? segments.length
    : {
        fault: `${written} is not how each path of ${path.written} begins; write a beginning of it, segment by segment`,
      };
};

/** `{name}`, alone or within a segment. */
const parameter = /\{([^{}]*)\}/;

const byTemplate = (path: PathPattern, written: string): PathRewrite | RewriteFault => {
  const wrong = (fault: string): RewriteFault => ({ key: 'rewrite', fault });
  const names = path.segments.flatMap((segment) => (segment.kind === 'parameter' ? [segment.name] : []));
  // The grammar of paths, each parameter standing for a text.
  const shape = parsePattern(written.replaceAll(new RegExp(parameter, 'g'), 'x'));
  if ('fault' in shape) return wrong(shape.fault);
  if (shape.segments.some(({ kind }) => kind === 'parameter')) return wrong('has :name; write {name}');
  if (shape.hasRest && !path.hasRest) return wrong(`has *, for which ${path.written} has nothing`);
  const parts = written.slice(1).split('/');
  const template: (readonly Piece[])[] = [];
  for (const part of shape.hasRest ? parts.slice(0, -1) : parts) {
    const pieces: Piece[] = [];
    for (const [index, text] of part.split(parameter).entries()) {
      const at =
        index % 2 === 0
          ? -1
          : path.segments.findIndex((own) => own.kind === 'parameter' && own.name === text);
      if (index % 2 === 1 && at < 0)
        return wrong(
          `{${text}} is no parameter of ${path.written}; ${names.length === 0 ? 'it has none' : `write one of ${names.map((name) => `{${name}}`).join(', ')}`}`,
        );
      if (at >= 0) pieces.push({ at });
      else if (text !== '') pieces.push({ text });
    }
    template.push(pieces);
  }
  const same = shape.hasRest === path.hasRest ? commonEnd(path.segments.map(pieceOf), template) : 0;
  return {
    template,
    hasRest: shape.hasRest,
    length: path.segments.length,
    callerPrefix: path.segments.length - same,
    newPrefix: template.length - same,
  };
};

/** How many of the last segments are the same. */
const commonEnd = (own: readonly Piece[], template: PathRewrite['template']): number => {
  let count = 0;
  while (count < Math.min(own.length, template.length)) {
    const [mine, pieces = []] = [own[own.length - 1 - count], template[template.length - 1 - count]];
    const [piece] = pieces.length === 0 ? [{ text: '' }] : pieces;
    if (pieces.length > 1 || mine === undefined || JSON.stringify(piece) !== JSON.stringify(mine)) break;
    count += 1;
  }
  return count;
};

/** A canonical path that the rule covers -> the one that is forwarded; a denial where that one would not be canonical. */
export const rewritePath = (rewrite: PathRewrite, path: string): string | Denial => {
  const segments = path.split('/').slice(1);
  const made: string[] = [];
  for (const pieces of rewrite.template) {
    let text = '';
    for (const piece of pieces) {
      const value = 'text' in piece ? piece.text : segments[piece.at];
      if (value === undefined || ('at' in piece && value === '')) return ambiguousRewrite;
      text += value;
    }
    made.push(text);
  }
  if (rewrite.hasRest) made.push(...segments.slice(rewrite.length));
  const target = `/${made.join('/')}`;
  return isCanonicalPath(target) ? target : ambiguousRewrite;
};

const ambiguousRewrite = denial('path_ambiguous', 'what the route makes of the path is not canonical');

/** Every path that is forwarded matches it. */
export const rewrittenPattern = ({
  path,
  rewrite,
}: {
  readonly path: PathPattern;
  readonly rewrite: PathRewrite | undefined;
}): PathPattern => {
  if (rewrite === undefined) return path;
  const segments = rewrite.template.map((pieces, at): Segment => {
    const [piece = { text: '' }] = pieces;
    return pieces.length <= 1 && 'text' in piece
      ? { kind: 'literal', text: piece.text }
      : { kind: 'parameter', name: `p${at}` };
  });
  return patternOfSegments(segments, rewrite.hasRest);
};

/**
 * The callers' paths behind those that are forwarded and match both the rule and `forwarded`, at most; undefined where a template
 * does more than to put one prefix in place of another.
 */
export const callersPattern = (
  { path, rewrite }: { readonly path: PathPattern; readonly rewrite: PathRewrite | undefined },
  forwarded: PathPattern,
): PathPattern | undefined => {
  if (rewrite === undefined) return bothOf(path, forwarded);
  const { callerPrefix, newPrefix, hasRest, template, length } = rewrite;
  if (hasRest !== path.hasRest || template.length - newPrefix !== length - callerPrefix) return undefined;
  const behind = forwarded.segments.slice(newPrefix);
  return bothOf(
    path,
    patternOfSegments([...path.segments.slice(0, callerPrefix), ...behind], forwarded.hasRest),
  );
};
