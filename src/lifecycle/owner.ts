// The owner of API tokens: an org and a user that both exist and are active. What the two grant, and who has less.

import type { Identity } from '../decision/identity.ts';
import { isOutage, type Outage } from '../decision/outcome.ts';
import { effectiveScopes } from '../decision/scope.ts';
import type { OrgRecord, UserRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import { orgUnknown, userUnknown } from './account-checks.ts';
import { type CommandError, commandError, isCommandError } from './command-error.ts';

export interface Owner {
  readonly org: OrgRecord;
  readonly user: UserRecord;
}

type AccountStore = Pick<TokenStore, 'findOrg' | 'findUser'>;

/** Active or not. */
export const findOwner = async (
  store: AccountStore,
  orgId: string,
  userId: string,
): Promise<Owner | CommandError | Outage> => {
  const [org, user] = await Promise.all([store.findOrg(orgId), store.findUser(orgId, userId)]);
  if (isOutage(org)) return org;
  if (isOutage(user)) return user;
  if (org === undefined) return orgUnknown(orgId);
  return user === undefined ? userUnknown(orgId, userId) : { org, user };
};

export const findActiveOwner = async (
  store: AccountStore,
  orgId: string,
  userId: string,
): Promise<Owner | CommandError | Outage> => {
  const owner = await findOwner(store, orgId, userId);
  if (!('org' in owner)) return owner;
  if (owner.org.state === 'disabled')
    return commandError('org_disabled', `The org ${orgId} is disabled. Enable it first.`);
  if (owner.user.state === 'disabled')
    return commandError('user_disabled', `The user ${orgId}/${userId} is disabled. Enable it first.`);
  return owner;
};

/** Everything the owner's roles grant now. */
export const grantedTo = ({ org, user }: Owner): ReadonlySet<string> =>
  effectiveScopes('all', user.roles, org.roles);

/**
 * The identity as `decision/rights.ts` may judge it. Rights at Tollgate come from roles of its own orgs: a session of an
 * external issuer has those of its user here, and none where that user is unknown or disabled.
 */
export const withOwnRights = async (store: AccountStore, identity: Identity): Promise<Identity | Outage> => {
  if (identity.generation !== undefined) return identity;
  const owner = await findActiveOwner(store, identity.org.id, identity.user.id);
  if (isOutage(owner)) return owner;
  if (isCommandError(owner)) return { ...identity, scopes: new Set() };
  const user = { ...identity.user, roles: owner.user.roles };
  return { ...identity, user, scopes: grantedTo(owner) };
};

/** Those of `scopes` that are not held: as many as a message may name, and undefined where there are none. */
export const scopesBeyond = (held: ReadonlySet<string>, scopes: Iterable<string>): string | undefined => {
  const beyond = [...scopes].filter((scope) => !held.has(scope));
  return beyond.length === 0 ? undefined : beyond.sort().slice(0, 10).join(' ');
};

/** RFC 6749 section 3.3: what is granted is never more than the owner has. */
export const checkNotWider = (scopes: readonly string[], owner: Owner): CommandError | undefined => {
  const granted = grantedTo(owner);
  const beyond = scopesBeyond(granted, scopes);
  if (beyond === undefined) return undefined;
  return commandError(
    'scope_too_wide',
    `The roles of ${owner.org.id}/${owner.user.id} do not grant ${beyond}. They grant: ${
      granted.size === 0 ? 'nothing' : [...granted].sort().slice(0, 20).join(' ')
    }.`,
  );
};

/** Nobody gains scopes by a command: the actor must have all of `scopes`. `forbidden`: what they cannot do without. */
export const checkHeld = (
  held: ReadonlySet<string>,
  scopes: Iterable<string>,
  forbidden: string,
): CommandError | undefined => {
  const beyond = scopesBeyond(held, scopes);
  return beyond === undefined
    ? undefined
    : commandError('scope_too_wide', `You do not have ${beyond} yourself, so you cannot ${forbidden}.`);
};
