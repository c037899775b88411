// Whether the account an external issuer's token names may come in: its org must be one of ours, and neither org nor
// user disabled. Their tokens carry no generation that would tell. What roles the issuer names grant, the org says. Caches
// orgs only, as for API tokens.

import type { Principal } from '../decision/identity.ts';
import { type Denial, denial, earlyDenial, isOutage, type Outage } from '../decision/outcome.ts';
import { effectiveScopes, ownScopePrefix } from '../decision/scope.ts';
import type { OrgRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { FeedState } from './feed-state.ts';
import type { OrgCache } from './org-cache.ts';

/**
 * The principal with what its roles grant, or why not: `token_invalid` for an org that is not in the store, `org_disabled`, `user_disabled`.
 * A user the store does not know is the issuer's to vouch for.
 */
export const admitExternal = async (
  deps: {
    readonly store: Pick<TokenStore, 'findUser'>;
    readonly orgs: OrgCache;
    readonly feedState: Pick<FeedState, 'generationOf'>;
  },
  principal: Principal,
): Promise<Principal | Denial | Outage> => {
  const [orgId, userId] = [principal.org.id, principal.user.id];
  const org = await deps.orgs.find(orgId, deps.feedState.generationOf(orgId, userId).org);
  if (isOutage(org)) return org;
  if (org === undefined) return earlyDenial('its org is not in the store');
  if (org.state === 'disabled') return denial('org_disabled', orgId);
  const user = await deps.store.findUser(orgId, userId);
  if (isOutage(user)) return user;
  return user?.state === 'disabled' ? denial('user_disabled', userId) : withRolesOf(org, principal);
};

/** Rights at Tollgate itself are not the issuer's to give, by no role: `withOwnRights` asks the user's record for them. */
const withRolesOf = ({ roles: definitions }: OrgRecord, principal: Principal): Principal => {
  if (principal.user.roles.length === 0) return principal;
  const roles = principal.user.roles.filter((role) => Object.hasOwn(definitions, role));
  const granted = [...effectiveScopes('all', roles, definitions)];
  const scopes = new Set([
    ...principal.scopes,
    ...granted.filter((scope) => !scope.startsWith(ownScopePrefix)),
  ]);
  return { ...principal, user: { ...principal.user, roles }, scopes };
};
