// The commands of callers about orgs: the operator makes, changes and deletes them, an org's owner sees their own and changes
// what concerns the org alone. No operator grants more than they may do themselves.

import type { Outage, Refusal } from '../decision/outcome.ts';
import type { Identity } from '../decision/identity.ts';
import { mayManageAccounts, mayOperate, rights } from '../decision/rights.ts';
import type { AuditEntry, OrgRecord, UserRecord } from '../store/records.ts';
import type { Page, PageRequest, TokenStore } from '../store/token-store.ts';
import { checkGrant, type NewUserCommand } from './account-commands.ts';
import { checkKnownRoles, checkUser } from './account-checks.ts';
import { Accounts, type NewOrg, type OrgChanges } from './accounts.ts';
import type { Actor } from './actor.ts';
import type { AuditAction } from './audit.ts';
import { type AuditFilter, readFilteredAudit } from './audit-listing.ts';
import { type CommandError, isFailure } from './command-error.ts';
import { checkEmail } from './email.ts';
import { lockedOut } from './kept-rights.ts';
import { checkNewUserId, checkPage } from './names.ts';
import { checkHeld } from './owner.ts';
import { hashNewPassword } from './passwords.ts';
import type { PasswordHashes } from './password-hash.ts';
import { withRight, type WithRightDeps } from './with-right.ts';

export interface NewOrgCommand {
  readonly org: NewOrg;
  /** A first user, who manages the others; its roles are among those of the org. */
  readonly owner: Omit<NewUserCommand, 'orgId'> | undefined;
}

export interface ChangeOrgCommand extends OrgChanges {
  readonly orgId: string;
}

export interface OrgCommandsDeps extends WithRightDeps {
  readonly store: TokenStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly passwords: Pick<PasswordHashes, 'hash'>;
}

export type OrgCommands = ReturnType<typeof createOrgCommands>;

/** Refused as `mayOperate` says, or for an owner `mayManageAccounts`; `rate_limited` after too many commands. */
export const createOrgCommands = (deps: OrgCommandsDeps) => {
  const accounts = new Accounts(deps);
  const asOperator = <T extends object | string>(
    actor: Actor,
    action: AuditAction,
    orgId: string | undefined,
    work: (identity: Identity) => Promise<T | CommandError | Outage>,
    may: (identity: Identity) => ReturnType<typeof mayOperate> = mayOperate,
  ): Promise<T | CommandError | Refusal> =>
    withRight<T>(deps, { actor, action, subject: () => ({ org: orgId }), may, work });

  return {
    listOrgs: (actor: Actor, page: PageRequest) =>
      asOperator<Page<OrgRecord>>(actor, 'org.list', undefined, () => accounts.listOrgs(page)),

    findOrg: (actor: Actor, orgId: string) =>
      asOperator<OrgRecord>(
        actor,
        'org.see',
        orgId,
        () => accounts.findOrg(orgId),
        (identity) => operatorOrOwner(identity, orgId),
      ),

    createOrg: (actor: Actor, command: NewOrgCommand) =>
      asOperator<OrgRecord>(actor, 'org.create', command.org.id, ({ scopes }) =>
        createOrg(deps, accounts, command, scopes),
      ),

    /** Name and reminders by its owner too; the rest is the operator's. */
    changeOrg: (actor: Actor, { orgId, ...change }: ChangeOrgCommand) =>
      asOperator<OrgRecord>(
        actor,
        'org.change',
        orgId,
        async ({ org }) => {
          if (change.state === 'disabled' && org.id === orgId) return lockedOut(rights.operate);
          const before = await accounts.findOrg(orgId);
          if (isFailure(before)) return before;
          const after = await accounts.changeOrg(orgId, change);
          return isFailure(after) || !isSame(before, after) ? after : { ...after, isRepeat: true };
        },
        (identity) =>
          change.state === undefined && change.tokenLifetimeMsMax === undefined
            ? operatorOrOwner(identity, orgId)
            : mayOperate(identity),
      ),

    deleteOrg: (actor: Actor, orgId: string) =>
      asOperator<'deleted' | 'already_deleted'>(actor, 'org.delete', orgId, async ({ org }) =>
        org.id === orgId ? lockedOut(rights.operate) : accounts.deleteOrg(orgId),
      ),

    /** Of all orgs, newest first. */
    readAudit: (actor: Actor, page: PageRequest, filter: AuditFilter) =>
      asOperator<Page<AuditEntry>>(
        actor,
        'audit.read',
        undefined,
        async () => checkPage(page) ?? readFilteredAudit(deps.store, undefined, page, filter),
      ),
  };
};

const operatorOrOwner = (identity: Identity, orgId: string) =>
  mayOperate(identity) === undefined ? undefined : mayManageAccounts(identity, orgId);

/** Everything is checked before the org is made. After an outage in between it is there without its owner. */
const createOrg = async (
  deps: OrgCommandsDeps,
  accounts: Accounts,
  { org, owner }: NewOrgCommand,
  held: ReadonlySet<string>,
): Promise<OrgRecord | CommandError | Outage> => {
  const granted = new Set(Object.values(org.roles).flat());
  const refusal =
    checkHeld(held, granted, 'define a role that grants it') ??
    (owner === undefined ? undefined : checkOwner(owner, org, held));
  if (refusal !== undefined) return refusal;
  const first = owner && (await prepare(deps, owner));
  if (isFailure(first)) return first;
  const made = await accounts.createOrg(org);
  if (isFailure(made) || first === undefined) return made;
  const user = await accounts.createUser({ ...first, orgId: org.id });
  return isFailure(user) ? user : made;
};

type FirstUser = NonNullable<NewOrgCommand['owner']>;

/** All that can be wrong with the first user, before the org is made. */
const checkOwner = (
  { id, name, email, roles }: FirstUser,
  org: NewOrg,
  held: ReadonlySet<string>,
): CommandError | undefined =>
  checkUser(org.id, id, name) ??
  checkNewUserId(id) ??
  (email === undefined ? undefined : checkEmail(email)) ??
  checkKnownRoles(org, roles) ??
  checkGrant(held, roles, org);

const prepare = async (
  { passwords }: OrgCommandsDeps,
  { password, ...user }: FirstUser,
): Promise<(Omit<FirstUser, 'password'> & Pick<UserRecord, 'passwordHash'>) | CommandError | Outage> => {
  const passwordHash = password === undefined ? undefined : await hashNewPassword(passwords, password);
  return isFailure(passwordHash) ? passwordHash : { ...user, passwordHash };
};

const isSame = (before: OrgRecord, after: OrgRecord): boolean =>
  before.generation === after.generation &&
  before.name === after.name &&
  before.tokenLifetimeMsMax === after.tokenLifetimeMsMax &&
  before.reminderThresholdsMs?.join() === after.reminderThresholdsMs?.join();
