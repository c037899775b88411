// The commands of an org's owner about its roles. Nobody grants more than they may do themselves, and nobody locks everybody
// out.

import type { Outage } from '../decision/outcome.ts';
import type { OrgRecord } from '../store/records.ts';
import { type AccountsDeps, Accounts } from './accounts.ts';
import type { Actor } from './actor.ts';
import { type CommandError, isFailure } from './command-error.ts';
import { checkKept, scopesOf } from './kept-rights.ts';
import { checkHeld } from './owner.ts';
import { withRightInOrg, type WithRightDeps } from './with-right.ts';

export const createRoleCommands = (deps: AccountsDeps & WithRightDeps) => {
  const accounts = new Accounts(deps);
  return {
    /** In force at once for all who have the role; every session of the org ends, API tokens live on. */
    defineRole: (actor: Actor, orgId: string, role: string, granted: readonly string[]) =>
      withRightInOrg<OrgRecord>(deps, actor, 'role.create', { orgId }, async ({ scopes }) => {
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
      withRightInOrg<OrgRecord>(deps, actor, 'role.delete', { orgId }, async ({ scopes }) => {
        const org = await accounts.findOrg(orgId);
        if (isFailure(org)) return org;
        const refusal = await checkRoleKept(accounts, actor, scopes, { org, role, granted: [] });
        return refusal ?? accounts.deleteRole(orgId, role);
      }),
  };
};

const scopesOfRole = ({ roles }: OrgRecord, role: string): readonly string[] =>
  Object.hasOwn(roles, role) ? (roles[role] ?? []) : [];

/** That by another definition of a role the actor loses no right that must be kept, and takes none that they lack. */
const checkRoleKept = async (
  accounts: Accounts,
  { identity }: Actor,
  held: ReadonlySet<string>,
  change: { readonly org: OrgRecord; readonly role: string; readonly granted: readonly string[] },
): Promise<CommandError | Outage | undefined> => {
  const { org, role, granted } = change;
  const user = await accounts.findUser(identity.org.id, identity.user.id);
  if (isFailure(user)) return user;
  const after = { roles: { ...org.roles, [role]: granted } };
  const own = { before: scopesOf(user, org), after: scopesOf(user, after), isOwn: true };
  const others = { before: new Set(scopesOfRole(org, role)), after: new Set(granted), isOwn: false };
  return checkKept(held, own) ?? checkKept(held, others);
};
