// Where a page of API tokens ended, as an opaque text: what is added or removed meanwhile neither repeats nor hides
// anything else. It is no secret and no right: whatever a caller makes of it shows only what the caller may list.

import { z } from 'zod';
import {
  placeOf,
  type TokenPlace,
  type TokenQuery,
  type TokenOrderKey,
  type TokenView,
} from '../../lifecycle/token-list.ts';

export const tokenSorts = [
  'createdAt',
  '-createdAt',
  'expiresAt',
  '-expiresAt',
  'lastUsedAt',
  '-lastUsedAt',
  'name',
  '-name',
  'user',
  '-user',
  'state',
  '-state',
  'id',
  '-id',
] as const;

export type TokenSort = (typeof tokenSorts)[number];

const keys: Readonly<Record<TokenSort, TokenOrderKey>> = {
  createdAt: 'createdAtMs',
  '-createdAt': 'createdAtMs',
  expiresAt: 'expiresAtMs',
  '-expiresAt': 'expiresAtMs',
  lastUsedAt: 'lastUsedAtMs',
  '-lastUsedAt': 'lastUsedAtMs',
  name: 'name',
  '-name': 'name',
  user: 'userId',
  '-user': 'userId',
  state: 'state',
  '-state': 'state',
  id: 'id',
  '-id': 'id',
};

export const readSort = (sort: TokenSort): NonNullable<TokenQuery['sort']> => ({
  by: keys[sort],
  isDescending: sort.startsWith('-'),
});

/** JSON has no infinities: what never expires and what was never used is null. */
const written = z.tuple([z.enum(tokenSorts), z.union([z.string(), z.number(), z.null()]), z.uuid()]);

export const cursorOf = (last: TokenView, sort: TokenSort): string => {
  const { value, id } = placeOf(last, keys[sort]);
  const finite = value === Infinity || value === -Infinity ? null : value;
  return Buffer.from(JSON.stringify([sort, finite, id])).toString('base64url');
};

/** `malformed`: none of ours, or of a listing in another order. */
export const readCursor = (cursor: string, sort: TokenSort): TokenPlace | 'malformed' => {
  const read = written.safeParse(parsed(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!read.success || read.data[0] !== sort) return 'malformed';
  const [, value, id] = read.data;
  const key = keys[sort];
  if (value === null) {
    if (key === 'expiresAtMs') return { value: Infinity, id };
    return key === 'lastUsedAtMs' ? { value: -Infinity, id } : 'malformed';
  }
  return (typeof value === 'number') === key.endsWith('Ms') ? { value, id } : 'malformed';
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};
