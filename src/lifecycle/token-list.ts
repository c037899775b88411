// API tokens as they are shown: metadata only, never a secret or its digest, with the state they are in now. A listing
// costs what it returns: it reads an index from where the last page ended. What no index can answer is judged token by
// token, so many for one page and no more: such a page may be short, and the next one goes on where it stopped.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Whose } from '../decision/rights.ts';
import { isOfEarlierOwner, isTokenDead } from '../store/api-token-state.ts';
import type { ApiTokenRecord, OrgRecord, UserRecord } from '../store/records.ts';
import {
  sortKeyOf,
  scanLimitMax,
  type TokenOrder,
  type TokenScan,
  type TokenSortKey,
} from '../store/token-listing.ts';
import type { TokenStore } from '../store/token-store.ts';
import { orgUnknown, userUnknown } from './account-checks.ts';
import { type CommandError, commandError, isFailure } from './command-error.ts';

export type TokenState = 'active' | 'expired' | 'revoked';

/** A token as a listing shows it. Times are milliseconds since the epoch; `undefined` means never. */
export interface TokenView extends Omit<ApiTokenRecord, 'state' | 'generation'> {
  readonly orgName: string;
  readonly userName: string;
  /** `revoked`: by itself or with everything of its user or org. */
  readonly state: TokenState;
}

/** A filter, as a tree that each surface builds from its own grammar. */
export type TokenFilter =
  | { readonly kind: 'all' | 'any'; readonly of: readonly TokenFilter[] }
  /** Exactly this value: answered from an index where every token must have it. */
  | { readonly kind: 'is'; readonly field: 'name' | 'userId'; readonly value: string }
  /** Anything else: judged token by token. */
  | { readonly kind: 'test'; readonly holds: (token: TokenView) => boolean };

export interface TokenQuery extends Whose {
  readonly states?: readonly TokenState[] | undefined;
  readonly filter?: TokenFilter | undefined;
  /** Only live ones that expire by then, in ms since the epoch. In the order of their expiry an index answers it. */
  readonly expiringUntilMs?: number | undefined;
  /** Undefined: as they were made, or by whatever answers the filter best. */
  readonly sort?: { readonly by: TokenOrder; readonly isDescending: boolean } | undefined;
  /** Only what comes after this position, at which an earlier page of the same listing ended. */
  readonly after?: TokenSortKey | undefined;
  readonly skip: number;
  readonly limit: number;
  readonly isCounted?: boolean | undefined;
}

export interface TokenListing {
  readonly items: readonly TokenView[];
  /** Where this page ends; undefined: nothing follows. */
  readonly next: TokenSortKey | undefined;
  /** How many there are on all pages together; undefined: not asked for, or not known without reading them all. */
  readonly total: number | undefined;
}

export type TokenListStore = Pick<
  TokenStore,
  'findOrg' | 'findUser' | 'scanTokens' | 'countTokens' | 'buryTokens'
>;

/** Most tokens that are read for one page: the longest page, and one more that tells whether anything follows. */
export const readsPerPageMax = 1_001;

export const allStates: readonly TokenState[] = ['active', 'expired', 'revoked'];

export const listTokens = async (
  store: TokenListStore,
  query: TokenQuery,
  nowMs: number,
): Promise<TokenListing | CommandError | Outage> => {
  const org = await findListed(store, query);
  if (isFailure(org)) return org;
  const plan = planOf(query, nowMs);
  const page = await readPage(store, query, plan, org, nowMs);
  if (isOutage(page)) return page;
  if (page.isTooFar)
    return commandError(
      'listing_too_large',
      `Only the first ${readsPerPageMax - 1} API tokens can be skipped. Follow the link or cursor from page to page instead.`,
    );
  const { items, next, matched } = page;
  if (query.isCounted !== true) return { items, next, total: undefined };
  const counted = query.after === undefined ? matched : undefined;
  const total = counted ?? (await countAll(store, query, nowMs));
  return isOutage(total) ? total : { items, next, total };
};

/** The org whose tokens are listed; the user, where it is one user's, must exist too. */
export const findListed = async (
  store: TokenListStore,
  { orgId, userId }: Whose,
): Promise<OrgRecord | CommandError | Outage> => {
  const org = await store.findOrg(orgId);
  if (isOutage(org)) return org;
  if (org === undefined) return orgUnknown(orgId);
  if (userId === undefined) return org;
  const user = await store.findUser(orgId, userId);
  if (isOutage(user)) return user;
  return user === undefined ? userUnknown(orgId, userId) : org;
};

