// Begins a session for a service that authenticated as an OAuth client (RFC 6749 §4.4) and stands for a user. Whether it
// is that client is the surface's to judge. No person signed in: such a session may do no more than one of an API token.

import type { Identity } from '../decision/identity.ts';
import { denial, isOutage, isRefusal, type Refusal } from '../decision/outcome.ts';
import type { OauthClientSettings } from '../settings/settings.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { Origin } from './actor.ts';
import { type AuditedDeps, recordBegin } from './audit.ts';
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

interface ClientSessionDeps extends IssueDeps, AuditedDeps {
  readonly store: Pick<TokenStore, 'findOrg' | 'findUser'>;
}

export const createBeginClientSession = (deps: ClientSessionDeps): BeginClientSession => {
  const issue = createIssue(deps);
  return async ({ clientId, account, validityMs, origin }) => {
    const identity = await identityOf(deps, account);
    const methods = ['client_credentials'];
    const outcome = isRefusal(identity) ? identity : issue({ identity, validityMs, clientId, methods });
    recordBegin(deps, { ...account, origin }, 'identity' in outcome ? outcome.identity : undefined, outcome);
    return outcome;
  };
};

const identityOf = async (
  deps: ClientSessionDeps,
  { orgId, userId }: ClientSessionCommand['account'],
): Promise<Identity | Refusal> => {
  const owner = await findActiveOwner(deps.store, orgId, userId);
  if (isOutage(owner)) return owner;
  if (isCommandError(owner)) {
    const isDisabled = owner.code === 'user_disabled' || owner.code === 'org_disabled';
    return denial(isDisabled ? owner.code : 'client_unknown', owner.message);
  }
  const session = { sessionKind: 'api_token', sessionId: undefined, openid: false, allScopes: true } as const;
  return sessionIdentity(owner, deps, session);
};
