// Words of the csp dialect that several endpoints use, and its names of a user: an account at a domain, and a subject of
// domain and UUID.

import { uuidOfUser } from '../../identity/vendor-ids.ts';

/** A general scope: an ID token comes with each exchange. */
export const openIdScope = 'openid';

/** A general scope: whatever the user's roles grant, which the vendor shows as "All Roles". */
export const allPermissionsScope = 'ALL_PERMISSIONS';

/** Said in `scope` of every access token. */
export const customerNumberScope = 'customer_number';

/** Where a token never expires, a time far beyond any: clients compare a number. Seconds since the epoch, year 9999. */
export const neverSeconds = 253_402_300_799;

export interface CspUser {
  /** An e-mail address, or what looks like one. */
  readonly acct: string;
  readonly username: string;
  readonly domain: string;
  readonly userId: string;
  /** `<domain>:<uuid>`. */
  readonly sub: string;
}

/** `domain`: of a user whose id and name are no e-mail address. */
export const cspUserOf = (
  orgId: string,
  user: { readonly id: string; readonly name: string },
  domain: string,
): CspUser => {
  const address =
    [user.id, user.name].find((text) => /^[^\s@]+@[^\s@]+$/.test(text)) ?? `${user.id}@${domain}`;
  const at = address.lastIndexOf('@');
  const userId = uuidOfUser(orgId, user.id);
  const ownDomain = address.slice(at + 1);
  return {
    acct: address,
    username: address.slice(0, at),
    domain: ownDomain,
    userId,
    sub: `${ownDomain}:${userId}`,
  };
};
