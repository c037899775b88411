// Whether the account an external issuer's token names may come in: its org must be one of ours, and neither org nor
// user disabled. Their tokens carry no generation that would tell. What roles the issuer names grant, the org says. Caches
// orgs only, as for API tokens.

import type { Identity } from '../decision/identity.ts';
import { type Denial, denial, earlyDenial, isOutage, type Outage } from '../decision/outcome.ts';
import { effectiveScopes, ownScopePrefix } from '../decision/scope.ts';
import type { OrgRecord } from '../store/records.ts';
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
  if (org === undefined) return earlyDenial('its org is not in the store');
  if (org.state === 'disabled') return denial('org_disabled', orgId);
  const user = await deps.store.findUser(orgId, userId);
  if (isOutage(user)) return user;
  return user?.state === 'disabled' ? denial('user_disabled', userId) : withRolesOf(org, identity);
};

/** Rights at Tollgate itself are not the issuer's to give, by no role: `withOwnRights` asks the user's record for them. */
const withRolesOf = ({ roles: definitions }: OrgRecord, identity: Identity): Identity => {
  if (identity.user.roles.length === 0) return identity;
  const roles = identity.user.roles.filter((role) => Object.hasOwn(definitions, role));
  const granted = [...effectiveScopes('all', roles, definitions)];
  const scopes = new Set([
    ...identity.scopes,
    ...granted.filter((scope) => !scope.startsWith(ownScopePrefix)),
  ]);
  return { ...identity, user: { ...identity.user, roles }, scopes };
};
