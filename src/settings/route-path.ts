// A route's path as written -> the pattern the router takes, its parameters, and the form that shows two rules as one.
// No I/O. Only whole segments vary: `{org}` or `:org` is one segment, `*` at the end is the rest.

import { not, type Read, type Reader, right, wrong } from './reader.ts';

export interface RoutePath {
  readonly written: string;
  /** find-my-way pattern: parameters as `:name`, a literal colon doubled. */
  readonly pattern: string;
  readonly parameters: readonly string[];
  /** Equal for two paths that match the same requests: parameters have lost their names. */
  readonly form: string;
}

interface Segment {
  readonly pattern: string;
  readonly parameter: string | undefined;
}

/** Unreserved and sub-delimiters of RFC 3986 section 3.3, `@` and `:`; `*` and `;` mean other things. */
const literal = /^[A-Za-z0-9._~!$&'()+,=@:-]+$/;
const parameterName = /^(?:\{([A-Za-z_][A-Za-z0-9_]{0,63})\}|:([A-Za-z_][A-Za-z0-9_]{0,63}))$/;

export const routePath: Reader<RoutePath> = {
  read: (value): Read<RoutePath> => {
    if (typeof value !== 'string' || !value.startsWith('/')) return not(value, 'a path', routePath.expects);
    const parts = value.slice(1).split('/');
    const segments: Segment[] = [];
    for (const [index, segment] of parts.entries()) {
      const isLast = index === parts.length - 1;
      const read = readSegment(segment, isLast);
      if (!read.ok) return wrong(`${JSON.stringify(value)}: ${read.message}`);
      segments.push(read.value);
    }
    const parameters = segments.flatMap(({ parameter }) => parameter ?? []);
    const repeated = parameters.find((name, index) => parameters.indexOf(name) !== index);
    if (repeated !== undefined)
      return wrong(
        `${JSON.stringify(value)}: the parameter ${repeated} stands twice; give each its own name`,
      );
    return right({
      written: value,
      pattern: `/${segments.map(({ pattern }) => pattern).join('/')}`,
      parameters,
      form: `/${segments.map(({ pattern, parameter }) => (parameter === undefined ? pattern : ':')).join('/')}`,
    });
  },
  expects: '/things, /things/* (everything below /things/) or /accounts/{org}/things ({org} is one segment)',
  json: { type: 'string', pattern: '^/' },
};

const readSegment = (segment: string, isLast: boolean): Read<Segment> => {
  if (segment === '' && isLast) return right({ pattern: '', parameter: undefined });
  if (segment === '') return wrong('it has an empty segment (//); write one / between segments');
  if (segment === '.' || segment === '..')
    return wrong(`a segment ${segment} never reaches the router; write the path without it`);
  if (segment === '*')
    return isLast
      ? right({ pattern: '*', parameter: undefined })
      : wrong('* stands only at the end; write {name} for one segment in the middle');
  const name = parameterName.exec(segment);
  const parameter = name?.[1] ?? name?.[2];
  if (parameter !== undefined) return right({ pattern: `:${parameter}`, parameter });
  const [before = '', after] = segment.split('*', 2);
  if (after !== undefined)
    return wrong(
      `* is a whole segment at the end; write ${before === '' ? '' : `/${before}`}/* or name the segments`,
    );
  if (/[?#]/.test(segment)) return wrong('a path has no query or fragment; write it without ? and #');
  if (/^:|[{}]/.test(segment))
    return wrong(`${segment} is not a parameter; write {name}, a whole segment of letters, digits and _`);
  if (segment.includes('%'))
    return wrong('percent-encoding is decided before routing; write the path as plain ASCII');
  return literal.test(segment)
    ? right({ pattern: segment.replaceAll(':', '::'), parameter: undefined })
    : wrong(
        `${JSON.stringify(segment)} holds a character that no canonical path has; write letters, digits and -._~!$&'()+,=@:`,
      );
};
