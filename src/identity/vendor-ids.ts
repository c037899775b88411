// Ids in the form the vendors' clients expect: a UUID for every org and user. An id that is a UUID stays as it is, so an
// operator who keeps the vendor's ids loses nothing; any other id gets a UUID made of it, the same on every replica.

import { digestOf, uuidOfDigest } from '../tokens/api-token.ts';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const uuidOfOrg = (orgId: string): string => (uuid.test(orgId) ? orgId : uuidOf(orgId));

export const uuidOfUser = (orgId: string, userId: string): string =>
  uuid.test(userId) ? userId : uuidOf(`${orgId}/${userId}`);

/** Of anything else with a name; one that is a UUID stays as it is. */
export const uuidOfName = (name: string): string => (uuid.test(name) ? name : uuidOf(name));

/** What Cloud Director writes before an org's UUID. No id of an org holds a colon. */
export const orgUrnPrefix = 'urn:vcloud:org:';

/**
 * Whether a path or a body that names an org means this one: by its own id, to the letter, by the UUID made of it, in any
 * case, or by the URN of either UUID. The one rule for ids, on the surfaces and on routes. No org can have the UUID of
 * another as its id: such ids are refused where orgs are made (lifecycle/names.ts).
 */
export const meansOrg = (orgId: string, named: string): boolean => {
  if (named === orgId) return true;
  const text = named.startsWith(orgUrnPrefix) ? named.slice(orgUrnPrefix.length) : named;
  if (text.length !== uuidLength) return false;
  const stands = madeUuidOf(orgId);
  return stands === '' ? text === orgId : text === stands || text.toLowerCase() === stands;
};

const uuidLength = 36;

const made = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

export const isMadeUuid = (text: string): boolean => made.test(text);

/** What `madeUuidOf` has answered, so that no request pays for a digest twice. */
const known = new Map<string, string>();
const knownMax = 10_000;

/** The UUID that stands for an org's id; empty for an id that is one itself. */
const madeUuidOf = (orgId: string): string => {
  const found = known.get(orgId);
  if (found !== undefined) return found;
  if (known.size >= knownMax) known.clear();
  const stands = uuid.test(orgId) ? '' : uuidOf(orgId);
  known.set(orgId, stands);
  return stands;
};

export const uuidOf = (name: string): string => uuidOfDigest(digestOf(name));
