// How every command of a caller is carried out: the right first, then the limit on commands, then the work, then the
// audit. The operator is not asked for rights and does not come here.

import type { Identity } from '../decision/identity.ts';
import { type Denial, denial, isDenial, isOutage, type Outage, type Refusal } from '../decision/outcome.ts';
import { mayManageAccounts } from '../decision/rights.ts';
import type { CommandKind, CommandLimit } from '../identity/command-limit.ts';
import type { AuditParty } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { Actor } from './actor.ts';
import type { AuditAction, AuditedDeps } from './audit.ts';
import { type CommandError, isCommandError } from './command-error.ts';
import { withOwnRights } from './owner.ts';

export interface WithRightDeps extends AuditedDeps {
  readonly store: Pick<TokenStore, 'findOrg' | 'findUser'>;
  readonly commandLimit?: CommandLimit | undefined;
}

export interface Attempt<T> {
  readonly actor: Actor;
  readonly action: AuditAction;
  /** Whom or what the command is about, as far as that is known by its outcome. */
  readonly subject: (outcome: T | CommandError | Refusal) => Partial<AuditParty>;
  /** Why the actor may not; undefined: they may. */
  readonly may: (identity: Identity) => Denial | undefined;
  /** `identity`: the actor's, with the rights they have here. */
  readonly work: (identity: Identity) => Promise<T | CommandError | Refusal>;
}

export const withRight = async <T extends object | string>(
  { store, commandLimit, audit }: WithRightDeps,
  { actor, action, subject, may, work }: Attempt<T>,
): Promise<T | CommandError | Refusal> => {
  const identity = await withOwnRights(store, actor.identity);
  const refusal: Denial | Outage | undefined = isOutage(identity) ? identity : may(identity);
  const excess = refusal === undefined ? payFor({ commandLimit }, actor, action) : undefined;
  if (excess !== undefined) return excess;
  const outcome = refusal ?? (isOutage(identity) ? identity : await work(identity));
  if (!looks.has(action) || isDenial(outcome) || isCommandError(outcome))
    audit?.record({ action, identity: actor.identity, origin: actor, subject: subject(outcome), outcome });
  return outcome;
};

/** Counts a command of an account; why not, where there were too many. */
export const payFor = (
  { commandLimit }: Pick<WithRightDeps, 'commandLimit'>,
  { identity }: Actor,
  action: AuditAction,
): Denial | undefined => {
  if (commandLimit?.(identity, kindOf(action)) !== false) return undefined;
  return denial('rate_limited', `commands of ${identity.org.id}/${identity.user.id}`);
};

/** What only reads is written down where it was refused. */
const looks: ReadonlySet<AuditAction> = new Set([
  'token.list',
  'token.see',
  'user.list',
  'user.see',
  'org.see',
  'org.list',
  'key.list',
  'status.see',
  'audit.read',
]);

/** One who has used up all other commands may still end what must end. */
const revocations: ReadonlySet<AuditAction> = new Set([
  'token.revoke',
  'token.revoke_all',
  'session.end_all',
]);

const kindOf = (action: AuditAction): CommandKind => (revocations.has(action) ? 'revocation' : 'other');

/** A command about an org, or a user of it. `may`: undefined where an owner of the org is asked for. */
export const withRightInOrg = <T extends object | string>(
  deps: WithRightDeps,
  actor: Actor,
  action: AuditAction,
  { orgId, userId }: { readonly orgId: string; readonly userId?: string },
  work: (identity: Identity) => Promise<T | CommandError | Outage>,
  may: (identity: Identity) => Denial | undefined = (identity) => mayManageAccounts(identity, orgId),
): Promise<T | CommandError | Refusal> =>
  withRight<T>(deps, { actor, action, subject: () => ({ org: orgId, user: userId }), may, work });
