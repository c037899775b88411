// What is wrong with a command about orgs, users and roles, as far as that shows without the store, or in the org's record.

import type { OrgRecord } from '../store/records.ts';
import { type CommandError, commandError } from './command-error.ts';
import {
  checkCount,
  checkName,
  checkOrgId,
  checkRoleName,
  checkScopes,
  checkUserId,
  rolesPerOrgMax,
  rolesPerUserMax,
} from './names.ts';

export const orgUnknown = (orgId: string): CommandError =>
  commandError('org_unknown', `There is no org ${orgId}. Create it, or list the orgs to see their ids.`);

export const userUnknown = (orgId: string, userId: string): CommandError =>
  commandError(
    'user_unknown',
    `There is no user ${orgId}/${userId}. Create it, or list the users of ${orgId}.`,
  );

export const existsAlready = (code: 'org_exists' | 'user_exists', what: string): CommandError =>
  commandError(
    code,
    `${what} exists already. If an earlier attempt ended without an answer, that one made it. Otherwise change it, or choose another id.`,
  );

export const checkUser = (orgId: string, userId: string, name?: string): CommandError | undefined =>
  checkOrgId(orgId) ?? checkUserId(userId) ?? (name === undefined ? undefined : checkName(name));

/** Of an org to be made. */
export const checkRoles = (roles: OrgRecord['roles']): CommandError | undefined => {
  const entries = Object.entries(roles);
  for (const [role, scopes] of entries) {
    const malformed = checkRoleName(role) ?? checkScopes(scopes);
    if (malformed !== undefined) return malformed;
  }
  return checkCount('role_malformed', 'roles of one org', entries.length, rolesPerOrgMax);
};

/** Of a user: all must be roles of the org. */
export const checkKnownRoles = (
  org: Pick<OrgRecord, 'id' | 'roles'>,
  roles: readonly string[],
): CommandError | undefined => {
  const malformed =
    checkCount('role_malformed', 'roles of one user', roles.length, rolesPerUserMax) ??
    roles.map(checkRoleName).find((found) => found !== undefined);
  if (malformed !== undefined) return malformed;
  const unknown = roles.find((role) => !Object.hasOwn(org.roles, role));
  if (unknown === undefined) return undefined;
  const known = Object.keys(org.roles).sort();
  return commandError(
    'role_unknown',
    `The org ${org.id} defines no role ${JSON.stringify(unknown)}. ${
      known.length === 0 ? 'It has none yet; define one first.' : `It has: ${known.slice(0, 20).join(', ')}.`
    }`,
  );
};
