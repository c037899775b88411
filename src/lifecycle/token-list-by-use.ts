// API tokens in the order of their last use. No index has that order, because it would be written with every use: all tokens
// that match are read, so many and no more, and sorted here.

import { setImmediate } from 'node:timers/promises';
import { type Denial, isOutage, type Refusal } from '../decision/outcome.ts';
import { compareSortKeys, scanLimitMax, type TokenSortKey } from '../store/token-listing.ts';
import { type CommandError, commandError, isFailure } from './command-error.ts';
import {
  allStates,
  createViewsOf,
  findListed,
  matches,
  type TokenListing,
  type TokenListStore,
  type TokenQuery,
  type TokenView,
} from './token-list.ts';

/** Most tokens that are read, and sorted, for a page. */
export const readsByUseMax = 10_000;

export interface UseQuery extends Omit<TokenQuery, 'sort' | 'skip' | 'isCounted'> {
  readonly isDescending: boolean;
}

/** So many are the price of one command; those who read more give up more of their commands. */
const readsPerCommand = 1_000;

/** What was never used comes first, or descending last. `pay`: takes one more command of the caller, or says why not. */
export const listTokensByUse = async (
  store: TokenListStore,
  query: UseQuery,
  nowMs: number,
  pay: () => Denial | undefined,
): Promise<TokenListing | CommandError | Refusal> => {
  const org = await findListed(store, query);
  if (isFailure(org)) return org;
  const { orgId, userId, states = allStates, filter, expiringUntilMs = Infinity } = query;
  const viewsOf = createViewsOf(store, org, nowMs);
  const parts = states.includes('revoked') ? (['live', 'revoked'] as const) : (['live'] as const);
  const scan = { orgId, userId, parts, by: 'createdAtMs', isDescending: false, limit: scanLimitMax } as const;
  const found: TokenView[] = [];
  let position: TokenSortKey | undefined;
  let paid = readsPerCommand;
  for (let reads = 0; reads < readsByUseMax;) {
    if (reads >= paid) {
      const refusal = pay();
      if (refusal !== undefined) return refusal;
      paid += readsPerCommand;
    }
    const step = await store.scanTokens({ ...scan, after: position });
    if (isOutage(step)) return step;
    const views = await viewsOf(step.tokens);
    if (isOutage(views)) return views;
    for (const view of views) {
      const isSoon = expiringUntilMs === Infinity || (view.expiresAtMs ?? Infinity) <= expiringUntilMs;
      if (states.includes(view.state) && isSoon && (filter === undefined || matches(filter, view)))
        found.push(view);
    }
    if (step.isEnd) return pageOf(found, query);
    reads += step.visited;
    position = step.last ?? position;
    await setImmediate();
  }
  return commandError(
    'listing_too_large',
    `By last use at most ${readsByUseMax} API tokens are sorted. List those of one user, or of one state, or in another order.`,
  );
};

const pageOf = (found: readonly TokenView[], { after, limit, isDescending }: UseQuery): TokenListing => {
  const direction = isDescending ? -1 : 1;
  const compare = (one: TokenSortKey, other: TokenSortKey): number => direction * compareSortKeys(one, other);
  const following = found
    .map((view) => ({ view, key: { value: view.lastUsedAtMs ?? 0, id: view.id } }))
    .filter(({ key }) => after === undefined || compare(key, after) > 0)
    .sort((one, other) => compare(one.key, other.key));
  const shown = following.slice(0, limit);
  return {
    items: shown.map(({ view }) => view),
    next: following.length > limit ? shown.at(-1)?.key : undefined,
    total: found.length,
  };
};
