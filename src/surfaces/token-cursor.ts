// Where a page of API tokens ended, as an opaque text: what is added or removed meanwhile neither repeats nor hides
// anything else. It is no secret and no right: whatever a caller makes of it shows only what the caller may list.

import { z } from 'zod';
import type { TokenQuery } from '../lifecycle/token-list.ts';
import { tokenOrders, type TokenPlace } from '../store/token-index.ts';

type Order = NonNullable<TokenQuery['sort']>;

const written = z.tuple([
  z.enum(tokenOrders),
  z.boolean(),
  z.union([z.string().max(256), z.int().nonnegative()]),
  z.uuid(),
]);

export const cursorOf = ({ value, id }: TokenPlace, { by, isDescending }: Order): string =>
  Buffer.from(JSON.stringify([by, isDescending, value, id])).toString('base64url');

/** `malformed`: none of ours, or of a listing in another order. */
export const readCursor = (cursor: string, order: Order): TokenPlace | 'malformed' => {
  const read = written.safeParse(parsed(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!read.success) return 'malformed';
  const [by, isDescending, value, id] = read.data;
  const isOfOrder = by === order.by && isDescending === order.isDescending;
  return isOfOrder && (typeof value === 'string') === (by === 'name') ? { value, id } : 'malformed';
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};
