// Begins a session for a service that authenticated as an OAuth client (RFC 6749 §4.4) and stands for a user. Whether it
// is that client is the surface's to judge. No person signed in: such a session may do no more than one of an API token.

import { denial, isOutage, type Refusal } from '../decision/outcome.ts';
import type { OauthClientSettings } from '../settings/settings.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { Origin } from './actor.ts';
import type { AuditedDeps } from './audit.ts';
import { createIssue, type IssueDeps, type Issued, type IssueError, sessionIdentity } from './issue.ts';
import { findActiveOwner } from './owner.ts';
import { isCommandError } from './command-error.ts';

export interface ClientSessionCommand {
  readonly clientId: string;
  readonly account: NonNullable<OauthClientSettings['account']>;
  /** Shorter than the settings' life of an access token; longer is cut to it. */
  readonly validityMs?: number | undefined;
  readonly origin: Origin;
}

export type BeginClientSession = (command: ClientSessionCommand) => Promise<Issued | IssueError | Refusal>;

export const createBeginClientSession = (
  deps: IssueDeps & AuditedDeps & { readonly store: Pick<TokenStore, 'findOrg' | 'findUser'> },
): BeginClientSession => {
  const issue = createIssue(deps);
  const begin = async ({
    clientId,
    account,
    validityMs,
  }: ClientSessionCommand): ReturnType<BeginClientSession> => {
    const owner = await findActiveOwner(deps.store, account.orgId, account.userId);
    if (isOutage(owner)) return owner;
    if (isCommandError(owner)) {
      const isDisabled = owner.code === 'user_disabled' || owner.code === 'org_disabled';
      return denial(isDisabled ? owner.code : 'client_unknown', owner.message);
    }
    const identity = sessionIdentity(owner, deps, {
      sessionKind: 'api_token',
      sessionId: undefined,
      openid: false,
      allScopes: true,
    });
    const methods = ['client_credentials'];
    return issue({ identity, validityMs, clientId, methods });
  };
  return async (command) => {
    const outcome = await begin(command);
    deps.audit?.record({
      action: 'session.begin',
      identity: 'identity' in outcome ? outcome.identity : undefined,
      origin: command.origin,
      subject: { org: command.account.orgId, user: command.account.userId },
      outcome,
    });
    return outcome;
  };
};
