// The sorted sets by which API tokens are listed on Redis: their names, their members, which of them a token is in, and the
// script that puts it there. Repeating that is safe, from any state before.
//
// Each order has one set for the user and one for the part of the org that lies in the user's shard, and this twice: for
// live tokens and for those revoked by themselves. All scores are 0: members stand in the order of their bytes,
// `<time of 16 digits>:<id>` or `<name>\0<id>`.

import { shardOfAccount, shardOfTokenId } from '../../tokens/shard.ts';
import {
  neverMs,
  sortKeyOf,
  type TokenOrder,
  tokenOrders,
  type TokenPart,
  type TokenSortKey,
} from '../token-listing.ts';
import { DamagedRecord, integer, optional, parseJson, record, text } from '../record-reader.ts';
import { runOn, type StoreContext } from './context.ts';
import type { KeySpace } from './key-space.ts';
import { expireRecord, script, writeExpiry } from './script.ts';

/** What the indexes hold of a token, and what is left of it once its record has vanished: written in this order. */
export type IndexedToken = ReturnType<typeof readIndexed>;
const readIndexed = record({
  id: text,
  orgId: text,
  userId: text,
  name: text,
  createdAtMs: integer,
  expiresAtMs: optional(integer),
});

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

/** As the document of a token has it. */
export const expiryText = ({ expiresAtMs }: Pick<IndexedToken, 'expiresAtMs'>): string =>
  `${expiresAtMs ?? null}`;

/** A member of the set of records that vanish: all that is needed to take them out of the indexes then. */
export const vanishingOf = (token: IndexedToken): string =>
  JSON.stringify(readIndexed.names.map((name) => token[name] ?? null));

export const parseVanishing = (member: string): IndexedToken => {
  const what = `the member ${member.slice(0, idLength + 2)} of the vanishing tokens`;
  const parsed = parseJson(what, member);
  const values: readonly unknown[] = Array.isArray(parsed) ? parsed : [];
  const token = readIndexed(
    Object.fromEntries(readIndexed.names.map((name, at) => [name, values[at]])),
    what,
  );
  if (shardOfTokenId(token.id) !== shardOfAccount(token.orgId, token.userId)) throw new DamagedRecord(what);
  return token;
};

/**
 * Puts a token into the sets it belongs to, and out of all others; out of every one when its record has vanished. Given with an
 * expiry it has no more, it leaves those that hold that.
 * KEYS token, the user's ids, vanishing records, six sets of live ones, six of revoked ones, looks for reminders. ARGV id, member of the vanishing
 * records, six members (the third of each three by expiry), expiry.
 */
const indexScript = script(`${writeExpiry}
local known = redis.call('HMGET', KEYS[1], 'doc', 'revokedAtMs')
local isCurrent = known[1] and expiryIn(known[1]) == ARGV[9]
local left = redis.call('PTTL', KEYS[1])
local to = known[1] and (known[2] and 9 or 3) or nil
if known[1] then redis.call('ZADD', KEYS[2], 0, ARGV[1]) else redis.call('ZREM', KEYS[2], ARGV[1]) end
for _, part in ipairs({3, 9}) do
  for i = 1, 6 do
    if part == to and (isCurrent or i % 3 ~= 0) then redis.call('ZADD', KEYS[part + i], 0, ARGV[2 + i])
    else redis.call('ZREM', KEYS[part + i], ARGV[2 + i]) end
  end
end
if left >= 0 and isCurrent then
  local now = redis.call('TIME')
  redis.call('ZADD', KEYS[3], string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) + left), ARGV[2])
else redis.call('ZREM', KEYS[3], ARGV[2]) end
if to == 3 and left >= 0 then redis.call('ZADD', KEYS[16], 'NX', 0, ARGV[1])
else redis.call('ZREM', KEYS[16], ARGV[1]) end
return 1
`);

/** Marks a token as revoked by itself, unless it is. KEYS token. ARGV revokedAtMs. */
export const buryScript = script(`${expireRecord}
if redis.call('HEXISTS', KEYS[1], 'doc') == 0 then return 0 end
if redis.call('HSETNX', KEYS[1], 'revokedAtMs', ARGV[1]) == 1 then expireRecord(KEYS[1]) end
return 1
`);

export const indexToken = async (
  { keys, unacknowledged }: Pick<StoreContext, 'keys' | 'unacknowledged'>,
  token: IndexedToken,
): Promise<void> => {
  const touched = [
    keys.token(token.id),
    keys.tokensOf(token.orgId, token.userId),
    keys.vanishing(shardOfTokenId(token.id)),
    ...indexKeysOf(keys, token, 'live'),
    ...indexKeysOf(keys, token, 'revoked'),
    keys.looks(shardOfTokenId(token.id)),
  ];
  await runOn(unacknowledged('sweep'), indexScript, touched, [
    token.id,
    vanishingOf(token),
    ...membersOf(token),
    expiryText(token),
  ]);
};

/** `before`: with the expiry by which the token stands in the sets. */
export const reindexToken = async (
  context: Pick<StoreContext, 'keys' | 'unacknowledged'>,
  before: IndexedToken,
  now: IndexedToken,
): Promise<void> => {
  await indexToken(context, before);
  await indexToken(context, now);
};
