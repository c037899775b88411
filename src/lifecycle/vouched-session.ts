// Begins a session of a person whom somebody else vouches for: an identity provider, or the session they are in already.
// Whether that is so is for the surface to judge. The session may do what the user's roles grant here, and no more.

import { randomUUID } from 'node:crypto';
import type { Identity } from '../decision/identity.ts';
import { isOutage, type Outage } from '../decision/outcome.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { Origin } from './actor.ts';
import { type AuditedDeps, recordBegin } from './audit.ts';
import { type CommandError, isCommandError } from './command-error.ts';
import { type IssueDeps, sessionIdentity } from './issue.ts';
import { findActiveOwner } from './owner.ts';

export interface VouchedSessionCommand {
  readonly orgId: string;
  readonly userId: string;
  /** For the audit. */
  readonly origin: Origin;
}

/** The errors: no such org or user, or one that is disabled. */
export type BeginVouchedSession = (
  command: VouchedSessionCommand,
) => Promise<Identity | CommandError | Outage>;

export const createBeginVouchedSession =
  (
    deps: Pick<IssueDeps, 'settings' | 'now'> &
      AuditedDeps & { readonly store: Pick<TokenStore, 'findOrg' | 'findUser'> },
  ): BeginVouchedSession =>
  async (command) => {
    const owner = await findActiveOwner(deps.store, command.orgId, command.userId);
    const isFound = !isOutage(owner) && !isCommandError(owner);
    const outcome = isFound
      ? sessionIdentity(owner, deps, { sessionKind: 'interactive', sessionId: randomUUID() })
      : owner;
    recordBegin(deps, command, isFound && 'org' in outcome ? outcome : undefined, outcome);
    return outcome;
  };
