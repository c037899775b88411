// Orgs, users and roles: every command about accounts, of the operator or of a surface. Checks the command, and leaves
// atomicity, generations and the change feed to the store. Rights are judged elsewhere (account-commands.ts).

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { AccountState, OrgRecord, UserRecord } from '../store/records.ts';
import type { OrgChange, Page, PageRequest, TokenStore } from '../store/token-store.ts';
import {
  checkKnownRoles,
  checkRoles,
  checkUser,
  existsAlready,
  orgUnknown,
  userUnknown,
} from './account-checks.ts';
import { type CommandError, isFailure } from './command-error.ts';
import { checkEmail } from './email.ts';
import { checkLifetimeMax, checkReminders } from './lifetime.ts';
import {
  checkCount,
  checkName,
  checkNewOrgId,
  checkNewUserId,
  checkOrgId,
  checkPage,
  checkRoleName,
  checkScopes,
  distinct,
  rolesPerOrgMax,
} from './names.ts';

export interface NewOrg {
  readonly id: string;
  /** Undefined: the id. */
  readonly name: string | undefined;
  /** Role name -> scopes. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
  /** Undefined: no limit. */
  readonly tokenLifetimeMsMax: number | undefined;
  /** Undefined: as the settings say; empty: no reminders. */
  readonly reminderThresholdsMs?: readonly number[] | undefined;
}

export interface NewUser {
  readonly orgId: string;
  readonly id: string;
  /** Undefined: the id. */
  readonly name: string | undefined;
  /** Names of roles the org defines. */
  readonly roles: readonly string[];
  readonly email?: string | undefined;
  readonly passwordHash?: string | undefined;
}

/** What is undefined stays. */
export interface UserChanges {
  readonly name?: string | undefined;
  /** All roles from now on; the user's sessions end, the API tokens live on with the new roles. */
  readonly roles?: readonly string[] | undefined;
  /** Disabling ends the user's sessions, and refuses the API tokens until the user is enabled again. */
  readonly state?: AccountState | undefined;
  /** Null takes it away. */
  readonly email?: string | null | undefined;
}

/** What is undefined stays; null takes a limit or a default away. */
export interface OrgChanges {
  readonly name?: string | undefined;
  /** Disabling ends every session of the org and refuses its API tokens until it is active again. */
  readonly state?: AccountState | undefined;
  readonly tokenLifetimeMsMax?: number | null | undefined;
  readonly reminderThresholdsMs?: readonly number[] | null | undefined;
}

