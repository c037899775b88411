// The commands of callers about the users and roles of their org, and their reading of its audit. Nobody grants more than they
// may do themselves, and nobody locks everybody out.

import { isOutage, type Outage, type Refusal } from '../decision/outcome.ts';
import type { Identity } from '../decision/identity.ts';
import { mayManageAccounts, mayManageUser, mayReadAudit } from '../decision/rights.ts';
import { effectiveScopes } from '../decision/scope.ts';
import type { AuditEntry, OrgRecord, UserRecord } from '../store/records.ts';
import type { Page, PageRequest, TokenStore } from '../store/token-store.ts';
import { Accounts, type NewUser, type UserChanges } from './accounts.ts';
import type { Actor } from './actor.ts';
import type { AuditAction } from './audit.ts';
import { type AuditFilter, readFilteredAudit } from './audit-listing.ts';
import { type CommandError, isCommandError, isFailure } from './command-error.ts';
import { checkKept, noScopes, scopesOf } from './kept-rights.ts';
import { checkPage } from './names.ts';
import { checkHeld } from './owner.ts';
import { hashNewPassword } from './passwords.ts';
import type { PasswordHashes } from './password-hash.ts';
import { withRight, type WithRightDeps } from './with-right.ts';

export interface ChangeUserCommand extends UserChanges {
  readonly orgId: string;
  readonly userId: string;
}

export interface NewUserCommand extends Omit<NewUser, 'passwordHash'> {
  readonly password: string | undefined;
}

export interface AccountCommandsDeps extends WithRightDeps {
  readonly store: TokenStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly passwords: Pick<PasswordHashes, 'hash'>;
}

export type AccountCommands = ReturnType<typeof createAccountCommands>;

/** Whom a command is about. */
interface Subject {
  readonly orgId: string;
  readonly userId?: string;
}

