// All API tokens of a user, page after page.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { ApiTokenRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';

const pageLimit = 1_000;

/** Live, expired and revoked ones, in the order of their ids. */
export const readAllTokens = async (
  store: Pick<TokenStore, 'listTokens'>,
  orgId: string,
  userId: string,
): Promise<readonly ApiTokenRecord[] | Outage> => {
  const tokens: ApiTokenRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listTokens(orgId, userId, { limit: pageLimit, cursor });
    if (isOutage(page)) return page;
    tokens.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return tokens;
};