export const viewOf = (
  record: ApiTokenRecord,
  user: Pick<UserRecord, 'name' | 'tokenGenerationMin'>,
  org: OrgRecord,
  nowMs: number,
): TokenView => {
  const { generation: _, ...shown } = record;
  const isExpired = record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs;
  const state = isTokenDead(record, user, org) ? 'revoked' : isExpired ? 'expired' : 'active';
  return { ...shown, orgName: org.name, userName: user.name, state };
};

/** What of a query an index answers. */
interface Plan {
  readonly scan: Pick<TokenScan, 'userId' | 'parts' | 'by' | 'isDescending' | 'name'>;
  /** Where the listing begins; undefined: with the first. */
  readonly start: TokenSortKey | undefined;
  /** False: neither this one nor any that follows belongs to the listing. */
  readonly isWithin: (token: ApiTokenRecord) => boolean;
  /** What is left to be judged token by token. */
  readonly filter: TokenFilter | undefined;
}

/** Of an id in a sort key: after every id of the same time. */
const afterIds = '~';

const planOf = (query: TokenQuery, nowMs: number): Plan => {
  const { userId, states = allStates, filter, expiringUntilMs: untilMs } = query;
  const order = orderOf(query);
  const scan = {
    userId: userId ?? requiredValue(filter, 'userId'),
    // What died with its user or org stands among the live ones until it is met.
    parts: states.includes('revoked') ? (['live', 'revoked'] as const) : (['live'] as const),
    ...order,
    name: order.by === 'name' ? requiredValue(filter, 'name') : undefined,
  };
  if (untilMs === undefined) return { scan, start: undefined, isWithin: () => true, filter };
  const expires = ({ expiresAtMs = Infinity }: Pick<ApiTokenRecord, 'expiresAtMs'>): boolean =>
    expiresAtMs > nowMs && expiresAtMs <= untilMs;
  if (order.by === 'expiresAtMs') {
    const start = { value: order.isDescending ? untilMs : nowMs, id: afterIds };
    return { scan, start, isWithin: expires, filter };
  }
  const judged = { kind: 'test', holds: expires } as const;
  const both = filter === undefined ? judged : ({ kind: 'all', of: [filter, judged] } as const);
  return { scan, start: undefined, isWithin: () => true, filter: both };
};

/** In which order a query lists: a position is one of this order. */
export const orderOf = (query: Pick<TokenQuery, 'filter' | 'sort'>): NonNullable<TokenQuery['sort']> => ({
  by: query.sort?.by ?? (requiredValue(query.filter, 'name') === undefined ? 'createdAtMs' : 'name'),
  isDescending: query.sort?.isDescending ?? false,
});

interface ReadPage {
  readonly items: readonly TokenView[];
  readonly next: TokenSortKey | undefined;
  /** How many match; undefined: they were not read to the end. */
  readonly matched: number | undefined;
  /** Not even those to be skipped could be read. */
  readonly isTooFar: boolean;
}

const readPage = async (
  store: TokenListStore,
  query: TokenQuery,
  plan: Plan,
  org: OrgRecord,
  nowMs: number,
): Promise<ReadPage | Outage> => {
  const { orgId, states = allStates, after, skip, limit } = query;
  const { scan, start, isWithin, filter } = plan;
  const viewsOf = createViewsOf(store, org, nowMs);
  // What no index counts is counted by reading on, within the same bound.
  const readsOn = query.isCounted === true && filter !== undefined && after === undefined;
  const items: TokenView[] = [];
  let next: TokenSortKey | undefined;
  let matched = 0;
  let position = after ?? start;
  for (let reads = 0; reads < readsPerPageMax;) {
    // One more than is shown tells whether anything follows.
    const missing = filter === undefined ? skip + limit + 1 - matched : scanLimitMax;
    const atOnce = Math.min(missing, scanLimitMax, readsPerPageMax - reads);
    const step = await store.scanTokens({ ...scan, orgId, after: position, limit: atOnce });
    if (isOutage(step)) return step;
    const within = step.tokens.filter(isWithin);
    const views = await viewsOf(within);
    if (isOutage(views)) return views;
    for (const view of views) {
      if (!states.includes(view.state) || (filter !== undefined && !matches(filter, view))) continue;
      matched += 1;
      const last = items.at(-1);
      if (items.length === limit && last !== undefined) next ??= sortKeyOf(last, scan.by);
      else if (matched > skip) items.push(view);
    }
    if (step.isEnd || within.length < step.tokens.length) return { items, next, matched, isTooFar: false };
    if (next !== undefined && !readsOn) return { items, next, matched: undefined, isTooFar: false };
    reads += step.visited;
    position = step.last ?? position;
  }
  return { items, next: next ?? position, matched: undefined, isTooFar: matched < skip };
};

