// In which orders API tokens are listed, and by which key each is sorted. Pure; both adapters keep their indexes by it.

import type { Outage } from '../decision/outcome.ts';
import type { ApiTokenRecord } from './records.ts';

export const tokenOrders = ['createdAtMs', 'name', 'expiresAtMs'] as const;

/** What never expires comes last. Equal ones are in the order of their ids. */
export type TokenOrder = (typeof tokenOrders)[number];

/** `live`: not revoked by itself; it may have expired, or have died with its user or org. `revoked`: by itself. */
export type TokenPart = 'live' | 'revoked';

/** By what a token is sorted. A name is compared by its UTF-8 bytes. */
export interface TokenSortKey {
  readonly value: string | number;
  readonly id: string;
}

/** Which tokens are read next. */
export interface TokenScan {
  readonly orgId: string;
  /** Undefined: of all users of the org. */
  readonly userId: string | undefined;
  readonly parts: readonly TokenPart[];
  readonly by: TokenOrder;
  readonly isDescending: boolean;
  /** Only tokens of exactly this name; needs `by: 'name'`. */
  readonly name?: string | undefined;
  /** Only what comes after this key in that order; undefined: from the beginning. */
  readonly after: TokenSortKey | undefined;
  /** How many members of the order are looked at, at the most. */
  readonly limit: number;
}

export interface TokenScanStep {
  /** Often fewer than `limit`: a member may lead to no record, and a step may end early. */
  readonly tokens: readonly ApiTokenRecord[];
  /** How many members were looked at. */
  readonly visited: number;
  /** The key of the last one; undefined: there was none. */
  readonly last: TokenSortKey | undefined;
  readonly isEnd: boolean;
}

/** The greatest limit of one scan: no command and no statement takes longer than a few milliseconds. */
export const scanLimitMax = 100;

/** How many tokens are counted. */
export interface TokenCount {
  readonly orgId: string;
  readonly userId: string | undefined;
  readonly part: TokenPart;
  /** Only those that have not expired at this time. */
  readonly unexpiredAtMs?: number | undefined;
}

/** The commands of the port that list API tokens, in these orders. */
export interface TokenListings {
  /** The next tokens of a listing. Costs what it returns, however many there are. */
  scanTokens(scan: TokenScan): Promise<TokenScanStep | Outage>;
  /** How many there are, without reading them. */
  countTokens(count: TokenCount): Promise<number | Outage>;
  /**
   * Marks tokens that died with their user or org as revoked by themselves, so that no listing or count meets them among
   * the live ones again. Only for those that `isTokenDead` says are dead, for good: no line in the feed.
   */
  buryTokens(tokenIds: readonly string[], nowMs: number): Promise<'done' | Outage>;
}

/** The sort key of what never expires. */
export const neverMs = Number.MAX_SAFE_INTEGER;

/** The expiry behind a sort key. */
export const expiryOf = (endsAtMs: number): number | undefined =>
  endsAtMs === neverMs ? undefined : endsAtMs;

export const sortKeyOf = (token: Pick<ApiTokenRecord, 'id' | TokenOrder>, by: TokenOrder): TokenSortKey => ({
  value: by === 'expiresAtMs' ? (token.expiresAtMs ?? neverMs) : token[by],
  id: token.id,
});

/** Negative: `one` comes before `other`, ascending. */
export const compareSortKeys = (one: TokenSortKey, other: TokenSortKey): number => {
  if (one.value !== other.value)
    return typeof one.value === 'number' && typeof other.value === 'number'
      ? one.value - other.value
      : Buffer.compare(Buffer.from(`${one.value}`), Buffer.from(`${other.value}`));
  if (one.id === other.id) return 0;
  return one.id < other.id ? -1 : 1;
};

/**
 * The first `limit` of several lists that are each in order, each token once. `found`: of each list as many as there are,
 * or `asked` of them: beyond the end of such a list nothing is known, so nothing further is taken.
 */
export const mergeSorted = <T extends { readonly sortKey: TokenSortKey }>(
  found: readonly (readonly T[])[],
  { isDescending, limit, asked }: Pick<TokenScan, 'isDescending' | 'limit'> & { readonly asked: number },
): { readonly items: readonly T[]; readonly isEnd: boolean } => {
  const direction = isDescending ? -1 : 1;
  const compare = (one: T, other: T): number => direction * compareSortKeys(one.sortKey, other.sortKey);
  const ends = found.filter((list) => list.length >= asked).map((list) => list.at(-1));
  const known = ends.reduce(
    (least, end) => (least === undefined || (end !== undefined && compare(end, least) < 0) ? end : least),
    undefined,
  );
  const sorted = found.flat().sort(compare);
  const each = sorted.filter(
    (item, index) =>
      sorted[index - 1]?.sortKey.id !== item.sortKey.id && (known === undefined || compare(item, known) <= 0),
  );
  return { items: each.slice(0, limit), isEnd: known === undefined && each.length <= limit };
};
