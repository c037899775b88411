// Words of the csp dialect that several endpoints use; its names of a user: an account at a domain, and a subject of domain and
// UUID; and an access token as its clients verify and read it: RS256, permissions in the vendor's words.

import type { Identity } from '../../decision/identity.ts';
import { rights } from '../../decision/rights.ts';
import { uuidOfOrg, uuidOfUser } from '../../identity/vendor-ids.ts';
import type { TokenForm } from '../../lifecycle/issue.ts';

/** A general scope: an ID token comes with each exchange. */
export const openIdScope = 'openid';

/** A general scope: whatever the user's roles grant, which the vendor shows as "All Roles". */
export const allPermissionsScope = 'ALL_PERMISSIONS';

/** Said in `scope` of every access token. */
export const customerNumberScope = 'customer_number';

/** Where a token never expires, a time far beyond any: clients compare a number. Seconds since the epoch, year 9999. */
export const neverSeconds = 253_402_300_799;

/** `domain`: of a user whose id and name are no e-mail address. */
export const cspUserOf = (
  orgId: string,
  user: { readonly id: string; readonly name: string },
  domain: string,
) => {
  const address =
    [user.id, user.name].find((text) => /^[^\s@]+@[^\s@]+$/.test(text)) ?? `${user.id}@${domain}`;
  const at = address.lastIndexOf('@');
  const userId = uuidOfUser(orgId, user.id);
  const ownDomain = address.slice(at + 1);
  return {
    /** An e-mail address, or what looks like one. */
    acct: address,
    username: address.slice(0, at),
    domain: ownDomain,
    userId,
    sub: `${ownDomain}:${userId}`,
  };
};

export const cspTokenForm = (domain: string): TokenForm => {
  const userOf = ({ org, user }: Identity) => cspUserOf(org.id, user, domain);
  return {
    algorithm: 'RS256',
    subject: (identity) => userOf(identity).sub,
    profile: (identity) => {
      const { acct, username, domain: own } = userOf(identity);
      return { acct, username, domain: own, context_name: uuidOfOrg(identity.org.id) };
    },
    claims: ({ scopes }, { sessionId, clientId }) => ({
      context: sessionId,
      azp: clientId ?? 'public-client',
      perms: permissionsOf(scopes),
    }),
  };
};

/** Every user of an org is a member. Scopes that are not in the vendor's words are in `scope` alone. */
export const permissionsOf = (scopes: ReadonlySet<string>): readonly string[] => {
  const perms = new Set(['csp:org_member']);
  for (const scope of scopes) {
    if (scope === rights.orgOwner) perms.add('csp:org_owner');
    else if (scope.startsWith('external/') || scope.startsWith('csp:')) perms.add(scope);
  }
  return [...perms].sort();
};
