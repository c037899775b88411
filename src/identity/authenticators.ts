// Everybody who can vouch for a credential, in the order in which they are asked: the one list of them. Metrics, the access
// log and `tollgate explain` take their names from it.

import type { AuthenticatorId, Principal } from '../decision/identity.ts';
import { isRefusal, type Refusal } from '../decision/outcome.ts';
import type {
  Authenticator,
  AuthenticatorDeps,
  AuthenticatorKind,
  PresentedCredential,
} from './authenticator.ts';
import { apiToken } from './authenticators/api-token.ts';
import { importedToken } from './authenticators/imported-token.ts';
import { issuer } from './authenticators/issuer.ts';
import { session } from './authenticators/session.ts';

const kinds: readonly AuthenticatorKind[] = [apiToken, session, issuer, importedToken];

export const authenticatorNames: readonly string[] = kinds.map(({ name }) => name);

export const createAuthenticators = (deps: AuthenticatorDeps): readonly Authenticator[] =>
  kinds.map((kind) => kind.create(deps));

/** Of an identity that is made here, before there is a token for it: it will come with an access token of ours. */
export const ownSession: AuthenticatorId = session;
/** Of an imagined caller with an API token of ours. */
export const ownApiToken: AuthenticatorId = apiToken;

/** A principal, and who vouches for it. */
export interface Vouched {
  readonly principal: Principal;
  readonly by: AuthenticatorId;
}

/** Whom a credential names: the word of the first authenticator that claims it. */
export const authenticate = async (
  authenticators: readonly Authenticator[],
  presented: PresentedCredential,
  nowMs: number,
): Promise<Vouched | Refusal> => {
  const authenticator = authenticators.find((each) => each.claims(presented));
  if (authenticator === undefined) return presented.refusal();
  const principal = await authenticator.authenticate(presented, nowMs);
  return isRefusal(principal) ? principal : { principal, by: authenticator.id };
};