/** Records -> views, each user looked up once. Tokens that died with their user or org are put among the revoked ones. */
export const createViewsOf = (
  store: TokenListStore,
  org: OrgRecord,
  nowMs: number,
): ((records: readonly ApiTokenRecord[]) => Promise<readonly TokenView[] | Outage>) => {
  const users = new Map<string, UserRecord | undefined>();
  return async (records) => {
    const unknown = [...new Set(records.map(({ userId }) => userId))].filter((id) => !users.has(id));
    const found = await Promise.all(unknown.map((id) => store.findUser(org.id, id)));
    for (const [index, user] of found.entries()) {
      if (isOutage(user)) return user;
      users.set(unknown[index] ?? '', user);
    }
    const views: TokenView[] = [];
    const dead: string[] = [];
    for (const record of records) {
      // Of a user who was deleted nothing lives.
      const user = users.get(record.userId) ?? {
        name: record.userId,
        tokenGenerationMin: Infinity,
        createdAtMs: 0,
      };
      const view = viewOf(record, user, org, nowMs);
      if (view.state === 'revoked' && record.state === 'active') dead.push(record.id);
      if (!isOfEarlierOwner(record, user, org)) views.push(view);
    }
    // They are shown as revoked whether this succeeds or not.
    if (dead.length > 0) await store.buryTokens(dead, nowMs);
    return views;
  };
};

/** Only what the indexes count by themselves. */
const countAll = async (
  store: TokenListStore,
  { orgId, userId, states = allStates, filter, expiringUntilMs }: TokenQuery,
  nowMs: number,
): Promise<number | undefined | Outage> => {
  if (filter !== undefined) return undefined;
  const of = { orgId, userId } as const;
  if (expiringUntilMs !== undefined) {
    const [now, later] = await Promise.all(
      [nowMs, expiringUntilMs].map((atMs) => store.countTokens({ ...of, part: 'live', unexpiredAtMs: atMs })),
    );
    if (isOutage(now)) return now;
    return isOutage(later) ? later : (now ?? 0) - (later ?? 0);
  }
  const [live, active, revoked] = await Promise.all([
    states.includes('expired') ? store.countTokens({ ...of, part: 'live' }) : 0,
    states.includes('active') === states.includes('expired')
      ? 0
      : store.countTokens({ ...of, part: 'live', unexpiredAtMs: nowMs }),
    states.includes('revoked') ? store.countTokens({ ...of, part: 'revoked' }) : 0,
  ]);
  if (isOutage(live)) return live;
  if (isOutage(active)) return active;
  if (isOutage(revoked)) return revoked;
  return (states.includes('expired') ? live - active : active) + revoked;
};

export const matches = (filter: TokenFilter, token: TokenView): boolean => {
  switch (filter.kind) {
    case 'all':
      return filter.of.every((part) => matches(part, token));
    case 'any':
      return filter.of.some((part) => matches(part, token));
    case 'is':
      return token[filter.field] === filter.value;
    case 'test':
      return filter.holds(token);
  }
};

/** The value that every matching token has; undefined: the filter does not say. */
const requiredValue = (filter: TokenFilter | undefined, field: 'name' | 'userId'): string | undefined => {
  if (filter === undefined || filter.kind === 'test') return undefined;
  if (filter.kind === 'is') return filter.field === field ? filter.value : undefined;
  if (filter.kind === 'any') return filter.of.length === 1 ? requiredValue(filter.of[0], field) : undefined;
  for (const part of filter.of) {
    const value = requiredValue(part, field);
    if (value !== undefined) return value;
  }
  return undefined;
};
