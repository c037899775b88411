// The commands that callers of the surfaces give about the users of their org, and their reading of its audit: rights first,
// then the command, then the audit. Nobody gives a role that grants more than they may do themselves.

import type { Identity } from '../decision/identity.ts';
import { type Denial, isDenial, isOutage, type Outage, type Refusal } from '../decision/outcome.ts';
import { mayManageAccounts, mayReadAudit } from '../decision/rights.ts';
import { effectiveScopes } from '../decision/scope.ts';
import { type CommandLimit, tooManyCommands } from '../identity/command-limit.ts';
import type { AccountState, AuditEntry, OrgRecord, UserRecord } from '../store/records.ts';
import type { Page, PageRequest, TokenStore } from '../store/token-store.ts';
import { Accounts } from './accounts.ts';
import type { Actor } from './actor.ts';
import type { Audit, AuditAction } from './audit.ts';
import { withOwnRights } from './own-rights.ts';
import { checkOrgId, checkPage, checkUserId } from './names.ts';
import { type CommandError, commandError, isFailure } from './command-error.ts';

/** Refused as `mayManageAccounts` and `mayReadAudit` say, and `rate_limited` after too many commands. */
export interface AccountCommands {
  findOrg(actor: Actor, orgId: string): Promise<OrgRecord | CommandError | Refusal>;
  findUser(actor: Actor, orgId: string, userId: string): Promise<UserRecord | CommandError | Refusal>;
  listUsers(
    actor: Actor,
    orgId: string,
    page: PageRequest,
  ): Promise<Page<UserRecord> | CommandError | Refusal>;
  /** Ends the user's sessions; the API tokens live on with the new roles, or wait until the user is enabled again. */
  changeUser(actor: Actor, command: ChangeUserCommand): Promise<UserRecord | CommandError | Refusal>;
  /** Newest first. */
  readAudit(
    actor: Actor,
    orgId: string,
    page: PageRequest,
  ): Promise<Page<AuditEntry> | CommandError | Refusal>;
}

export interface ChangeUserCommand {
  readonly orgId: string;
  readonly userId: string;
  /** All roles from now on; undefined: as they are. */
  readonly roles: readonly string[] | undefined;
  readonly state: AccountState | undefined;
}

export interface AccountCommandsDeps {
  readonly store: TokenStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Where commands are written down; undefined: nowhere. */
  readonly audit: Audit | undefined;
  /** Undefined: an account may give any number of commands. */
  readonly commandLimit?: CommandLimit | undefined;
}

export const createAccountCommands = (deps: AccountCommandsDeps): AccountCommands => {
  const accounts = new Accounts(deps);
  const withRight = createWithRight(deps);
  return {
    findOrg: (actor, orgId) =>
      withRight(actor, 'org.see', { orgId, userId: undefined }, mayManageAccounts, () =>
        accounts.findOrg(orgId),
      ),
    findUser: (actor, orgId, userId) =>
      withRight(actor, 'user.see', { orgId, userId }, mayManageAccounts, () =>
        accounts.findUser(orgId, userId),
      ),
    listUsers: (actor, orgId, page) =>
      withRight(actor, 'user.list', { orgId, userId: undefined }, mayManageAccounts, () =>
        accounts.listUsers(orgId, page),
      ),
    changeUser: (actor, command) =>
      withRight(actor, 'user.change', command, mayManageAccounts, async ({ scopes }) => {
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
    readAudit: (actor, orgId, page) =>
      withRight(
        actor,
        'audit.read',
        { orgId, userId: undefined },
        mayReadAudit,
        async () => checkPage(page) ?? deps.store.readAudit(orgId, page),
      ),
  };
};

/** Carries out a command within an org, if the actor may. Reading is audited only when it was refused. */
const createWithRight =
  ({ store, audit, commandLimit }: AccountCommandsDeps) =>
  async <T extends object>(
    actor: Actor,
    action: AuditAction,
    { orgId, userId }: { readonly orgId: string; readonly userId: string | undefined },
    may: (identity: Identity, orgId: string) => Denial | undefined,
    work: (identity: Identity) => Promise<T | CommandError | Outage>,
  ): Promise<T | CommandError | Refusal> => {
    const identity = await withOwnRights(store, actor.identity);
    if (isOutage(identity)) return identity;
    const refusal = may(identity, orgId);
    if (refusal === undefined && commandLimit?.(actor.identity, 'other') === false)
      return tooManyCommands(actor.identity);
    const outcome = refusal ?? (await work(identity));
    if (action === 'user.change' || isDenial(outcome)) {
      const subject = {
        org: checkOrgId(orgId) === undefined ? orgId : undefined,
        user: userId !== undefined && checkUserId(userId) === undefined ? userId : undefined,
      };
      audit?.record({ action, identity: actor.identity, origin: actor, subject, outcome });
    }
    return outcome;
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
  const beyond = [...effectiveScopes('all', added, org.roles)].filter((scope) => !held.has(scope));
  return beyond.length === 0
    ? undefined
    : commandError(
        'scope_too_wide',
        `You do not have ${beyond.sort().slice(0, 10).join(' ')} yourself, so you cannot give a role that grants it.`,
      );
};
