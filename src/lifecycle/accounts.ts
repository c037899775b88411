// Orgs, users and roles: every command about accounts, of the operator or of a surface. Checks the command, and leaves
// atomicity, generations and the change feed to the store. Rights are judged elsewhere (account-commands.ts).

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { AccountState, OrgRecord, UserRecord } from '../store/records.ts';
import type { OrgChange, Page, PageRequest, TokenStore } from '../store/token-store.ts';
import { type CommandError, commandError, isFailure } from './command-error.ts';
import { checkLifetimeMax } from './lifetime.ts';
import {
  checkCount,
  checkName,
  checkNewOrgId,
  checkNewUserId,
  checkOrgId,
  checkPage,
  checkRoleName,
  checkScopes,
  checkUserId,
  distinct,
  rolesPerOrgMax,
  rolesPerUserMax,
} from './names.ts';

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

/** What is undefined stays. */
export interface UserChanges {
  readonly name?: string | undefined;
  /** All roles from now on; the user's sessions end, the API tokens live on with the new roles. */
  readonly roles?: readonly string[] | undefined;
  /** Disabling ends the user's sessions, and refuses the API tokens until the user is enabled again. */
  readonly state?: AccountState | undefined;
}

export class Accounts {
  readonly #store: TokenStore;
  readonly #now: () => number;

  /** `now`: milliseconds since the epoch. */
  constructor({ store, now }: { readonly store: TokenStore; readonly now: () => number }) {
    this.#store = store;
    this.#now = now;
  }

  async createOrg({ id, name = id, roles, tokenLifetimeMsMax }: NewOrg) {
    const malformed =
      checkNewOrgId(id) ??
      checkName(name) ??
      checkRoles(roles) ??
      (tokenLifetimeMsMax === undefined ? undefined : checkLifetimeMax(tokenLifetimeMsMax));
    if (malformed !== undefined) return malformed;
    const org: OrgRecord = {
      id,
      name,
      state: 'active',
      roles: Object.fromEntries(Object.entries(roles).map(([role, scopes]) => [role, distinct(scopes)])),
      tokenLifetimeMsMax,
      generation: 0,
      tokenGenerationMin: 0,
      createdAtMs: this.#now(),
    };
    const answer = await this.#store.createOrg(org);
    if (isOutage(answer)) return answer;
    return answer === 'created' ? org : existsAlready('org_exists', `The org ${id}`);
  }

  /** `tokenLifetimeMsMax: null` lifts the limit. */
  async changeOrg(orgId: string, change: Pick<OrgChange, 'name' | 'tokenLifetimeMsMax'>) {
    const max = change.tokenLifetimeMsMax;
    const malformed = max === undefined || max === null ? undefined : checkLifetimeMax(max);
    return malformed ?? this.#changeOrg(orgId, change);
  }

  /** Disabling ends every session of the org and refuses its API tokens until it is active again. */
  setOrgState(orgId: string, state: AccountState) {
    return this.#changeOrg(orgId, { state });
  }

