// Whether the account an external issuer's token names may come in: its org must be one of ours, and neither org nor
// user disabled. Their tokens carry no generation that would tell. Caches orgs only, as for API tokens.

import type { Identity } from '../decision/identity.ts';
import { type Denial, denial, isOutage, type Outage } from '../decision/outcome.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { FeedState } from './feed-state.ts';
import type { OrgCache } from './org-cache.ts';

/**
 * The identity itself, or why not: `token_invalid` for an org that is not in the store, `org_disabled`, `user_disabled`.
 * A user the store does not know is the issuer's to vouch for.
 */
export const admitExternal = async (
  deps: {
    readonly store: Pick<TokenStore, 'findUser'>;
    readonly orgs: OrgCache;
    readonly feedState: Pick<FeedState, 'generationOf'>;
  },
  identity: Identity,
): Promise<Identity | Denial | Outage> => {
  const [orgId, userId] = [identity.org.id, identity.user.id];
  const org = await deps.orgs.find(orgId, deps.feedState.generationOf(orgId, userId).org);
  if (isOutage(org)) return org;
  if (org === undefined) return denial('token_invalid', 'its org is not in the store');
  if (org.state === 'disabled') return denial('org_disabled', orgId);
  const user = await deps.store.findUser(orgId, userId);
  if (isOutage(user)) return user;
  return user?.state === 'disabled' ? denial('user_disabled', userId) : identity;
};
