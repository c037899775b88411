// An access token as csp clients verify and read it: RS256, the user at a domain, permissions in the vendor's words.

import type { Identity } from '../../decision/identity.ts';
import { rights } from '../../decision/rights.ts';
import type { TokenForm } from '../../lifecycle/issue.ts';
import { uuidOfOrg } from '../../identity/vendor-ids.ts';
import { type CspUser, cspUserOf } from './csp-names.ts';

export const cspTokenForm = (domain: string): TokenForm => {
  const userOf = ({ org, user }: Identity): CspUser => cspUserOf(org.id, user, domain);
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
