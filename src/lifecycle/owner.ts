// The owner of API tokens: an org and a user that both exist and are active, and what the two grant.

import { isOutage, type Outage } from '../decision/outcome.ts';
import { effectiveScopes } from '../decision/scope.ts';
import type { OrgRecord, UserRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import { orgUnknown, userUnknown } from './accounts.ts';
import { type CommandError, commandError } from './command-error.ts';

export interface Owner {
  readonly org: OrgRecord;
  readonly user: UserRecord;
}

export const findActiveOwner = async (
  store: Pick<TokenStore, 'findOrg' | 'findUser'>,
  orgId: string,
  userId: string,
): Promise<Owner | CommandError | Outage> => {
  const [org, user] = await Promise.all([store.findOrg(orgId), store.findUser(orgId, userId)]);
  if (isOutage(org)) return org;
  if (isOutage(user)) return user;
  if (org === undefined) return orgUnknown(orgId);
  if (user === undefined) return userUnknown(orgId, userId);
  if (org.state === 'disabled')
    return commandError('org_disabled', `The org ${orgId} is disabled. Enable it first.`);
  if (user.state === 'disabled')
    return commandError('user_disabled', `The user ${orgId}/${userId} is disabled. Enable it first.`);
  return { org, user };
};

/** Everything the owner's roles grant now. */
export const grantedTo = ({ org, user }: Owner): ReadonlySet<string> =>
  effectiveScopes('all', user.roles, org.roles);

/** RFC 6749 §3.3: what is granted is never more than the owner has. */
export const checkNotWider = (scopes: readonly string[], owner: Owner): CommandError | undefined => {
  const granted = grantedTo(owner);
  const beyond = scopes.filter((scope) => !granted.has(scope));
  if (beyond.length === 0) return undefined;
  return commandError(
    'scope_too_wide',
    `The roles of ${owner.org.id}/${owner.user.id} do not grant ${beyond.slice(0, 10).join(' ')}. They grant: ${
      granted.size === 0 ? 'nothing' : [...granted].sort().slice(0, 20).join(' ')
    }.`,
  );
};
