// Listings of API tokens: each shard gives a few members of its set, and only the records that are shown are read.
// A set may be behind the record it leads to, for a moment or after a lost connection: the record counts, and the set is
// corrected by the listing that meets it.

import { shardOfAccount } from '../../tokens/shard.ts';
import type { ApiTokenRecord } from '../records.ts';
import {
  expiryOf,
  mergeSorted,
  scanLimitMax,
  sortKeyOf,
  type TokenCount,
  type TokenListings,
  type TokenOrder,
  type TokenPart,
  type TokenSortKey,
  type TokenScan,
} from '../token-listing.ts';
import { loadToken } from './api-tokens.ts';
import { commandsOf, runOn, type Step, type StoreContext } from './context.ts';
import { allShards, isStorableAccount, isStorableTokenId } from './key-space.ts';
import {
  afterTime,
  boundsOfName,
  buryScript,
  indexToken,
  memberOf,
  reindexToken,
  sortKeyOfMember,
} from './token-sets.ts';
import { createIndexGuard } from './upkeep.ts';

/** Fewest members that a set is asked for. */
const askedMin = 8;

/** A member of a set, which leads to a token. */
interface Member {
  readonly sortKey: TokenSortKey;
  readonly part: TokenPart;
  readonly key: string;
}

/** Of whom tokens are listed. */
type Owner = Pick<TokenScan, 'orgId' | 'userId'>;

const shardsOf = ({ orgId, userId }: Owner): readonly number[] =>
  userId === undefined ? allShards : [shardOfAccount(orgId, userId)];

/** Live ones are asked for before revoked ones, on one connection: a token that moves in between is in one or both. */
const membersOf = (
  { keys, reads }: StoreContext,
  scan: TokenScan,
  limit: number,
): Promise<readonly (readonly Member[])[]> => {
  const parts = (['live', 'revoked'] as const).filter((part) => scan.parts.includes(part));
  const [min, max] = boundsOf(scan);
  const read = async (shard: number, part: TokenPart): Promise<readonly Member[]> => {
    const key = keys.tokenIndex(shard, part, scan.by, keys.account(scan.orgId, scan.userId));
    const found = await reads.on(key, (client) =>
      scan.isDescending
        ? client.zrevrangebylex(key, max, min, 'LIMIT', 0, limit)
        : client.zrangebylex(key, min, max, 'LIMIT', 0, limit),
    );
    return found.map((member) => ({ sortKey: sortKeyOfMember(member, scan.by), part, key }));
  };
  return Promise.all(shardsOf(scan).flatMap((shard) => parts.map((part) => read(shard, part))));
};

/**
 * The record that a member leads to. Corrects the sets beside the listing where it leads to none, or to one that stands
 * elsewhere by now: its expiry has changed.
 */
const readMember = async (
  context: StoreContext,
  { sortKey, part, key }: Member,
  by: TokenOrder,
): Promise<ApiTokenRecord | undefined> => {
  const { attempt, unacknowledged } = context;
  const token = await loadToken(context, sortKey.id);
  if (token === undefined)
    void attempt(() => unacknowledged('sweep').on(key, (client) => client.zrem(key, memberOf(sortKey, by))));
  else if (by === 'expiresAtMs' && sortKeyOf(token, by).value !== sortKey.value) {
    const before = { ...token, expiresAtMs: expiryOf(Number(sortKey.value)) };
    void attempt(() => reindexToken(context, before, token));
  } else if ((token.state === 'revoked') !== (part === 'revoked'))
    void attempt(() => indexToken(context, token));
  return token;
};

const scanTokens: Step<'scanTokens'> = async (context, scan) => {
  const limit = Math.max(1, Math.min(scan.limit, scanLimitMax));
  const { isDescending, by } = scan;
  // The sets of a big org are about as long in every shard: twice the fair share of each is nearly always enough.
  const fairShare = Math.ceil((2 * limit) / shardsOf(scan).length);
  const asked = Math.min(limit, Math.max(askedMin, fairShare));
  const found = await membersOf(context, scan, asked);
  const { items, isEnd } = mergeSorted(found, { isDescending, limit, asked });
  const records = await Promise.all(items.map((member) => readMember(context, member, by)));
  const tokens = records.filter((token) => token !== undefined);
  return { tokens, visited: items.length, last: items.at(-1)?.sortKey, isEnd };
};

const countTokens: Step<'countTokens'> = async ({ keys, reads }, count) => {
  const { part, unexpiredAtMs } = count;
  const counts = await Promise.all(
    shardsOf(count).map((shard) => {
      const key = keys.tokenIndex(shard, part, 'expiresAtMs', keys.account(count.orgId, count.userId));
      return reads.on(key, (client) =>
        unexpiredAtMs === undefined
          ? client.zcard(key)
          : client.zlexcount(key, afterTime(unexpiredAtMs), '+'),
      );
    }),
  );
  return counts.reduce((total, each) => total + each, 0);
};

export const buryTokens: Step<'buryTokens'> = async (context, tokenIds, nowMs) => {
  const writes = context.unacknowledged('sweep');
  const bury = async (tokenId: string): Promise<void> => {
    await runOn(writes, buryScript, [context.keys.token(tokenId)], [nowMs]);
    const token = await loadToken(context, tokenId, writes);
    if (token !== undefined) await indexToken(context, token);
  };
  await Promise.all(tokenIds.filter(isStorableTokenId).map(bury));
  return 'done';
};

export const tokenListings = (context: StoreContext): TokenListings => {
  const command = commandsOf(context);
  const guard = createIndexGuard(context);
  return {
    scanTokens: command(async (_, scan: TokenScan) => {
      if (!isStorableAccount(scan.orgId, scan.userId))
        return { tokens: [], visited: 0, last: undefined, isEnd: true };
      await guard(scan.orgId, scan.userId);
      return scanTokens(context, scan);
    }),
    countTokens: command(async (_, count: TokenCount) => {
      if (!isStorableAccount(count.orgId, count.userId)) return 0;
      await guard(count.orgId, count.userId);
      return countTokens(context, count);
    }),
    buryTokens: command(buryTokens),
  };
};

/** Lexical bounds, the lesser first. */
const boundsOf = ({ by, name, after, isDescending }: TokenScan): readonly [min: string, max: string] => {
  const [min, max] = name === undefined ? (['-', '+'] as const) : boundsOfName(name);
  if (after === undefined) return [min, max];
  const bound = `(${memberOf(after, by)}`;
  return isDescending ? [min, bound] : [bound, max];
};
