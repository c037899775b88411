// Rights at Tollgate come from roles of its own orgs. A session of an external issuer says who somebody is, and what they
// may do at the API; what they may do here, their user's roles say.

import type { Identity } from '../decision/identity.ts';
import { isOutage, type Outage } from '../decision/outcome.ts';
import type { TokenStore } from '../store/token-store.ts';
import { findActiveOwner, grantedTo } from './owner.ts';
import { isCommandError } from './command-error.ts';

/**
 * The identity as `decision/rights.ts` may judge it, with the roles of its user here: without any scope where that is
 * unknown or disabled.
 */
export const withOwnRights = async (
  store: Pick<TokenStore, 'findOrg' | 'findUser'>,
  identity: Identity,
): Promise<Identity | Outage> => {
  if (identity.generation !== undefined) return identity;
  const owner = await findActiveOwner(store, identity.org.id, identity.user.id);
  if (isOutage(owner)) return owner;
  if (isCommandError(owner)) return { ...identity, scopes: new Set() };
  const user = { ...identity.user, roles: owner.user.roles };
  return { ...identity, user, scopes: grantedTo(owner) };
};
