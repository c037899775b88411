// Stores a new API token where its user has room for one more. The store counts and adds in one step; here what died with
// its user or org is first put out of the way, where the count met it.

import { isOutage, type Outage } from '../decision/outcome.ts';
import { isTokenDead } from '../store/api-token-state.ts';
import type { ApiTokenRecord } from '../store/records.ts';
import { scanLimitMax } from '../store/token-listing.ts';
import type { TokenStore } from '../store/token-store.ts';
import { userUnknown } from './account-checks.ts';
import type { Owner } from './owner.ts';
import { type CommandError, commandError } from './command-error.ts';

export interface Room {
  readonly store: TokenStore;
  readonly owner: Owner;
  /** Most live tokens of the user. */
  readonly perUserMax: number;
}

export const storeWithin = async (
  room: Room,
  record: ApiTokenRecord,
  digest: string,
): Promise<'created' | 'digest_taken' | CommandError | Outage> => {
  const { store, perUserMax } = room;
  for (;;) {
    const answer = await store.createToken(record, digest, perUserMax);
    if (answer === 'user_unknown') return userUnknown(record.orgId, record.userId);
    if (answer !== 'too_many') return answer;
    const buried = await buryOldest(room, record);
    if (isOutage(buried)) return buried;
    if (buried === 0)
      return commandError(
        'too_many_tokens',
        `${record.orgId}/${record.userId} has as many API tokens as are allowed, which is ${perUserMax}. Revoke one that is no longer used.`,
      );
  }
};

/** What died with its user or org is older than what lives: the oldest few show whether there is one. */
const buryOldest = async (
  { store, owner }: Room,
  { orgId, userId, createdAtMs }: ApiTokenRecord,
): Promise<number | Outage> => {
  const step = await store.scanTokens({
    orgId,
    userId,
    parts: ['live'],
    by: 'createdAtMs',
    isDescending: false,
    after: undefined,
    limit: scanLimitMax,
  });
  if (isOutage(step)) return step;
  const dead = step.tokens.filter(
    (token) => token.state === 'active' && isTokenDead(token, owner.user, owner.org),
  );
  if (dead.length === 0) return 0;
  const done = await store.buryTokens(
    dead.map(({ id }) => id),
    createdAtMs,
  );
  return isOutage(done) ? done : dead.length;
};
