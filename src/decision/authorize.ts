// The verdict on one request: a Permit, a denial or an outage. Pure: no I/O, no clock (`nowMs` is a parameter).
// A Permit can only be made here, and forwarding takes nothing else.

import { type AddressRule, allowsCaller } from './address-rule.ts';
import type { Identity, Standing } from './identity.ts';
import { type Denial, denial, type Outage, outage, type Refusal } from './outcome.ts';
import type { RouteRule } from './route-rule.ts';

/** `shadow`: proves nothing about the caller. */
export type PermitKind = 'identified' | 'public' | 'shadow';

class IssuedPermit {
  readonly #issued = true;
  readonly kind: PermitKind;
  readonly rule: RouteRule;
  /** Undefined on a public route called without a valid credential, and where a shadow permit stands for a refusal. */
  readonly identity: Identity | undefined;
  /** Path and query, byte for byte as they are forwarded: as they were authorized, or what the rule makes of that. */
  readonly target: string;
  /** Of a shadow permit: why the request would be refused; undefined when it would not be. */
  readonly refusal: Refusal | undefined;

  constructor(
    kind: PermitKind,
    rule: RouteRule,
    identity: Identity | undefined,
    target: string,
    refusal: Refusal | undefined,
  ) {
    this.kind = kind;
    this.rule = rule;
    this.identity = identity;
    this.target = target;
    this.refusal = refusal;
  }

  /** Guards against an object that only looks like a permit. */
  static isIssued(value: object): value is IssuedPermit {
    return #issued in value && value.#issued;
  }
}

/** Proof that `authorize` let this target through for this identity on this rule. */
export type Permit = IssuedPermit;

export const isPermit = (value: object): value is Permit => IssuedPermit.isIssued(value);

export interface Claim {
  readonly rule: RouteRule;
  readonly target: string;
  /** Id of the org that the rule's tenant parameter names in this path; undefined when the rule has none. */
  readonly tenant: string | undefined;
  readonly identity: Identity;
  readonly standing: Standing;
  /** From where it is used; undefined: nobody uses it, somebody only asks about it. */
  readonly clientAddress: string | undefined;
  /** Machines that pass others' requests on: nobody calls from their addresses. */
  readonly proxies: AddressRule;
  readonly nowMs: number;
  /** Serve on while the change feed is silent (`feed.whenStale: serve`); not before it has been read once. */
  readonly serveWhenUnknown: boolean;
}

/** Judges an identified request: standing, expiry, address, session kind, tenant, scopes; in this order. */
export const authorize = (claim: Claim): Permit | Denial | Outage => {
  const { rule, identity } = claim;
  const doubt = doubtOf(claim);
  if (doubt !== undefined) return doubt;
  if (rule.sessions === 'interactive' && identity.sessionKind !== 'interactive')
    return denial('session_kind_refused', identity.sessionKind);
  if (rule.tenantParameter !== undefined && claim.tenant !== identity.org.id)
    return rule.foreignTenant === 'not-found'
      ? { ...denial('tenant_mismatch', rule.tenantParameter), isHidden: true }
      : denial('tenant_mismatch', rule.tenantParameter);
  for (const scope of rule.scopes) if (!identity.scopes.has(scope)) return denial('scope_missing', scope);
  return new IssuedPermit('identified', rule, identity, claim.target, undefined);
};

/** Lets a request through on a public rule; the identity, if any, has already passed `doubtOf`. */
export const authorizePublic = (
  rule: RouteRule,
  target: string,
  identity: Identity | undefined,
): Permit | Denial =>
  rule.public
    ? new IssuedPermit(identity === undefined ? 'public' : 'identified', rule, identity, target, undefined)
    : denial('credential_missing');

/**
 * Lets a request through on a rule in shadow mode, whatever came of it.
 * @param verdict what comes of it where rules are enforced.
 * @param target as received: nothing of the request is taken away.
 */
export const authorizeShadow = (rule: RouteRule, target: string, verdict: Permit | Refusal): Permit => {
  if (rule.mode !== 'shadow') throw new TypeError(`route ${rule.name} is enforced, and not in shadow mode`);
  return isPermit(verdict)
    ? new IssuedPermit('shadow', rule, verdict.identity, target, undefined)
    : new IssuedPermit('shadow', rule, undefined, target, verdict);
};

/** Why an identity must not be believed right now, whatever it asks for; undefined when it may. */
export const doubtOf = (
  claim: Pick<Claim, 'identity' | 'standing' | 'clientAddress' | 'proxies' | 'nowMs' | 'serveWhenUnknown'>,
): Denial | Outage | undefined => {
  const unfit = unfitOf(claim.identity);
  if (unfit !== undefined) return denial('token_invalid', unfit);
  switch (claim.standing) {
    case 'revoked':
      return denial('token_revoked', claim.identity.tokenId);
    case 'ended':
      return denial('session_ended', claim.identity.sessionId);
    case 'outdated':
      return outage('store_unavailable', 'the store answered with a state older than the change feed');
    case 'unknown':
      if (!claim.serveWhenUnknown) return outage('feed_stale');
      break;
    case 'unread':
      return outage('feed_stale', 'the change feed has not been read yet');
    case 'live':
      break;
  }
  if (claim.nowMs >= claim.identity.expiresAtMs) return denial('token_expired');
  return claim.identity.allowFrom === undefined ? undefined : elsewhereOf(claim, claim.identity.allowFrom);
};

/** What is wrong with the address of a caller whose API token may not be used from everywhere. */
const elsewhereOf = (
  { clientAddress, proxies, identity }: Pick<Claim, 'clientAddress' | 'proxies' | 'identity'>,
  allowFrom: AddressRule,
): Denial | undefined =>
  clientAddress === undefined || allowsCaller(allowFrom, clientAddress, proxies)
    ? undefined
    : denial('address_refused', `the API token ${identity.tokenId ?? ''} is not for ${clientAddress}`);

/** Longest id of a user, org, token or session, in characters: escaped, at most nine times as many bytes in a header. */
export const idLengthMax = 512;

/** What makes an identity unfit to be told to an API: an id that no header could carry, or that names nobody. */
const unfitOf = ({ user, org, tokenId, sessionId }: Identity): string | undefined => {
  if (user.id === '' || org.id === '') return 'empty user or org id';
  const longest = Math.max(user.id.length, org.id.length, tokenId?.length ?? 0, sessionId?.length ?? 0);
  return longest > idLengthMax ? `an id of ${longest} characters` : undefined;
};
