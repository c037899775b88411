// API token -> identity, by the store: shape, record, states, generations, scopes. Keeps no secret and no identity;
// caching them is the identifier's work.

import { addressRuleOf } from '../decision/address-rule.ts';
import type { Principal } from '../decision/identity.ts';
import { type Denial, denial, isOutage, type Outage } from '../decision/outcome.ts';
import { effectiveRoles, effectiveScopes } from '../decision/scope.ts';
import type { Settings } from '../settings/settings.ts';
import type { OrgRecord } from '../store/records.ts';
import { isTokenDead, secretEndMs } from '../store/api-token-state.ts';
import type { ApiTokenFound, TokenStore } from '../store/token-store.ts';
import type { FeedState } from './feed-state.ts';
import type { OrgCache } from './org-cache.ts';

/** Reads what the store knows of a digest and judges it as it stands now. */
export const lookUpApiToken = async (
  deps: {
    readonly store: Pick<TokenStore, 'findApiToken'>;
    readonly orgs: OrgCache;
    readonly feedState: Pick<FeedState, 'generationOf'>;
    readonly settings: Pick<Settings, 'issuer'>;
  },
  digest: string,
  nowMs: number,
): Promise<Principal | Denial | Outage> => {
  const found = await deps.store.findApiToken(digest);
  if (found === undefined) return denial('token_unknown');
  if (isOutage(found)) return found;
  const { orgId, userId } = found.token;
  const org = await deps.orgs.find(orgId, deps.feedState.generationOf(orgId, userId).org);
  if (isOutage(org)) return org;
  if (org === undefined) return denial('org_disabled', 'the org is not in the store');
  return denialOf(found, org, nowMs) ?? principalOf(found, org, deps.settings.issuer);
};

/** Why the token may not be used at all; expiry is judged again on every request. */
const denialOf = (found: ApiTokenFound, org: OrgRecord, nowMs: number): Denial | undefined => {
  const { token, user } = found;
  if (isTokenDead(token, user, org)) return denial('token_revoked', token.id);
  if (nowMs >= secretEndMs(found)) return denial('token_revoked', `${token.id}: its secret was replaced`);
  if (token.expiresAtMs !== undefined && nowMs >= token.expiresAtMs) return denial('token_expired', token.id);
  if (user.state === 'disabled') return denial('user_disabled', user.id);
  if (org.state === 'disabled') return denial('org_disabled', org.id);
  return undefined;
};

const principalOf = (found: ApiTokenFound, org: OrgRecord, issuer: string): Principal => {
  const { token, user, secretNumber } = found;
  return {
    sessionKind: 'api_token',
    issuer,
    org: { id: org.id, name: org.name },
    user: {
      id: user.id,
      name: user.name,
      roles: effectiveRoles(token.scopes, user.roles, org.roles),
    },
    scopes: effectiveScopes(token.scopes, user.roles, org.roles),
    tokenId: token.id,
    secretNumber,
    openid: token.openid,
    allScopes: token.scopes === 'all',
    ...(token.allowFrom !== undefined && { allowFrom: addressRuleOf(token.allowFrom) }),
    sessionId: undefined,
    generation: { org: org.generation, user: user.generation },
    issuedAtMs: token.createdAtMs,
    expiresAtMs: Math.min(token.expiresAtMs ?? Infinity, secretEndMs(found)),
  };
};
