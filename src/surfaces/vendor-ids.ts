// Ids in the form the vendors' clients expect: a UUID for every org and user. An id that is one stays as it is, so an
// operator who keeps the vendor's ids loses nothing; any other gets one made of it, the same on every replica.

import { hash } from 'node:crypto';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const uuidOfOrg = (orgId: string): string => (uuid.test(orgId) ? orgId : uuidOf(orgId));

export const uuidOfUser = (orgId: string, userId: string): string =>
  uuid.test(userId) ? userId : uuidOf(`${orgId}/${userId}`);

/** Of anything else with a name; one that is a UUID stays as it is. */
export const uuidOfName = (name: string): string => (uuid.test(name) ? name : uuidOf(name));

/** Whether a vendor's client means this org: by its own id, or by the UUID it was told. */
export const isOrg = (orgId: string, named: string): boolean =>
  named === orgId || named.toLowerCase() === uuidOfOrg(orgId).toLowerCase();

/** UUID version 8 (RFC 9562 section 5.8) of a SHA-256. */
const uuidOf = (name: string): string => {
  const hex = hash('sha256', name, 'hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
};
