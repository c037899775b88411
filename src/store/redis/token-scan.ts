// Listings of API tokens: each shard gives a few members of its set, and only the records of those that are shown are read.
// A set may be behind the record it leads to, for a moment or after a lost connection: the record counts, and the set is
// put right by whoever meets it.

import { shardOfAccount } from '../../tokens/shard.ts';
import type { ApiTokenRecord } from '../records.ts';
import {
  mergePlaces,
  scanLimitMax,
  type TokenCount,
  type TokenOrder,
  type TokenPart,
  type TokenPlace,
  type TokenScan,
} from '../token-places.ts';
import type { TokenStore } from '../token-store.ts';
import { runOn } from './connections.ts';
import type { StoreContext } from './context.ts';
import { allShards, isStorableId, isStorableTokenId } from './key-space.ts';
import { parseToken, tokenFieldNames } from './record-codec.ts';
import { afterTime, boundsOfName, memberOf, placeOfMember } from './token-index-keys.ts';
import { buryScript, placeToken } from './place-token.ts';
import { createIndexGuard } from './token-upkeep.ts';

type TokenScans = Pick<TokenStore, 'scanTokens' | 'countTokens' | 'buryTokens'>;

/** Fewest members that a set is asked for. */
const askedMin = 8;

interface Met {
  readonly place: TokenPlace;
  readonly part: TokenPart;
  readonly key: string;
}

export const tokenScans = (context: StoreContext): TokenScans => {
  const { keys, reads, attempt } = context;
  const writes = context.unacknowledged('sweep');
  const guard = createIndexGuard(context);
  const shardsOf = (orgId: string, userId: string | undefined): readonly number[] =>
    userId === undefined ? allShards : [shardOfAccount(orgId, userId)];
  const nameOf = (orgId: string, userId: string | undefined): string =>
    userId === undefined ? keys.accountOfOrg(orgId) : keys.account(orgId, userId);
  const isStorable = (orgId: string, userId: string | undefined): boolean =>
    isStorableId(orgId) && (userId === undefined || isStorableId(userId));

  /** Live ones are asked for before revoked ones, on one connection: a token that moves in between is in one or both. */
  const members = async (scan: TokenScan, limit: number): Promise<readonly (readonly Met[])[]> => {
    const parts = (['live', 'revoked'] as const).filter((part) => scan.parts.includes(part));
    const [min, max] = boundsOf(scan);
    return Promise.all(
      shardsOf(scan.orgId, scan.userId).flatMap((shard) =>
        parts.map(async (part): Promise<readonly Met[]> => {
          const key = keys.tokenIndex(shard, part, scan.by, nameOf(scan.orgId, scan.userId));
          const found = await reads.on(key, (client) =>
            scan.isDescending
              ? client.zrevrangebylex(key, max, min, 'LIMIT', 0, limit)
              : client.zrangebylex(key, min, max, 'LIMIT', 0, limit),
          );
          return found.map((member) => ({ place: placeOfMember(member, scan.by), part, key }));
        }),
      ),
    );
  };

  /** The record a member leads to. Puts the sets right where it does not, beside the listing. */
  const read = async ({ place, part, key }: Met, by: TokenOrder): Promise<ApiTokenRecord | undefined> => {
    const record = keys.token(place.id);
    const values = await reads.on(record, (client) => client.hmget(record, ...tokenFieldNames));
    const token = parseToken(place.id, values);
    if (token === undefined)
      void attempt(() => writes.on(key, (client) => client.zrem(key, memberOf(place, by))));
    else if ((token.state === 'revoked') !== (part === 'revoked'))
      void attempt(() => placeToken(context, token));
    return token;
  };

  return {
    scanTokens: (scan) =>
      attempt(async () => {
        if (!isStorable(scan.orgId, scan.userId))
          return { tokens: [], visited: 0, last: undefined, isEnd: true };
        await guard(scan.orgId, scan.userId);
        const limit = Math.max(1, Math.min(scan.limit, scanLimitMax));
        const { isDescending } = scan;
        // The sets of a big org are about as long in every shard: twice the fair share of each is nearly always enough.
        const sets = shardsOf(scan.orgId, scan.userId).length;
        const asked = Math.min(limit, Math.max(askedMin, Math.ceil((2 * limit) / sets)));
        const found = await members(scan, asked);
        const { items, isEnd } = mergePlaces(found, { isDescending, limit, asked });
        const records = await Promise.all(items.map((met) => read(met, scan.by)));
        const tokens = records.filter((token) => token !== undefined);
        return { tokens, visited: items.length, last: items.at(-1)?.place, isEnd };
      }),

    countTokens: ({ orgId, userId, part, unexpiredAtMs }: TokenCount) =>
      attempt(async () => {
        if (!isStorable(orgId, userId)) return 0;
        await guard(orgId, userId);
        const counts = await Promise.all(
          shardsOf(orgId, userId).map((shard) => {
            const key = keys.tokenIndex(shard, part, 'expiresAtMs', nameOf(orgId, userId));
            return reads.on(key, (client) =>
              unexpiredAtMs === undefined
                ? client.zcard(key)
                : client.zlexcount(key, afterTime(unexpiredAtMs), '+'),
            );
          }),
        );
        return counts.reduce((total, count) => total + count, 0);
      }),

    buryTokens: (tokenIds, nowMs) =>
      attempt(async (): Promise<'done'> => {
        await Promise.all(
          tokenIds.filter(isStorableTokenId).map(async (tokenId) => {
            const record = keys.token(tokenId);
            await runOn(writes, buryScript, [record], [nowMs]);
            const values = await writes.on(record, (client) => client.hmget(record, ...tokenFieldNames));
            const token = parseToken(tokenId, values);
            if (token !== undefined) await placeToken(context, token);
          }),
        );
        return 'done';
      }),
  };
};

/** Lexical bounds, the lesser first. */
const boundsOf = ({ by, name, after, isDescending }: TokenScan): readonly [min: string, max: string] => {
  const [min, max] = name === undefined ? (['-', '+'] as const) : boundsOfName(name);
  if (after === undefined) return [min, max];
  const bound = `(${memberOf(after, by)}`;
  return isDescending ? [min, bound] : [bound, max];
};
