// Access tokens that are whole, but whose session, API token or owner has ended. A caller who was answered with an outage
// repeats the command, and by then the change feed has ended the session here: only the store can say that it is done.

import { type Credential, isJwt } from '../decision/credential.ts';
import type { Identity } from '../decision/identity.ts';
import { type Denial, isDenial, type Outage } from '../decision/outcome.ts';
import type { Identifier } from '../identity/identifier.ts';

/** The identity of such a token that was refused with `refusal`; undefined: it was refused for another reason. */
export type FindEnded = (credential: Credential, refusal: Denial) => Promise<Identity | undefined | Outage>;

export const createFindEnded =
  (deps: {
    readonly identifier: Pick<Identifier, 'verify'>;
    /** Milliseconds since the epoch. */
    readonly now: () => number;
  }): FindEnded =>
  async (credential, { reason }) => {
    if (!isJwt(credential) || !endings.has(reason)) return undefined;
    const verified = await deps.identifier.verify(credential, deps.now());
    return isDenial(verified) ? undefined : verified;
  };

const endings: ReadonlySet<string> = new Set([
  'session_ended',
  'token_revoked',
  'user_disabled',
  'org_disabled',
]);
