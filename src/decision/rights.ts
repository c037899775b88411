// Who may manage what: API tokens, passwords, users and roles, the audit. Rights are scopes. Pure: no I/O, no clock; the
// caller has made sure that the identity is believed at all (`doubtOf`).

import type { Identity } from './identity.ts';
import { type Denial, denial } from './outcome.ts';

/** The scopes that are rights here, beside whatever they mean to the API. */
export const rights = {
  /** "Manage user's own API token". */
  ownTokens: 'tollgate:tokens:own',
  /** "Manage all users' API tokens" of the org. */
  allTokens: 'tollgate:tokens:all',
  /** Users, roles and passwords of the org; with it every right of this list but the operator's, within the org. */
  orgOwner: 'org:owner',
  readAudit: 'tollgate:audit:read',
  /** Orgs, signing keys, how the server does. No owner of an org has it by that. */
  operate: 'tollgate:operate',
} as const;

/** Asking what any token is good for (RFC 7662): a right of the caller's own, which no owner of an org has by that. */
export const introspectScope = 'tollgate:introspect';

/** Whose something is: a user's, or with `userId` undefined the whole org's. */
export interface Whose {
  readonly orgId: string;
  readonly userId: string | undefined;
}

type Asker = Pick<Identity, 'sessionKind' | 'org' | 'user' | 'scopes'>;

/**
 * Creating, listing, seeing, regenerating and revoking API tokens. A session made from an API token may do none of it,
 * whatever its scopes: a leaked token must not make itself a successor.
 */
export const mayManageTokens = (identity: Asker, whose: Whose): Denial | undefined =>
  mayManage(identity, whose, isOwn(identity, whose) ? rights.ownTokens : rights.allTokens, rights.allTokens);

/** Creating, changing and disabling users; defining roles and giving them. */
export const mayManageAccounts = (identity: Asker, orgId: string): Denial | undefined =>
  mayManage(identity, { orgId, userId: undefined }, rights.orgOwner, rights.orgOwner);

export const mayReadAudit = (identity: Asker, orgId: string): Denial | undefined =>
  mayManage(identity, { orgId, userId: undefined }, rights.readAudit, rights.readAudit);

/** Making, changing and deleting orgs, rotating signing keys, seeing how the server does and everybody's audit. */
export const mayOperate = (identity: Asker): Denial | undefined => {
  const refusal = mayAct(identity, identity.org.id);
  if (refusal !== undefined) return refusal;
  return identity.scopes.has(rights.operate) ? undefined : denial('scope_missing', rights.operate);
};

/**
 * Seeing a user's record, changing their password (one's own is proved by the old one) or e-mail address, ending their
 * sessions: everybody their own, an org's owner any of the org.
 */
export const mayManageUser = (identity: Asker, whose: Whose): Denial | undefined =>
  isOwn(identity, whose) ? mayAct(identity, whose.orgId) : mayManageAccounts(identity, whose.orgId);

/** `wanted` is what a refusal names; `orStronger` will do too, and the org's owner lacks nothing. */
const mayManage = (identity: Asker, whose: Whose, wanted: string, orStronger: string): Denial | undefined => {
  const refusal = mayAct(identity, whose.orgId);
  if (refusal !== undefined) return refusal;
  const isHeld = [wanted, orStronger, rights.orgOwner].some((scope) => identity.scopes.has(scope));
  return isHeld ? undefined : denial('scope_missing', wanted);
};

/** A person who signed in, within their own org. */
const mayAct = (identity: Asker, orgId: string): Denial | undefined => {
  if (identity.sessionKind !== 'interactive') return denial('session_kind_refused', identity.sessionKind);
  return identity.org.id === orgId ? undefined : denial('tenant_mismatch', orgId);
};

const isOwn = (identity: Asker, { orgId, userId }: Whose): boolean =>
  identity.org.id === orgId && identity.user.id === userId;
