// Orgs, users and roles: every command a person gives about accounts, from the command line or a surface.
// Checks each command, and leaves atomicity, generations and the change feed to the store. Sends nothing itself.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { AccountState, OrgRecord, UserRecord } from '../store/records.ts';
import type { OrgChange, Page, PageRequest, TokenStore, UserChange } from '../store/token-store.ts';
import { checkLifetimeMax } from './lifetime.ts';
import {
  checkCount,
  checkName,
  checkNewOrgId,
  checkNewUserId,
  checkOrgId,
  checkRoleName,
  checkScopes,
  checkUserId,
  distinct,
  rolesPerOrgMax,
  rolesPerUserMax,
} from './names.ts';
import { checkPage } from './page.ts';
import { type CommandError, commandError, isFailure } from './command-error.ts';

export interface NewOrg {
  readonly id: string;
  /** Undefined: the id. */
  readonly name: string | undefined;
  /** Role name -> scopes. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
  /** Undefined: no limit. */
  readonly tokenLifetimeMsMax: number | undefined;
}

export interface NewUser {
  readonly orgId: string;
  readonly id: string;
  /** Undefined: the id. */
  readonly name: string | undefined;
  /** Names of roles the org defines. */
  readonly roles: readonly string[];
}

export interface Accounts {
  createOrg(org: NewOrg): Promise<OrgRecord | CommandError | Outage>;
  /** `tokenLifetimeMsMax: null` lifts the limit. */
  changeOrg(
    orgId: string,
    change: { readonly name?: string; readonly tokenLifetimeMsMax?: number | null },
  ): Promise<OrgRecord | CommandError | Outage>;
  /** Disabling ends every session of the org and refuses its API tokens until it is active again. */
  setOrgState(orgId: string, state: AccountState): Promise<OrgRecord | CommandError | Outage>;
  findOrg(orgId: string): Promise<OrgRecord | CommandError | Outage>;
  listOrgs(page: PageRequest): Promise<Page<OrgRecord> | CommandError | Outage>;
  /** Defines a role or replaces its scopes; whoever holds it gets the new scopes at once. */
  defineRole(
    orgId: string,
    role: string,
    scopes: readonly string[],
  ): Promise<OrgRecord | CommandError | Outage>;
  /** Whoever still holds it is granted nothing by it. */
  deleteRole(orgId: string, role: string): Promise<OrgRecord | CommandError | Outage>;
  createUser(user: NewUser): Promise<UserRecord | CommandError | Outage>;
  renameUser(orgId: string, userId: string, name: string): Promise<UserRecord | CommandError | Outage>;
  /** Replaces all roles; the user's access tokens end, the API tokens live on with the new roles. */
  setRoles(
    orgId: string,
    userId: string,
    roles: readonly string[],
  ): Promise<UserRecord | CommandError | Outage>;
  setUserState(
    orgId: string,
    userId: string,
    state: AccountState,
  ): Promise<UserRecord | CommandError | Outage>;
  /** Roles and state in one step, as `setRoles` and `setUserState`; what is undefined stays. */
  changeUser(
    orgId: string,
    userId: string,
    change: { readonly roles: readonly string[] | undefined; readonly state: AccountState | undefined },
  ): Promise<UserRecord | CommandError | Outage>;
  findUser(orgId: string, userId: string): Promise<UserRecord | CommandError | Outage>;
  listUsers(orgId: string, page: PageRequest): Promise<Page<UserRecord> | CommandError | Outage>;
}

