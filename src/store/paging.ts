// Pages in the order of ids. The cursor is the last id of the page before, so that what is added or removed meanwhile
// neither repeats nor hides anything else.

import type { Page, PageRequest } from './token-store.ts';

export const pageLimitMax = 1000;

/** How many items a page has at most. */
export const limitOf = ({ limit }: PageRequest): number => Math.max(1, Math.min(limit, pageLimitMax));

/** A page of records. `read`: at most `count` of them with an id greater than `after`, in order. */
export const pageOf = <T extends { readonly id: string }>(
  page: PageRequest,
  read: (after: string, count: number) => readonly T[],
): Page<T> => {
  const limit = limitOf(page);
  const items = read(page.cursor ?? '', limit + 1);
  if (items.length <= limit) return { items, nextCursor: undefined };
  const kept = items.slice(0, limit);
  return { items: kept, nextCursor: kept.at(-1)?.id };
};

/**
 * A page of an index of ids, whose records are read one by one. `listIds`: at most `count` ids greater than `after`, in
 * order. `read`: a record, or undefined when it has vanished.
 */
export const pageOfIndex = async <T>(
  page: PageRequest,
  listIds: (after: string | undefined, count: number) => Promise<readonly string[]>,
  read: (id: string) => Promise<T | undefined>,
): Promise<Page<T>> => {
  const limit = limitOf(page);
  const items: T[] = [];
  let last = page.cursor;
  for (;;) {
    const wanted = limit - items.length;
    const ids = await listIds(last, wanted + 1);
    const taken = ids.slice(0, wanted);
    const records = await Promise.all(taken.map((id) => read(id)));
    items.push(...records.filter((record) => record !== undefined));
    last = taken.at(-1) ?? last;
    if (ids.length <= wanted) return { items, nextCursor: undefined };
    if (items.length === limit) return { items, nextCursor: last };
  }
};
