// The commands of callers about the users of their org, and their reading of its audit. Nobody gives a role that grants
// more than they may do themselves.

import type { Outage, Refusal } from '../decision/outcome.ts';
import type { Identity } from '../decision/identity.ts';
import { mayManageAccounts, mayReadAudit } from '../decision/rights.ts';
import { effectiveScopes } from '../decision/scope.ts';
import type { AuditEntry, OrgRecord, UserRecord } from '../store/records.ts';
import type { Page, PageRequest, TokenStore } from '../store/token-store.ts';
import { Accounts, type UserChanges } from './accounts.ts';
import type { Actor } from './actor.ts';
import type { AuditAction } from './audit.ts';
import { type CommandError, isFailure } from './command-error.ts';
import { checkPage } from './names.ts';
import { checkHeld } from './owner.ts';
import { withRight, type WithRightDeps } from './with-right.ts';

export interface ChangeUserCommand extends Pick<UserChanges, 'roles' | 'state'> {
  readonly orgId: string;
  readonly userId: string;
}

export interface AccountCommandsDeps extends WithRightDeps {
  readonly store: TokenStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export type AccountCommands = ReturnType<typeof createAccountCommands>;

/** Refused as `mayManageAccounts` and `mayReadAudit` say, and `rate_limited` after too many commands. */
export const createAccountCommands = (deps: AccountCommandsDeps) => {
  const accounts = new Accounts(deps);
  const inOrg = <T extends object>(
    actor: Actor,
    action: AuditAction,
    { orgId, userId }: { readonly orgId: string; readonly userId?: string },
    work: (identity: Identity) => Promise<T | CommandError | Outage>,
    mayWithin = mayManageAccounts,
  ): Promise<T | CommandError | Refusal> =>
    withRight<T>(deps, {
      actor,
      action,
      subject: () => ({ org: orgId, user: userId }),
      may: (identity) => mayWithin(identity, orgId),
      work,
    });

  return {
    findOrg: (actor: Actor, orgId: string) =>
      inOrg<OrgRecord>(actor, 'org.see', { orgId }, () => accounts.findOrg(orgId)),

    findUser: (actor: Actor, orgId: string, userId: string) =>
      inOrg<UserRecord>(actor, 'user.see', { orgId, userId }, () => accounts.findUser(orgId, userId)),

    listUsers: (actor: Actor, orgId: string, page: PageRequest) =>
      inOrg<Page<UserRecord>>(actor, 'user.list', { orgId }, () => accounts.listUsers(orgId, page)),

    /** Ends the user's sessions; the API tokens live on with the new roles, or wait until the user is enabled again. */
    changeUser: (actor: Actor, command: ChangeUserCommand) =>
      inOrg<UserRecord>(actor, 'user.change', command, async ({ scopes }) => {
        const { orgId, userId, roles, state } = command;
        const before = await accounts.findUser(orgId, userId);
        if (isFailure(before)) return before;
        const wide = await checkGrant(accounts, command, before, scopes);
        if (wide !== undefined) return wide;
        const after = await accounts.changeUser(orgId, userId, { roles, state });
        // A change of roles or state moves the generation, and nothing else is changed here.
        const isRepeat = !isFailure(after) && after.generation === before.generation;
        return isRepeat ? { ...after, isRepeat } : after;
      }),

    /** Newest first. */
    readAudit: (actor: Actor, orgId: string, page: PageRequest) =>
      inOrg<Page<AuditEntry>>(
        actor,
        'audit.read',
        { orgId },
        async () => checkPage(page) ?? deps.store.readAudit(orgId, page),
        mayReadAudit,
      ),
  };
};

/** Of the roles that the user does not have yet: what they grant the actor must have. */
const checkGrant = async (
  accounts: Accounts,
  { orgId, roles }: ChangeUserCommand,
  user: UserRecord,
  held: ReadonlySet<string>,
): Promise<CommandError | Outage | undefined> => {
  if (roles === undefined) return undefined;
  const org = await accounts.findOrg(orgId);
  if (isFailure(org)) return org;
  const added = roles.filter((role) => !user.roles.includes(role));
  return checkHeld(held, effectiveScopes('all', added, org.roles), 'give a role that grants it');
};
