// What the upstream gets of the caller's credential, as the rule says: nothing, the credential itself, or an access
// token instead of the API token. Decides nothing about the request.

import type { Credential } from '../decision/credential.ts';
import { isByAccessToken } from '../decision/identity.ts';
import { isOutage, type Outage } from '../decision/outcome.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import type { Identifier, Subject } from '../identity/identifier.ts';

export interface PassedCredential {
  /** The caller's own stays in the request. */
  readonly keepsCredential: boolean;
  /** Sent as `Authorization: Bearer`; undefined: none of ours. */
  readonly accessToken: string | undefined;
}

const stripped: PassedCredential = { keepsCredential: false, accessToken: undefined };
/** The caller's own, wherever it stood. */
export const keptCredential: PassedCredential = { keepsCredential: true, accessToken: undefined };

/** `subject`: undefined on a public route without a valid credential. `presented`: the credential, wherever it stood. */
export const passedCredential = (
  rule: RouteRule,
  subject: Subject | undefined,
  presented: Credential | undefined,
  identifier: Pick<Identifier, 'accessTokenFor'>,
  nowMs: number,
): PassedCredential | Outage => {
  if (rule.mode === 'shadow') return keptCredential;
  switch (rule.forwardCredential) {
    case 'strip':
      return stripped;
    case 'keep':
      return keptCredential;
    case 'access-token': {
      if (subject === undefined || presented === undefined) return stripped;
      // A caller that brought an access token has just that passed on, and nothing else it may have sent along.
      if (isByAccessToken(subject.identity)) return { keepsCredential: false, accessToken: presented.value };
      const accessToken = identifier.accessTokenFor(subject, rule.upstream, nowMs);
      return isOutage(accessToken) ? accessToken : { keepsCredential: false, accessToken };
    }
  }
};