  async findOrg(orgId: string): Promise<OrgRecord | CommandError | Outage> {
    return checkOrgId(orgId) ?? (await this.#store.findOrg(orgId)) ?? orgUnknown(orgId);
  }

  async listOrgs(page: PageRequest): Promise<Page<OrgRecord> | CommandError | Outage> {
    return checkPage(page) ?? this.#store.listOrgs(page);
  }

  /** Defines a role or replaces its scopes; the users who hold it get the new scopes at once. */
  async defineRole(orgId: string, role: string, scopes: readonly string[]) {
    const malformed = checkRoleName(role) ?? checkScopes(scopes);
    if (malformed !== undefined) return malformed;
    const org = await this.findOrg(orgId);
    if (isFailure(org)) return org;
    const count = new Set([...Object.keys(org.roles), role]).size;
    const many = checkCount('role_malformed', 'roles of one org', count, rolesPerOrgMax);
    return many ?? this.#changeOrg(orgId, { roles: { [role]: distinct(scopes) } });
  }

  /** Users who still hold it are granted nothing by it. */
  async deleteRole(orgId: string, role: string) {
    const org = await this.findOrg(orgId);
    if (isFailure(org)) return org;
    const malformed = checkRoleName(role);
    if (malformed !== undefined) return malformed;
    // A role that is gone too: an earlier attempt may have been answered with an outage, and this one must not deny it.
    const changed = await this.#changeOrg(orgId, { roles: { [role]: null } });
    return isOutage(changed) ? changed : (checkKnownRoles(org, [role]) ?? changed);
  }

  async createUser({ orgId, id, name = id, roles: given }: NewUser) {
    const roles = distinct(given);
    const malformed = checkUser(orgId, id, name) ?? checkNewUserId(id);
    const unknown = malformed ?? (await this.#checkRoles(orgId, roles));
    if (unknown !== undefined) return unknown;
    const user: UserRecord = {
      orgId,
      id,
      name,
      state: 'active',
      roles,
      generation: 0,
      tokenGenerationMin: 0,
      createdAtMs: this.#now(),
      passwordHash: undefined,
    };
    const answer = await this.#store.createUser(user);
    if (isOutage(answer)) return answer;
    if (answer === 'org_unknown') return orgUnknown(orgId);
    return answer === 'created' ? user : existsAlready('user_exists', `The user ${orgId}/${id}`);
  }

  /** All in one step. */
  async changeUser(
    orgId: string,
    userId: string,
    { name, roles, state }: UserChanges,
  ): Promise<UserRecord | CommandError | Outage> {
    const malformed = checkUser(orgId, userId, name);
    const unknown = malformed ?? (roles === undefined ? undefined : await this.#checkRoles(orgId, roles));
    if (unknown !== undefined) return unknown;
    const change = {
      ...(name !== undefined && { name }),
      ...(roles !== undefined && { roles: distinct(roles) }),
      ...(state !== undefined && { state }),
    };
    return (await this.#store.changeUser(orgId, userId, change, this.#now())) ?? userUnknown(orgId, userId);
  }

  setRoles(orgId: string, userId: string, roles: readonly string[]) {
    return this.changeUser(orgId, userId, { roles });
  }

  setUserState(orgId: string, userId: string, state: AccountState) {
    return this.changeUser(orgId, userId, { state });
  }

  async findUser(orgId: string, userId: string): Promise<UserRecord | CommandError | Outage> {
    const malformed = checkUser(orgId, userId);
    return malformed ?? (await this.#store.findUser(orgId, userId)) ?? userUnknown(orgId, userId);
  }

  async listUsers(orgId: string, page: PageRequest): Promise<Page<UserRecord> | CommandError | Outage> {
    const org = checkPage(page) ?? (await this.findOrg(orgId));
    return isFailure(org) ? org : this.#store.listUsers(orgId, page);
  }

  async #changeOrg(orgId: string, change: OrgChange): Promise<OrgRecord | CommandError | Outage> {
    const malformed = checkOrgId(orgId) ?? (change.name === undefined ? undefined : checkName(change.name));
    return malformed ?? (await this.#store.changeOrg(orgId, change, this.#now())) ?? orgUnknown(orgId);
  }

  async #checkRoles(orgId: string, roles: readonly string[]): Promise<CommandError | Outage | undefined> {
    const org = await this.findOrg(orgId);
    return isFailure(org) ? org : checkKnownRoles(org, roles);
  }
}

export const orgUnknown = (orgId: string): CommandError =>
  commandError('org_unknown', `There is no org ${orgId}. Create it, or list the orgs to see their ids.`);

export const userUnknown = (orgId: string, userId: string): CommandError =>
  commandError(
    'user_unknown',
    `There is no user ${orgId}/${userId}. Create it, or list the users of ${orgId}.`,
  );

const existsAlready = (code: 'org_exists' | 'user_exists', what: string): CommandError =>
  commandError(
    code,
    `${what} exists already. If an earlier attempt ended without an answer, that one made it. Otherwise change it, or choose another id.`,
  );

const checkUser = (orgId: string, userId: string, name?: string): CommandError | undefined =>
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