export interface AccountsDeps {
  readonly store: TokenStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export class Accounts {
  readonly #store: TokenStore;
  readonly #now: () => number;

  constructor({ store, now }: AccountsDeps) {
    this.#store = store;
    this.#now = now;
  }

  async createOrg({ id, name = id, roles, tokenLifetimeMsMax, reminderThresholdsMs }: NewOrg) {
    const malformed =
      checkNewOrgId(id) ??
      checkName(name) ??
      checkRoles(roles) ??
      checkLimits({ tokenLifetimeMsMax, reminderThresholdsMs });
    if (malformed !== undefined) return malformed;
    const nowMs = this.#now();
    const org: OrgRecord = {
      id,
      name,
      state: 'active',
      roles: Object.fromEntries(Object.entries(roles).map(([role, scopes]) => [role, distinct(scopes)])),
      tokenLifetimeMsMax,
      reminderThresholdsMs: reminderThresholdsMs && inOrder(reminderThresholdsMs),
      ...bornAt(nowMs),
    };
    const answer = await this.#store.createOrg(org);
    if (isOutage(answer)) return answer;
    return answer === 'created' ? org : existsAlready('org_exists', `The org ${id}`);
  }

  /** All in one step. */
  async changeOrg(orgId: string, changes: OrgChanges) {
    const { name, state, tokenLifetimeMsMax, reminderThresholdsMs: remindersMs } = changes;
    const change = {
      ...(name !== undefined && { name }),
      ...(state !== undefined && { state }),
      ...(tokenLifetimeMsMax !== undefined && { tokenLifetimeMsMax }),
      ...(remindersMs !== undefined && { reminderThresholdsMs: remindersMs && inOrder(remindersMs) }),
    };
    return checkLimits(changes) ?? this.#changeOrg(orgId, change);
  }

  /** The org, its users, their sessions and API tokens: gone for good. Repeating it after an outage goes on. */
  async deleteOrg(orgId: string): Promise<'deleted' | 'already_deleted' | CommandError | Outage> {
    const answer = checkOrgId(orgId) ?? (await this.#store.deleteOrg(orgId, this.#now()));
    return answer === 'unknown' ? orgUnknown(orgId) : answer;
  }

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

  async createUser({ orgId, id, name = id, roles: given, email, passwordHash }: NewUser) {
    const roles = distinct(given);
    const malformed =
      checkUser(orgId, id, name) ??
      checkNewUserId(id) ??
      (email === undefined ? undefined : checkEmail(email));
    const unknown = malformed ?? (await this.#checkRoles(orgId, roles));
    if (unknown !== undefined) return unknown;
    const user: UserRecord = {
      orgId,
      id,
      name,
      state: 'active',
      roles,
      passwordHash,
      email,
      ...bornAt(this.#now()),
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
    { name, roles, state, email }: UserChanges,
  ): Promise<UserRecord | CommandError | Outage> {
    const malformed =
      checkUser(orgId, userId, name) ?? (typeof email === 'string' ? checkEmail(email) : undefined);
    const unknown = malformed ?? (roles === undefined ? undefined : await this.#checkRoles(orgId, roles));
    if (unknown !== undefined) return unknown;
    const change = {
      ...(name !== undefined && { name }),
      ...(roles !== undefined && { roles: distinct(roles) }),
      ...(state !== undefined && { state }),
      ...(email !== undefined && { email }),
    };
    return (await this.#store.changeUser(orgId, userId, change, this.#now())) ?? userUnknown(orgId, userId);
  }

  setRoles(orgId: string, userId: string, roles: readonly string[]) {
    return this.changeUser(orgId, userId, { roles });
  }

  setUserState(orgId: string, userId: string, state: AccountState) {
    return this.changeUser(orgId, userId, { state });
  }

  /** The API tokens live on, and begin other sessions. */
  async endSessions(orgId: string, userId: string): Promise<UserRecord | CommandError | Outage> {
    const malformed = checkUser(orgId, userId);
    if (malformed !== undefined) return malformed;
    const ended = await this.#store.changeUser(orgId, userId, { endsSessions: true }, this.#now());
    return ended ?? userUnknown(orgId, userId);
  }

  /** Ends every session and API token of the user for good. */
  async deleteUser(
    orgId: string,
    userId: string,
  ): Promise<'deleted' | 'already_deleted' | CommandError | Outage> {
    const answer = checkUser(orgId, userId) ?? (await this.#store.deleteUser(orgId, userId, this.#now()));
    return answer === 'unknown' ? userUnknown(orgId, userId) : answer;
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

const checkLimits = ({ tokenLifetimeMsMax, reminderThresholdsMs }: OrgChanges): CommandError | undefined =>
  (typeof tokenLifetimeMsMax === 'number' ? checkLifetimeMax(tokenLifetimeMsMax) : undefined) ??
  (reminderThresholdsMs ? checkReminders(reminderThresholdsMs) : undefined);

/** The first reminder first, each once. */
const inOrder = (thresholdsMs: readonly number[]): readonly number[] =>
  [...new Set(thresholdsMs)].sort((one, other) => other - one);

/**
 * Of an account that is made now. Its generations begin with the time, above those of any account that had its id before:
 * no session or API token of that one is good for this one, though the store has forgotten it.
 */
const bornAt = (nowMs: number) => ({ generation: nowMs, tokenGenerationMin: nowMs, createdAtMs: nowMs });
