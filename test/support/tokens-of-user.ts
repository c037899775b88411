// Every API token of a user, whatever its state, as the store has it.

import { isOutage, type Outage } from '../../src/decision/outcome.ts';
import type { ApiTokenRecord } from '../../src/store/records.ts';
import type { TokenScan } from '../../src/store/token-listing.ts';
import type { TokenStore } from '../../src/store/token-store.ts';

export const tokensOfUser = async (
  store: Pick<TokenStore, 'scanTokens'>,
  orgId: string,
  userId: string,
  limit = 100,
): Promise<readonly ApiTokenRecord[] | Outage> => {
  const tokens: ApiTokenRecord[] = [];
  let after: TokenScan['after'];
  for (;;) {
    const step = await store.scanTokens({
      orgId,
      userId,
      parts: ['live', 'revoked'],
      by: 'createdAtMs',
      isDescending: false,
      after,
      limit,
    });
    if (isOutage(step)) return step;
    tokens.push(...step.tokens);
    if (step.isEnd) return tokens;
    after = step.last;
  }
};
