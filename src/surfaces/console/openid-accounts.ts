// Whose accounts here a person who signed in at an OpenID provider may use: as its issuer's claims are read of access tokens,
// but that the org's claim may name several. Pure.

import { accountIdGrammar } from '../../decision/identity.ts';
import { type Denial, denial } from '../../decision/outcome.ts';
import { ClaimReader } from '../../tokens/claim-reader.ts';
import type { ClaimMapping } from '../../tokens/external-principal.ts';

export interface OpenidAccounts {
  readonly userId: string;
  /** In the order of the claim; one at least. */
  readonly orgIds: readonly string[];
}

/** Some providers write the word. One that never says so is believed: its operator has chosen the claim. */
const verified: ReadonlySet<unknown> = new Set([true, 'true', undefined]);

/** As many as fit into a cookie, with room to spare. */
const orgsMax = 20;
const orgsLengthMax = 1_500;

export const openidAccounts = (
  claims: object,
  { claims: names, fixedOrg, orgs }: Pick<ClaimMapping, 'claims' | 'fixedOrg' | 'orgs'>,
): OpenidAccounts | Denial => {
  const reader = new ClaimReader(claims);
  const userId = reader.text(names.user);
  if (!accountIdGrammar.test(userId)) return denial('token_invalid', `claim ${names.user}`);
  // Anybody can write any address into a profile.
  if (names.user === 'email' && !verified.has(reader.raw('email_verified')))
    return denial('token_invalid', 'claim email_verified');
  const named = fixedOrg === undefined ? reader.textsIfAny(names.org) : [fixedOrg];
  const allowed = named.filter((org) => accountIdGrammar.test(org) && orgs?.includes(org) !== false);
  const orgIds: string[] = [];
  for (const org of new Set(allowed))
    if (orgIds.length < orgsMax && [...orgIds, org].join().length <= orgsLengthMax) orgIds.push(org);
  return orgIds.length === 0 ? denial('token_invalid', `claim ${names.org}`) : { userId, orgIds };
};