/** Refused as `mayManageAccounts`, `mayManageUser` and `mayReadAudit` say, and `rate_limited` after too many commands. */
export const createAccountCommands = (deps: AccountCommandsDeps) => {
  const accounts = new Accounts(deps);
  const inOrg = <T extends object | string>(
    actor: Actor,
    action: AuditAction,
    { orgId, userId }: Subject,
    work: (identity: Identity) => Promise<T | CommandError | Outage>,
    may: (identity: Identity) => ReturnType<typeof mayManageAccounts> = (identity) =>
      mayManageAccounts(identity, orgId),
  ): Promise<T | CommandError | Refusal> =>
    withRight<T>(deps, { actor, action, subject: () => ({ org: orgId, user: userId }), may, work });
  const ofUser = (orgId: string, userId: string) => (identity: Identity) =>
    mayManageUser(identity, { orgId, userId });
  const changed = async (before: UserRecord, change: UserChanges) => {
    const after = await accounts.changeUser(before.orgId, before.id, change);
    return isFailure(after) || !isSame(before, after) ? after : { ...after, isRepeat: true };
  };

  return {
    findOrg: (actor: Actor, orgId: string) =>
      inOrg<OrgRecord>(actor, 'org.see', { orgId }, () => accounts.findOrg(orgId)),

    /** Oneself, or with the right any user of the org. */
    findUser: (actor: Actor, orgId: string, userId: string) =>
      inOrg<UserRecord>(
        actor,
        'user.see',
        { orgId, userId },
        () => accounts.findUser(orgId, userId),
        ofUser(orgId, userId),
      ),

    listUsers: (actor: Actor, orgId: string, page: PageRequest) =>
      inOrg<Page<UserRecord>>(actor, 'user.list', { orgId }, () => accounts.listUsers(orgId, page)),

    createUser: (actor: Actor, { password, ...user }: NewUserCommand) =>
      inOrg<UserRecord>(actor, 'user.create', { orgId: user.orgId, userId: user.id }, async ({ scopes }) => {
        const org = await accounts.findOrg(user.orgId);
        const wide = isFailure(org) ? org : checkGrant(scopes, user.roles, org);
        if (wide !== undefined) return wide;
        const passwordHash =
          password === undefined ? undefined : await hashNewPassword(deps.passwords, password);
        return isFailure(passwordHash) ? passwordHash : accounts.createUser({ ...user, passwordHash });
      }),

    /** A change of roles or state ends the user's sessions; the API tokens live on, or wait until the user is enabled again. */
    changeUser: (actor: Actor, { orgId, userId, ...change }: ChangeUserCommand) =>
      inOrg<UserRecord>(actor, 'user.change', { orgId, userId }, async ({ scopes }) => {
        const before = await accounts.findUser(orgId, userId);
        if (isFailure(before)) return before;
        const org = await accounts.findOrg(orgId);
        if (isFailure(org)) return org;
        const { state = before.state, roles = before.roles } = change;
        const added = roles.filter((role) => !before.roles.includes(role));
        const refusal =
          checkGrant(scopes, added, org) ??
          checkKept(scopes, {
            before: scopesOf(before, org),
            after: scopesOf({ state, roles }, org),
            isOwn: isActor(actor, orgId, userId),
          });
        return refusal ?? changed(before, change);
      }),

    /** One's own, or with the right any user's of the org. */
    changeEmail: (actor: Actor, orgId: string, userId: string, email: string | null) =>
      inOrg<UserRecord>(
        actor,
        'user.change',
        { orgId, userId },
        async () => {
          const before = await accounts.findUser(orgId, userId);
          return isFailure(before) ? before : changed(before, { email });
        },
        ofUser(orgId, userId),
      ),

    /** Every session of a user; the API tokens live on. */
    endSessions: (actor: Actor, orgId: string, userId: string) =>
      inOrg<UserRecord>(
        actor,
        'session.end_all',
        { orgId, userId },
        () => accounts.endSessions(orgId, userId),
        ofUser(orgId, userId),
      ),

    deleteUser: (actor: Actor, orgId: string, userId: string) =>
      inOrg<'deleted' | 'already_deleted'>(actor, 'user.delete', { orgId, userId }, async ({ scopes }) => {
        const [user, org] = await Promise.all([accounts.findUser(orgId, userId), accounts.findOrg(orgId)]);
        if (isOutage(user)) return user;
        if (isFailure(org)) return org;
        const before = isCommandError(user) ? noScopes : scopesOf(user, org);
        const isOwn = isActor(actor, orgId, userId);
        return checkKept(scopes, { before, after: noScopes, isOwn }) ?? accounts.deleteUser(orgId, userId);
      }),

    /** In force at once for all who have the role; every session of the org ends, API tokens live on. */
    defineRole: (actor: Actor, orgId: string, role: string, granted: readonly string[]) =>
      inOrg<OrgRecord>(actor, 'role.create', { orgId }, async ({ scopes }) => {
        const org = await accounts.findOrg(orgId);
        if (isFailure(org)) return org;
        const added = granted.filter((scope) => !scopesOfRole(org, role).includes(scope));
        const refusal =
          checkHeld(scopes, added, 'define a role that grants it') ??
          (await checkRoleKept(accounts, actor, scopes, { org, role, granted }));
        if (refusal !== undefined) return refusal;
        const after = await accounts.defineRole(orgId, role, granted);
        return isFailure(after) || after.generation !== org.generation ? after : { ...after, isRepeat: true };
      }),

    deleteRole: (actor: Actor, orgId: string, role: string) =>
      inOrg<OrgRecord>(actor, 'role.delete', { orgId }, async ({ scopes }) => {
        const org = await accounts.findOrg(orgId);
        if (isFailure(org)) return org;
        const refusal = await checkRoleKept(accounts, actor, scopes, { org, role, granted: [] });
        return refusal ?? accounts.deleteRole(orgId, role);
      }),

    /** Newest first. */
    readAudit: (actor: Actor, orgId: string, page: PageRequest, filter: AuditFilter = {}) =>
      inOrg<Page<AuditEntry>>(
        actor,
        'audit.read',
        { orgId },
        async () => checkPage(page) ?? readFilteredAudit(deps.store, orgId, page, filter),
        (identity) => mayReadAudit(identity, orgId),
      ),
  };
};

/** What roles grant the actor must have. */
export const checkGrant = (
  held: ReadonlySet<string>,
  roles: readonly string[],
  org: Pick<OrgRecord, 'roles'>,
): CommandError | undefined =>
  checkHeld(held, effectiveScopes('all', roles, org.roles), 'give a role that grants it');

const isActor = ({ identity }: Actor, orgId: string, userId: string): boolean =>
  identity.org.id === orgId && identity.user.id === userId;

const scopesOfRole = ({ roles }: OrgRecord, role: string): readonly string[] =>
  Object.hasOwn(roles, role) ? (roles[role] ?? []) : [];

/** That by another definition of a role the actor loses no right that must be kept, and takes none that they lack. */
const checkRoleKept = async (
  accounts: Accounts,
  { identity }: Actor,
  held: ReadonlySet<string>,
  {
    org,
    role,
    granted,
  }: { readonly org: OrgRecord; readonly role: string; readonly granted: readonly string[] },
): Promise<CommandError | Outage | undefined> => {
  const user = await accounts.findUser(identity.org.id, identity.user.id);
  if (isFailure(user)) return user;
  const after = { roles: { ...org.roles, [role]: granted } };
  const own = { before: scopesOf(user, org), after: scopesOf(user, after), isOwn: true };
  const others = { before: new Set(scopesOfRole(org, role)), after: new Set(granted), isOwn: false };
  return checkKept(held, own) ?? checkKept(held, others);
};

/** Whether a change came to nothing: a repetition, which the audit need not name. */
const isSame = (before: UserRecord, after: UserRecord): boolean =>
  before.generation === after.generation && before.name === after.name && before.email === after.email;
