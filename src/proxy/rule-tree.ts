// Patterns of paths, by method, and what belongs to each; the most exact pattern wins. The one file that knows
// find-my-way, told never to decode, fold or cut anything.

import findMyWay, { type HTTPMethod } from 'find-my-way';

export type { HTTPMethod };

export interface Found<T> {
  readonly value: T;
  /** Parameter -> the segment found there, as it stands in the path. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
}

export class RuleTree<T> {
  readonly #tree = findMyWay(options);
  /** A parameter is a segment, never the nothing after a trailing slash, which find-my-way would take for one. */
  readonly #treeOfSlashed = findMyWay(options);
  readonly #values = new Map<unknown, T>();

  /** @param pattern `/things/*`, `/accounts/:account/tokens`; `::` is a colon. Throws on one that is none, or is known. */
  add(method: HTTPMethod, pattern: string, value: T): void {
    const key = {};
    this.#values.set(key, value);
    this.#tree.on(method, pattern, unused, key);
    if (!endsWithParameter.test(pattern)) this.#treeOfSlashed.on(method, pattern, unused, key);
  }

  /** `path` without `%`, `?` and `#`: put something else in their place. */
  find(method: HTTPMethod, path: string): Found<T> | undefined {
    const found = (path.endsWith('/') ? this.#treeOfSlashed : this.#tree).find(method, path);
    if (found === null) return undefined;
    const value = this.#values.get(found.store);
    return value === undefined ? undefined : { value, parameters: found.params };
  }
}

/** Without a limit: a parameter longer than find-my-way's 100 characters would fall through to another rule. */
const options = { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: Infinity };

const endsWithParameter = /\/:(?!:)[^/]*$/;

const unused = (): void => undefined;
