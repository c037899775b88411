// API tokens as they are shown: metadata only, never a secret or its digest, with the state they are in now. Finds,
// sorts and cuts the tokens of one user or of a whole org.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Whose } from '../decision/rights.ts';
import { isTokenDead } from '../store/api-token-state.ts';
import type { ApiTokenRecord, OrgRecord, UserRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import { orgUnknown, userUnknown } from './accounts.ts';
import { isProblem, type Problem, problem } from './problem.ts';
import { readAllTokens } from './read-tokens.ts';

/** A token as a listing shows it. Times are milliseconds since the epoch; `undefined` means never. */
export interface TokenView extends Omit<ApiTokenRecord, 'state' | 'generation'> {
  readonly orgName: string;
  readonly userName: string;
  /** `revoked`: by itself or with everything of its user or org. */
  readonly state: 'active' | 'expired' | 'revoked';
}

export type TokenOrderKey =
  | 'id'
  | 'name'
  | 'userId'
  | 'state'
  | 'createdAtMs'
  | 'expiresAtMs'
  | 'lastUsedAtMs';

export interface TokenQuery extends Whose {
  /** Undefined: every token. */
  readonly matches?: ((token: TokenView) => boolean) | undefined;
  /** Undefined: by id. Equal ones are in the order of their ids. */
  readonly sort?: { readonly by: TokenOrderKey; readonly isDescending: boolean } | undefined;
  /** Only what comes after this place in that order. */
  readonly after?: TokenPlace | undefined;
  readonly skip: number;
  readonly limit: number;
}

/** Where a token stands in an order. */
export interface TokenPlace {
  readonly value: string | number;
  readonly id: string;
}

export interface TokenListing {
  readonly items: readonly TokenView[];
  /** How many match, on all pages together. */
  readonly total: number;
}

export type TokenListStore = Pick<TokenStore, 'findOrg' | 'findUser' | 'listUsers' | 'listTokens'>;

const usersPerPage = 500;
const usersAtOnce = 32;
/** A whole org is read at once to be sorted: more than this are to be asked for user by user. */
const listedTokensMax = 20_000;

export const listTokens = async (
  store: TokenListStore,
  query: TokenQuery,
  nowMs: number,
): Promise<TokenListing | Problem | Outage> => {
  const found = await findTokens(store, query, nowMs);
  if (isOutage(found) || isProblem(found)) return found;
  const { matches, sort, after, skip, limit } = query;
  const matching = matches === undefined ? found : found.filter(matches);
  const by = sort?.by ?? 'id';
  const sorted = matching.toSorted((one, other) =>
    compare(placeOf(one, by), placeOf(other, by), sort?.isDescending),
  );
  const rest =
    after === undefined
      ? sorted
      : sorted.filter((token) => compare(placeOf(token, by), after, sort?.isDescending) > 0);
  return { items: rest.slice(skip, skip + limit), total: sorted.length };
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

const findTokens = async (
  store: TokenListStore,
  { orgId, userId }: Whose,
  nowMs: number,
): Promise<readonly TokenView[] | Problem | Outage> => {
  const org = await store.findOrg(orgId);
  if (isOutage(org)) return org;
  if (org === undefined) return orgUnknown(orgId);
  if (userId === undefined) return findTokensOfOrg(store, org, nowMs);
  const user = await store.findUser(orgId, userId);
  if (isOutage(user)) return user;
  return user === undefined ? userUnknown(orgId, userId) : findTokensOfUser(store, org, user, nowMs);
};

const findTokensOfUser = async (
  store: TokenListStore,
  org: OrgRecord,
  user: UserRecord,
  nowMs: number,
): Promise<readonly TokenView[] | Outage> => {
  const records = await readAllTokens(store, org.id, user.id);
  return isOutage(records) ? records : records.map((record) => viewOf(record, user, org, nowMs));
};

const findTokensOfOrg = async (
  store: TokenListStore,
  org: OrgRecord,
  nowMs: number,
): Promise<readonly TokenView[] | Problem | Outage> => {
  const views: TokenView[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listUsers(org.id, { limit: usersPerPage, cursor });
    if (isOutage(page)) return page;
    for (let start = 0; start < page.items.length; start += usersAtOnce) {
      const users = page.items.slice(start, start + usersAtOnce);
      const found = await Promise.all(users.map((user) => findTokensOfUser(store, org, user, nowMs)));
      for (const tokens of found) {
        if (isOutage(tokens)) return tokens;
        views.push(...tokens);
      }
      if (views.length > listedTokensMax)
        return problem(
          'listing_too_large',
          `The org has more than ${listedTokensMax} API tokens. List them user by user.`,
        );
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return views;
};

export const placeOf = (token: TokenView, by: TokenOrderKey): TokenPlace => ({
  value: valueOf(token, by),
  id: token.id,
});

const compare = (one: TokenPlace, other: TokenPlace, isDescending = false): number => {
  if (one.value !== other.value) return one.value < other.value === isDescending ? 1 : -1;
  if (one.id === other.id) return 0;
  return one.id < other.id ? -1 : 1;
};

/** What never expires comes last, what was never used first. */
const valueOf = (token: TokenView, by: TokenOrderKey): string | number => {
  switch (by) {
    case 'expiresAtMs':
      return token.expiresAtMs ?? Infinity;
    case 'lastUsedAtMs':
      return token.lastUsedAtMs ?? -Infinity;
    case 'id':
    case 'name':
    case 'userId':
    case 'state':
    case 'createdAtMs':
      return token[by];
  }
};
