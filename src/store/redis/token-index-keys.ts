// The sorted sets by which API tokens are listed on Redis: their names, their members, and which of them a token is in.
//
// Each order has one set for the user and one for the part of the org that lies in the user's shard, and this twice: for
// live tokens and for those revoked by themselves. All scores are 0: members stand in the order of their bytes,
// `<time of 16 digits>:<id>` or `<name>\0<id>`.

import { shardOfAccount, shardOfTokenId } from '../../tokens/shard.ts';
import type { ApiTokenRecord } from '../records.ts';
import {
  neverMs,
  sortKeyOf,
  type TokenOrder,
  tokenOrders,
  type TokenPart,
  type TokenSortKey,
} from '../token-listing.ts';
import { DamagedRecord, parseJson } from '../record-reader.ts';
import type { KeySpace } from './key-space.ts';

/** What the indexes hold of a token, and what is left of it once its record has vanished. */
export type IndexedToken = Pick<
  ApiTokenRecord,
  'id' | 'orgId' | 'userId' | 'name' | 'createdAtMs' | 'expiresAtMs'
>;

const digits = (ms: number): string => String(ms).padStart(16, '0');
const idLength = 36;
const separatorOf = (by: TokenOrder): string => (by === 'name' ? '\0' : ':');

export const memberOf = ({ value, id }: TokenSortKey, by: TokenOrder): string =>
  `${typeof value === 'number' ? digits(value) : value}${separatorOf(by)}${id}`;

export const sortKeyOfMember = (member: string, by: TokenOrder): TokenSortKey => {
  const id = member.slice(-idLength);
  const value = member.slice(0, -idLength - 1);
  return { value: by === 'name' ? value : Number(value), id };
};

/** Everything with a time after this one. */
export const afterTime = (ms: number): string => `(${digits(Math.min(ms, neverMs))};`;

/** Everything of exactly this name: from, up to. */
export const boundsOfName = (name: string): readonly [min: string, max: string] => [
  `[${name}\0`,
  `(${name}\u0001`,
];

/** In the order in which every script takes them: of the user, of the org; each by each order. */
export const indexKeysOf = (keys: KeySpace, token: IndexedToken, part: TokenPart): string[] => {
  const shard = shardOfAccount(token.orgId, token.userId);
  return [keys.account(token.orgId, token.userId), keys.account(token.orgId, undefined)].flatMap((of) =>
    tokenOrders.map((by) => keys.tokenIndex(shard, part, by, of)),
  );
};

/** The members for these keys. */
export const membersOf = (token: IndexedToken): string[] => {
  const members = tokenOrders.map((by) => memberOf(sortKeyOf(token, by), by));
  return [...members, ...members];
};

/** A member of the set of records that vanish: all that is needed to take them out of the indexes then. */
export const vanishingOf = ({ id, orgId, userId, name, createdAtMs, expiresAtMs }: IndexedToken): string =>
  JSON.stringify([id, orgId, userId, name, createdAtMs, expiresAtMs ?? null]);

export const parseVanishing = (member: string): IndexedToken => {
  const what = `the member ${member.slice(0, idLength + 2)} of the vanishing tokens`;
  const parsed = parseJson(what, member);
  const [id, orgId, userId, name, createdAtMs, expiresAtMs]: readonly unknown[] = Array.isArray(parsed)
    ? parsed
    : [];
  if (
    typeof id !== 'string' ||
    typeof orgId !== 'string' ||
    typeof userId !== 'string' ||
    typeof name !== 'string' ||
    typeof createdAtMs !== 'number' ||
    (expiresAtMs !== null && typeof expiresAtMs !== 'number') ||
    shardOfTokenId(id) !== shardOfAccount(orgId, userId)
  )
    throw new DamagedRecord(what);
  return { id, orgId, userId, name, createdAtMs, expiresAtMs: expiresAtMs ?? undefined };
};
