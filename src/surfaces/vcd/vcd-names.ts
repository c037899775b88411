// How the vendor's clients name orgs, users and the rest: by names as people write them (`user@org`), which are our ids, and
// by URNs of UUIDs. The name of the provider's org may be written in any case.

import type { Identity } from '../../decision/identity.ts';
import { rights } from '../../decision/rights.ts';
import { uuidOfName, uuidOfOrg, uuidOfUser } from '../../identity/vendor-ids.ts';
import type { VcdSettings } from '../../settings/settings.ts';
import type { SurfaceRequest } from '../answer.ts';

const reference = (kind: 'org' | 'user' | 'role' | 'right', name: string, uuid: string) => ({
  name,
  id: `urn:vcloud:${kind}:${uuid}`,
});

export const orgReference = (orgId: string) => reference('org', orgId, uuidOfOrg(orgId));

export const userReference = (orgId: string, userId: string) =>
  reference('user', userId, uuidOfUser(orgId, userId));

export const roleReference = (orgId: string, role: string) =>
  reference('role', role, uuidOfName(`role ${orgId}/${role}`));

export const rightReference = (right: string) =>
  reference('right', rightNames.get(right) ?? right, uuidOfName(`right ${right}`));

/** Scopes that the vendor has a right for. */
const rightNames: ReadonlyMap<string, string> = new Map([
  [rights.ownTokens, "Manage user's own API token"],
  [rights.allTokens, "Manage all users' API tokens"],
]);

const tokenUrn = 'urn:vcloud:token:';

export const urnOfToken = (tokenId: string): string => tokenUrn + tokenId;

/** The id in a token's URN; undefined when it is not one. */
export const tokenIdOf = (urn: string): string | undefined =>
  urn.startsWith(tokenUrn) ? urn.slice(tokenUrn.length).toLowerCase() : undefined;

/** The session's id is a UUID where we made it; another issuer's is made one. */
export const urnOfSession = ({ sessionId }: Pick<Identity, 'sessionId'>): string =>
  `urn:vcloud:session:${uuidOfName(sessionId ?? '')}`;

/** Whether a path leads to this org: `/tenant/{org}`, or the provider's without one. */
export const isPathOf = (
  orgId: string,
  { parameters: { org } }: SurfaceRequest,
  { providerOrg }: Pick<VcdSettings, 'providerOrg'>,
): boolean => orgId === orgNamed(providerOrg, org ?? providerOrg);

/** An org as somebody wrote it, as it is kept: only the provider's may be written in any case. */
export const orgNamed = (providerOrg: string, org: string): string =>
  org.toLowerCase() === providerOrg.toLowerCase() ? providerOrg : org;
