// Pages in the order of a key: the cursor is the last key of the page before, so that what is added or removed
// meanwhile neither repeats nor hides anything else.

import type { Page, PageRequest } from '../token-store.ts';

export const pageLimitMax = 1_000;

/** `read` gives at most `count` items whose id is greater than `after`, in order. */
export const pageOf = <T extends { readonly id: string }>(
  page: PageRequest,
  read: (after: string, count: number) => T[],
): Page<T> => {
  const limit = Math.max(1, Math.min(page.limit, pageLimitMax));
  const items = read(page.cursor ?? '', limit + 1);
  if (items.length <= limit) return { items, nextCursor: undefined };
  const kept = items.slice(0, limit);
  return { items: kept, nextCursor: kept.at(-1)?.id };
};
