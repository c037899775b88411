// Exchanges a credential for a short-lived access token: an API token for a new session, an access token of ours for a
// narrower one of the same session. Reads no HTTP.

import type { Credential } from '../decision/credential.ts';
import { isDenial, isOutage, type Refusal } from '../decision/outcome.ts';
import type { Identifier } from '../identity/identifier.ts';
import type { Settings } from '../settings/settings.ts';
import { createIdentifyLive } from './identify-live.ts';
import { createIssue, type IssueDeps, type Issued, type IssueOrder, type IssueProblem } from './issue.ts';

export interface ExchangeOrder extends Omit<IssueOrder, 'identity' | 'methods'> {
  readonly credential: Credential;
  /** Held to the limit on unknown tokens. */
  readonly clientAddress: string | undefined;
}

export type Exchanged = Issued;
export type ExchangeProblem = IssueProblem;

export interface ExchangeDeps extends IssueDeps {
  readonly identifier: Pick<Identifier, 'identify' | 'standing'>;
  readonly settings: IssueDeps['settings'] & Pick<Settings, 'feed'>;
}

export type Exchange = (order: ExchangeOrder) => Promise<Exchanged | ExchangeProblem | Refusal>;

export const createExchange = (deps: ExchangeDeps): Exchange => {
  const identifyLive = createIdentifyLive(deps);
  const issue = createIssue(deps);
  return async (order) => {
    const identity = await identifyLive(order.credential, order.clientAddress);
    if (isDenial(identity) || isOutage(identity)) return identity;
    const methods = [identity.sessionKind === 'interactive' ? 'pwd' : 'api_token'];
    return issue({ ...order, identity, methods });
  };
};
