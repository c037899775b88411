// Pages of an index in the order of its ids. The cursor is the last id of the page before, so that what is added or
// removed meanwhile neither repeats nor hides anything else.

import type { Page, PageRequest } from '../token-store.ts';

export const pageLimitMax = 1000;

/**
 * `listIds(after, count)`: at most `count` ids, `after` being a lexical bound (`-` or `(id`).
 * `read(id)`: its record, or undefined when it vanished; `vanished` is told which did.
 */
export const pageOf = async <T>(
  page: PageRequest,
  listIds: (after: string, count: number) => Promise<readonly string[]>,
  read: (id: string) => Promise<T | undefined>,
  vanished?: (ids: readonly string[]) => void,
): Promise<Page<T>> => {
  const limit = Math.max(1, Math.min(page.limit, pageLimitMax));
  const items: T[] = [];
  let last = page.cursor;
  for (;;) {
    const wanted = limit - items.length;
    const ids = await listIds(last === undefined ? '-' : `(${last}`, wanted + 1);
    const taken = ids.slice(0, wanted);
    const records = await Promise.all(taken.map((id) => read(id)));
    const gone = taken.filter((_, i) => records[i] === undefined);
    if (gone.length > 0) vanished?.(gone);
    for (const record of records) if (record !== undefined) items.push(record);
    last = taken.at(-1) ?? last;
    if (ids.length <= wanted) return { items, nextCursor: undefined };
    if (items.length === limit) return { items, nextCursor: last };
  }
};
