// In which orders API tokens are listed, and where a token stands in one. Pure; both adapters keep their indexes by it.

import type { ApiTokenRecord } from './records.ts';

export const tokenOrders = ['createdAtMs', 'name', 'expiresAtMs'] as const;

/** What never expires comes last. Equal ones are in the order of their ids. */
export type TokenOrder = (typeof tokenOrders)[number];

/** `live`: not revoked by itself; it may have expired, or have died with its user or org. `revoked`: by itself. */
export type TokenPart = 'live' | 'revoked';

/** Where a token stands in an order. A name stands by its UTF-8 bytes. */
export interface TokenPlace {
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
  /** Only what comes after this place in that order; undefined: from the beginning. */
  readonly after: TokenPlace | undefined;
  /** Most places that are looked at. */
  readonly limit: number;
}

export interface TokenScanStep {
  /** Often fewer than `limit`: a place may lead to no record, and a step may end early. */
  readonly tokens: readonly ApiTokenRecord[];
  /** How many places were looked at. */
  readonly visited: number;
  /** The last place that was looked at; undefined: there was none. */
  readonly last: TokenPlace | undefined;
  readonly isEnd: boolean;
}

/** Most places of one scan: no command and no statement takes longer than a few milliseconds. */
export const scanLimitMax = 100;

/** How many tokens are counted. */
export interface TokenCount {
  readonly orgId: string;
  readonly userId: string | undefined;
  readonly part: TokenPart;
  /** Only those that have not expired at this time. */
  readonly unexpiredAtMs?: number | undefined;
}

/** Where what never expires stands. */
export const neverMs = Number.MAX_SAFE_INTEGER;

export const placeOf = (token: Pick<ApiTokenRecord, 'id' | TokenOrder>, by: TokenOrder): TokenPlace => ({
  value: by === 'expiresAtMs' ? (token.expiresAtMs ?? neverMs) : token[by],
  id: token.id,
});

/** Negative: `one` comes before `other`, ascending. */
export const comparePlaces = (one: TokenPlace, other: TokenPlace): number => {
  if (one.value !== other.value)
    return typeof one.value === 'number' && typeof other.value === 'number'
      ? one.value - other.value
      : Buffer.compare(Buffer.from(`${one.value}`), Buffer.from(`${other.value}`));
  if (one.id === other.id) return 0;
  return one.id < other.id ? -1 : 1;
};

/**
 * The first `limit` of several lists that are each in order, each place once. `found`: of each list as many as there are,
 * or `asked` of them: beyond the end of such a list nothing is known, so nothing further is taken.
 */
export const mergePlaces = <T extends { readonly place: TokenPlace }>(
  found: readonly (readonly T[])[],
  { isDescending, limit, asked }: Pick<TokenScan, 'isDescending' | 'limit'> & { readonly asked: number },
): { readonly items: readonly T[]; readonly isEnd: boolean } => {
  const direction = isDescending ? -1 : 1;
  const compare = (one: T, other: T): number => direction * comparePlaces(one.place, other.place);
  const ends = found.filter((list) => list.length >= asked).map((list) => list.at(-1));
  const known = ends.reduce(
    (least, end) => (least === undefined || (end !== undefined && compare(end, least) < 0) ? end : least),
    undefined,
  );
  const sorted = found.flat().sort(compare);
  const each = sorted.filter(
    (item, index) =>
      sorted[index - 1]?.place.id !== item.place.id && (known === undefined || compare(item, known) <= 0),
  );
  return { items: each.slice(0, limit), isEnd: known === undefined && each.length <= limit };
};
