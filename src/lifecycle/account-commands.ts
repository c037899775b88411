// The commands of callers about the users of their org, and their reading of its audit. Nobody grants more than they may do
// themselves, and nobody locks everybody out.

import { isOutage } from '../decision/outcome.ts';
import type { Identity } from '../decision/identity.ts';
import { mayManageUser, mayReadAudit } from '../decision/rights.ts';
import { effectiveScopes } from '../decision/scope.ts';
import type { AuditEntry, OrgRecord, UserRecord } from '../store/records.ts';
import type { Page, PageRequest, TokenStore } from '../store/token-store.ts';
import { Accounts, type NewUser, type UserChanges } from './accounts.ts';
import type { Actor } from './actor.ts';
import { type AuditFilter, readFilteredAudit } from './audit-listing.ts';
import { type CommandError, isCommandError, isFailure } from './command-error.ts';
import { checkKept, noScopes, scopesOf } from './kept-rights.ts';
import { checkPage } from './names.ts';
import { checkHeld } from './owner.ts';
import type { PasswordHashes } from './password-hash.ts';
import { hashNewPassword } from './passwords.ts';
import { createRoleCommands } from './role-commands.ts';
import { withRightInOrg, type WithRightDeps } from './with-right.ts';

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

/** Refused as `mayManageAccounts`, `mayManageUser` and `mayReadAudit` say, and `rate_limited` after too many commands. */
export const createAccountCommands = (deps: AccountCommandsDeps) => ({
  ...lookCommands(deps),
  ...userCommands(deps),
  ...ownCommands(deps),
  ...createRoleCommands(deps),
});

const lookCommands = (deps: AccountCommandsDeps) => {
  const accounts = new Accounts(deps);
  return {
    findOrg: (actor: Actor, orgId: string) =>
      withRightInOrg<OrgRecord>(deps, actor, 'org.see', { orgId }, () => accounts.findOrg(orgId)),

    listUsers: (actor: Actor, orgId: string, page: PageRequest) =>
      withRightInOrg<Page<UserRecord>>(deps, actor, 'user.list', { orgId }, () =>
        accounts.listUsers(orgId, page),
      ),

    /** Newest first. */
    readAudit: (actor: Actor, orgId: string, page: PageRequest, filter: AuditFilter = {}) =>
      withRightInOrg<Page<AuditEntry>>(
        deps,
        actor,
        'audit.read',
        { orgId },
        async () => {
          const org = checkPage(page) ?? (await accounts.findOrg(orgId));
          if (isFailure(org)) return org;
          // What an earlier org of the same id did is for the operator alone.
          const fromMs = Math.max(filter.fromMs ?? 0, org.createdAtMs);
          return readFilteredAudit(deps.store, orgId, page, { ...filter, fromMs });
        },
        (identity) => mayReadAudit(identity, orgId),
      ),
  };
};

/** Of an org's owner. */
const userCommands = (deps: AccountCommandsDeps) => {
  const accounts = new Accounts(deps);
  return {
    createUser: (actor: Actor, { password, ...user }: NewUserCommand) => {
      const subject = { orgId: user.orgId, userId: user.id };
      return withRightInOrg<UserRecord>(deps, actor, 'user.create', subject, async ({ scopes }) => {
        const org = await accounts.findOrg(user.orgId);
        const wide = isFailure(org) ? org : checkGrant(scopes, user.roles, org);
        if (wide !== undefined) return wide;
        const hash = password === undefined ? undefined : await hashNewPassword(deps.passwords, password);
        return isFailure(hash) ? hash : accounts.createUser({ ...user, passwordHash: hash });
      });
    },

    /** A change of roles or state ends the user's sessions; the API tokens live on, or wait until the user is enabled again. */
    changeUser: (actor: Actor, { orgId, userId, ...change }: ChangeUserCommand) =>
      withRightInOrg<UserRecord>(deps, actor, 'user.change', { orgId, userId }, async ({ scopes }) => {
        const before = await accounts.findUser(orgId, userId);
        if (isFailure(before)) return before;
        const org = await accounts.findOrg(orgId);
        if (isFailure(org)) return org;
        const { state = before.state, roles = before.roles } = change;
        const added = roles.filter((role) => !before.roles.includes(role));
        const rightsChange = {
          before: scopesOf(before, org),
          after: scopesOf({ state, roles }, org),
          isOwn: isActor(actor, orgId, userId),
        };
        const refusal = checkGrant(scopes, added, org) ?? checkKept(scopes, rightsChange);
        return refusal ?? changed(accounts, before, change);
      }),

    deleteUser: (actor: Actor, orgId: string, userId: string) => {
      const subject = { orgId, userId };
      return withRightInOrg<Deleted>(deps, actor, 'user.delete', subject, async ({ scopes }) => {
        const [user, org] = await Promise.all([accounts.findUser(orgId, userId), accounts.findOrg(orgId)]);
        if (isOutage(user)) return user;
        if (isFailure(org)) return org;
        const before = isCommandError(user) ? noScopes : scopesOf(user, org);
        const isOwn = isActor(actor, orgId, userId);
        return checkKept(scopes, { before, after: noScopes, isOwn }) ?? accounts.deleteUser(orgId, userId);
      });
    },
  };
};

type Deleted = 'deleted' | 'already_deleted';

/** Of everybody about themselves, and of an org's owner about any of its users. */
const ownCommands = (deps: AccountCommandsDeps) => {
  const accounts = new Accounts(deps);
  const ofUser = (orgId: string, userId: string) => (identity: Identity) =>
    mayManageUser(identity, { orgId, userId });
  return {
    findUser: (actor: Actor, orgId: string, userId: string) => {
      const find = () => accounts.findUser(orgId, userId);
      const may = ofUser(orgId, userId);
      return withRightInOrg<UserRecord>(deps, actor, 'user.see', { orgId, userId }, find, may);
    },

    changeEmail: (actor: Actor, orgId: string, userId: string, email: string | null) => {
      const change = async () => {
        const before = await accounts.findUser(orgId, userId);
        return isFailure(before) ? before : changed(accounts, before, { email });
      };
      const may = ofUser(orgId, userId);
      return withRightInOrg<UserRecord>(deps, actor, 'user.change', { orgId, userId }, change, may);
    },

    /** Every session of a user; the API tokens live on. */
    endSessions: (actor: Actor, orgId: string, userId: string) => {
      const end = () => accounts.endSessions(orgId, userId);
      const may = ofUser(orgId, userId);
      return withRightInOrg<UserRecord>(deps, actor, 'session.end_all', { orgId, userId }, end, may);
    },
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

/** A change that came to nothing is a repetition, which the audit need not name. */
const changed = async (accounts: Accounts, before: UserRecord, change: UserChanges) => {
  const after = await accounts.changeUser(before.orgId, before.id, change);
  if (isFailure(after)) return after;
  const isRepeat =
    before.generation === after.generation && before.name === after.name && before.email === after.email;
  return isRepeat ? { ...after, isRepeat } : after;
};
