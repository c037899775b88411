// Exchanges a credential for a short-lived access token: an API token for a new session, an access token of ours for a
// narrower one of the same session. Reads no HTTP.

import type { Credential } from '../decision/credential.ts';
import type { Identity } from '../decision/identity.ts';
import { type Denial, type Refusal, isRefusal } from '../decision/outcome.ts';
import type { Identifier } from '../identity/identifier.ts';
import type { Settings } from '../settings/settings.ts';
import type { Origin } from './actor.ts';
import type { AuditedDeps } from './audit.ts';
import { createIdentifyLive } from './identify-live.ts';
import { createIssue, type IssueDeps, type Issued, type IssueCommand, type IssueError } from './issue.ts';

export interface ExchangeCommand extends Omit<IssueCommand, 'identity' | 'methods'> {
  readonly credential: Credential;
  /** For the audit; its address is held to the limit on unknown tokens. */
  readonly origin: Origin;
  /** Why this identity may not exchange here, where a dialect's paths belong to one org; undefined: it may. */
  readonly refuse?: ((identity: Identity) => Denial | undefined) | undefined;
}

export interface ExchangeDeps extends IssueDeps, AuditedDeps {
  readonly identifier: Pick<Identifier, 'identify' | 'standing'>;
  readonly settings: IssueDeps['settings'] & Pick<Settings, 'feed' | 'proxyAddresses'>;
}

export type Exchange = (command: ExchangeCommand) => Promise<Issued | IssueError | Refusal>;

export const createExchange = (deps: ExchangeDeps): Exchange => {
  const identifyLive = createIdentifyLive(deps);
  const issue = createIssue(deps);
  return async (command) => {
    const found = await identifyLive(command.credential, command.origin.clientAddress);
    const identity = isRefusal(found) ? undefined : found;
    const outcome = isRefusal(found)
      ? found
      : (command.refuse?.(found) ??
        issue({
          ...command,
          identity: found,
          methods: [found.sessionKind === 'interactive' ? 'pwd' : 'api_token'],
        }));
    deps.audit?.record({
      action: 'token.exchange',
      identity,
      origin: command.origin,
      subject: { org: identity?.org.id, user: identity?.user.id, tokenId: identity?.tokenId },
      outcome,
    });
    return outcome;
  };
};
