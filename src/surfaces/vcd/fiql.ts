// The vendor's filters (FIQL): `(name==probe;owner.name==admin;(type==PROXY,type==REFRESH))`, where `;` is and, `,` is or,
// and and binds more tightly. Bounded in length, depth and number, so that reading one is cheap.

/** Says what a member of an entry is; undefined: it has none. */
export type Members = (name: string) => string | undefined;

export type Filter = { readonly kind: 'all' | 'any'; readonly of: readonly Filter[] } | Comparison;

export interface Comparison {
  readonly kind: 'comparison';
  readonly name: string;
  /** What the member is exactly; undefined: the comparison asks for something else. */
  readonly exactly: string | undefined;
  /** `found`: the member; undefined: the entry has none. */
  readonly holds: (found: string | undefined) => boolean;
}

export const matches = (filter: Filter, members: Members): boolean => {
  switch (filter.kind) {
    case 'all':
      return filter.of.every((part) => matches(part, members));
    case 'any':
      return filter.of.some((part) => matches(part, members));
    case 'comparison':
      return filter.holds(members(filter.name));
  }
};

export interface FilterOptions {
  /** Members there are. */
  readonly names: readonly string[];
  /** How a value is written: percent-encoded once more where the client says so. */
  readonly decodeValue: (value: string) => string;
}

const filterLengthMax = 2048;
const depthMax = 16;
const comparisonsMax = 64;

/** Brackets in a value come in pairs: `name==probe (1)`. */
const comparison = /([A-Za-z][A-Za-z0-9.]{0,63})(==|!=|=(?:gt|ge|lt|le)=)((?:[^;,()]|\([^;,()]*\))*)/y;

/** A sentence for the caller when it cannot be read. */
export const parseFilter = (text: string, options: FilterOptions): Filter | string => {
  if (text.length > filterLengthMax) return `A filter has at most ${filterLengthMax} characters.`;
  let at = 0;
  let count = 0;
  let fault: string | undefined;
  const fail = (message: string): Filter => {
    fault ??= message;
    return never;
  };
  /** Nothing more is taken once something was wrong. */
  const takes = (character: string): boolean => {
    if (fault !== undefined || text.charAt(at) !== character) return false;
    at += 1;
    return true;
  };

  const joined =
    (kind: 'all' | 'any', separator: string, part: (depth: number) => Filter) =>
    (depth: number): Filter => {
      const of = [part(depth)];
      while (takes(separator)) of.push(part(depth));
      return { kind, of };
    };
  const one = (depth: number): Filter => {
    if (!takes('(')) return compared();
    if (depth >= depthMax) return fail(`A filter is nested at most ${depthMax} deep.`);
    const inside = either(depth + 1);
    return fault !== undefined || takes(')') ? inside : fail(`The filter lacks a ) at character ${at + 1}.`);
  };
  const compared = (): Filter => {
    comparison.lastIndex = at;
    const [whole = '', name = '', operator = '', value = ''] = comparison.exec(text) ?? [];
    if (whole === '')
      return fail(
        `The filter cannot be read at character ${at + 1}: write name==value, ; for and, , for or.`,
      );
    if (!options.names.includes(name)) return fail(`Filter by ${options.names.join(', ')}.`);
    if (++count > comparisonsMax) return fail(`A filter has at most ${comparisonsMax} comparisons.`);
    at += whole.length;
    return compare(name, operator, options.decodeValue(value));
  };
  const either = joined('any', ',', joined('all', ';', one));

  const filter = either(0);
  if (fault === undefined && at < text.length) fail(`The filter cannot be read at character ${at + 1}.`);
  return fault ?? filter;
};

const never: Filter = { kind: 'any', of: [] };

const compare = (name: string, operator: string, wanted: string): Comparison => {
  const pieces = wanted.split('*');
  const holds = (found: string | undefined): boolean => {
    if (operator === '!=') return found === undefined || !fits(found, pieces);
    if (found === undefined) return false;
    switch (operator) {
      case '==':
        return fits(found, pieces);
      case '=gt=':
        return found > wanted;
      case '=ge=':
        return found >= wanted;
      case '=lt=':
        return found < wanted;
      default:
        return found <= wanted;
    }
  };
  const exactly = operator === '==' && pieces.length === 1 ? wanted : undefined;
  return { kind: 'comparison', name, exactly, holds };
};

/** `pieces`: what stands between the asterisks, each of which is any text. Linear, but for the repeated search. */
const fits = (text: string, pieces: readonly string[]): boolean => {
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
};