/** `now`: milliseconds since the epoch. */
export const createAccounts = (deps: {
  readonly store: TokenStore;
  readonly now: () => number;
}): Accounts => {
  const { store, now } = deps;

  const changeOrg = async (orgId: string, change: OrgChange): Promise<OrgRecord | CommandError | Outage> => {
    const malformed = checkOrgId(orgId) ?? (change.name === undefined ? undefined : checkName(change.name));
    return malformed ?? (await store.changeOrg(orgId, change, now())) ?? orgUnknown(orgId);
  };
  const changeUser = async (
    orgId: string,
    userId: string,
    change: UserChange,
  ): Promise<UserRecord | CommandError | Outage> => {
    const malformed = checkUser(orgId, userId, change.name);
    return malformed ?? (await store.changeUser(orgId, userId, change, now())) ?? userUnknown(orgId, userId);
  };
  const findOrg = async (orgId: string): Promise<OrgRecord | CommandError | Outage> =>
    checkOrgId(orgId) ?? (await store.findOrg(orgId)) ?? orgUnknown(orgId);

  return {
    createOrg: async (command) => {
      const name = command.name ?? command.id;
      const malformed =
        checkNewOrgId(command.id) ??
        checkName(name) ??
        checkRoles(command.roles) ??
        (command.tokenLifetimeMsMax === undefined ? undefined : checkLifetimeMax(command.tokenLifetimeMsMax));
      if (malformed !== undefined) return malformed;
      const org: OrgRecord = {
        id: command.id,
        name,
        state: 'active',
        roles: Object.fromEntries(
          Object.entries(command.roles).map(([role, scopes]) => [role, distinct(scopes)]),
        ),
        tokenLifetimeMsMax: command.tokenLifetimeMsMax,
        generation: 0,
        tokenGenerationMin: 0,
        createdAtMs: now(),
      };
      const answer = await store.createOrg(org);
      if (isOutage(answer)) return answer;
      return answer === 'created'
        ? org
        : commandError(
            'org_exists',
            `The org ${org.id} exists already. If an earlier attempt ended without an answer, that one made it. Otherwise change it, or choose another id.`,
          );
    },
    changeOrg: async (orgId, change) => {
      const max = change.tokenLifetimeMsMax;
      const malformed = max === undefined || max === null ? undefined : checkLifetimeMax(max);
      return malformed ?? changeOrg(orgId, change);
    },
    setOrgState: (orgId, state) => changeOrg(orgId, { state }),
    findOrg,
    listOrgs: async (page) => checkPage(page) ?? store.listOrgs(page),
    defineRole: async (orgId, role, scopes) => {
      const malformed = checkRoleName(role) ?? checkScopes(scopes);
      if (malformed !== undefined) return malformed;
      const org = await findOrg(orgId);
      if (isFailure(org)) return org;
      const count = new Set([...Object.keys(org.roles), role]).size;
      const many = checkCount('role_malformed', 'roles of one org', count, rolesPerOrgMax);
      return many ?? changeOrg(orgId, { roles: { [role]: distinct(scopes) } });
    },
    deleteRole: async (orgId, role) => {
      const org = await findOrg(orgId);
      if (isFailure(org)) return org;
      const malformed = checkRoleName(role);
      if (malformed !== undefined) return malformed;
      // A role that is gone too: an earlier attempt may have been answered with an outage, and this one must not deny it.
      const changed = await changeOrg(orgId, { roles: { [role]: null } });
      return isOutage(changed) ? changed : (checkKnownRoles(org, [role]) ?? changed);
    },
    createUser: async (command) => {
      const name = command.name ?? command.id;
      const roles = distinct(command.roles);
      const malformed = checkUser(command.orgId, command.id, name) ?? checkNewUserId(command.id);
      if (malformed !== undefined) return malformed;
      const org = await findOrg(command.orgId);
      if (isFailure(org)) return org;
      const unknownRole = checkKnownRoles(org, roles);
      if (unknownRole !== undefined) return unknownRole;
      const user: UserRecord = {
        orgId: command.orgId,
        id: command.id,
        name,
        state: 'active',
        roles,
        generation: 0,
        tokenGenerationMin: 0,
        createdAtMs: now(),
        passwordHash: undefined,
      };
      const answer = await store.createUser(user);
      if (isOutage(answer)) return answer;
      if (answer === 'org_unknown') return orgUnknown(command.orgId);
      return answer === 'created'
        ? user
        : commandError(
            'user_exists',
            `The user ${user.orgId}/${user.id} exists already. If an earlier attempt ended without an answer, that one made it. Otherwise change it, or choose another id.`,
          );
    },
    renameUser: (orgId, userId, name) => changeUser(orgId, userId, { name }),
    setRoles: async (orgId, userId, roles) => {
      const org = await findOrg(orgId);
      if (isFailure(org)) return org;
      return checkKnownRoles(org, roles) ?? changeUser(orgId, userId, { roles: distinct(roles) });
    },
    setUserState: (orgId, userId, state) => changeUser(orgId, userId, { state }),
    changeUser: async (orgId, userId, { roles, state }) => {
      const org = await findOrg(orgId);
      if (isFailure(org)) return org;
      const unknownRole = roles === undefined ? undefined : checkKnownRoles(org, roles);
      return (
        unknownRole ??
        changeUser(orgId, userId, {
          ...(roles !== undefined && { roles: distinct(roles) }),
          ...(state !== undefined && { state }),
        })
      );
    },
    findUser: async (orgId, userId) =>
      checkUser(orgId, userId, undefined) ??
      (await store.findUser(orgId, userId)) ??
      userUnknown(orgId, userId),
    listUsers: async (orgId, page) => {
      const org = checkPage(page) ?? (await findOrg(orgId));
      return isFailure(org) ? org : store.listUsers(orgId, page);
    },
  };
};

export const orgUnknown = (orgId: string): CommandError =>
  commandError('org_unknown', `There is no org ${orgId}. Create it, or list the orgs to see their ids.`);

export const userUnknown = (orgId: string, userId: string): CommandError =>
  commandError(
    'user_unknown',
    `There is no user ${orgId}/${userId}. Create it, or list the users of ${orgId}.`,
  );

const checkUser = (orgId: string, userId: string, name: string | undefined): CommandError | undefined =>
  checkOrgId(orgId) ?? checkUserId(userId) ?? (name === undefined ? undefined : checkName(name));

const checkRoles = (roles: Readonly<Record<string, readonly string[]>>): CommandError | undefined => {
  const entries = Object.entries(roles);
  for (const [role, scopes] of entries) {
    const malformed = checkRoleName(role) ?? checkScopes(scopes);
    if (malformed !== undefined) return malformed;
  }
  return checkCount('role_malformed', 'roles of one org', entries.length, rolesPerOrgMax);
};

const checkKnownRoles = (org: OrgRecord, roles: readonly string[]): CommandError | undefined => {
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
