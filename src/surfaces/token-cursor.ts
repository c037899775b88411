// The position where a page of API tokens ended, as an opaque text: tokens that are added or removed meanwhile neither
// repeat nor hide others. It is no secret and grants nothing: a forged one shows only what its caller may list anyway.

import { readStrictJson } from '../decision/strict-json.ts';
import { isTokenId } from '../lifecycle/names.ts';
import type { TokenOrder, TokenSortKey } from '../store/token-listing.ts';

interface Order {
  readonly by: TokenOrder | 'lastUsedAtMs';
  readonly isDescending: boolean;
}

const nameLengthMax = 256;

export const cursorOf = ({ value, id }: TokenSortKey, { by, isDescending }: Order): string =>
  Buffer.from(JSON.stringify([by, isDescending, value, id])).toString('base64url');

/** `malformed`: not one of ours, or of a listing in another sort order. */
export const readCursor = (cursor: string, order: Order): TokenSortKey | 'malformed' => {
  const read = readStrictJson(Buffer.from(cursor, 'base64url').toString('utf8'), 1);
  if ('why' in read || !Array.isArray(read.value) || read.value.length !== 4) return 'malformed';
  const [by, isDescending, value, id] = read.value as readonly unknown[];
  if (by !== order.by || isDescending !== order.isDescending || typeof id !== 'string' || !isTokenId(id))
    return 'malformed';
  if (order.by === 'name')
    return typeof value === 'string' && value.length <= nameLengthMax ? { value, id } : 'malformed';
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? { value, id } : 'malformed';
};
