// Finds the pattern of a request path: the most exact of those that match (compareExactness in path-pattern.ts). A path is
// canonical (path.ts) and compared as it stands, escapes and case included. No I/O.

import { parameterNames, type PathPattern } from './path-pattern.ts';

export interface PathMatch<T> {
  readonly value: T;
  readonly pattern: PathPattern;
  /** The segments where the pattern has parameters, from left to right, as they stand in the path. */
  readonly parameters: readonly string[];
}

/** Name of a parameter -> the segment found there, escapes read once. */
export type PathParameters = Readonly<Record<string, string>>;

interface Entry<T> {
  readonly pattern: PathPattern;
  readonly value: T;
}

/** What may follow the segments that lead here. */
interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  parameter: Node<T> | undefined;
  rest: Entry<T> | undefined;
  /** Of the pattern that ends here. */
  end: Entry<T> | undefined;
}

const emptyNode = <T>(): Node<T> => ({
  literals: new Map(),
  parameter: undefined,
  rest: undefined,
  end: undefined,
});

/** A look-up visits a node of the tree at most once, whatever the path. */
export class PathTree<T> {
  readonly #root: Node<T> = emptyNode();

  /** Throws where two patterns match the same paths. */
  constructor(entries: Iterable<readonly [pattern: PathPattern, value: T]>) {
    for (const [pattern, value] of entries) this.#add({ pattern, value });
  }

  #add(entry: Entry<T>): void {
    const { pattern } = entry;
    let node = this.#root;
    for (const segment of pattern.segments) {
      const known = segment.kind === 'literal' ? node.literals.get(segment.text) : node.parameter;
      const next: Node<T> = known ?? emptyNode();
      if (segment.kind === 'literal') node.literals.set(segment.text, next);
      else node.parameter = next;
      node = next;
    }
    const ending = pattern.hasRest ? 'rest' : 'end';
    const twin = node[ending];
    if (twin !== undefined)
      throw new Error(`${twin.pattern.written} and ${pattern.written} match the same paths`);
    node[ending] = entry;
  }

  has(path: string): boolean {
    return path.startsWith('/') && findBelow(this.#root, path, 1, undefined) !== undefined;
  }

  find(path: string): PathMatch<T> | undefined {
    if (!path.startsWith('/')) return undefined;
    const parameters: string[] = [];
    const found = findBelow(this.#root, path, 1, parameters);
    return found === undefined ? undefined : { value: found.value, pattern: found.pattern, parameters };
  }
}

/** `at`: where the next segment begins; behind the end of the path when there is none. */
const findBelow = <T>(
  node: Node<T>,
  path: string,
  at: number,
  parameters: string[] | undefined,
): Entry<T> | undefined => {
  if (at > path.length) return node.end;
  const slash = path.indexOf('/', at);
  const end = slash < 0 ? path.length : slash;
  const segment = path.slice(at, end);
  const literal = node.literals.get(segment);
  const found = literal === undefined ? undefined : findBelow(literal, path, end + 1, parameters);
  if (found !== undefined) return found;
  if (node.parameter !== undefined && segment !== '') {
    parameters?.push(segment);
    const below = findBelow(node.parameter, path, end + 1, parameters);
    if (below !== undefined) return below;
    parameters?.pop();
  }
  return node.rest;
};

/** The parameters of a match by name. The path is canonical, so its escapes can be read. */
export const namedParameters = ({ pattern, parameters }: PathMatch<unknown>): PathParameters =>
  Object.fromEntries(
    parameterNames(pattern).map((name, at) => [name, decodeURIComponent(parameters[at] ?? '')]),
  );
