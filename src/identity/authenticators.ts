// Everybody who can vouch for a credential, in the order in which they are asked: the one list of them. Metrics, the access
// log and `tollgate explain` take their names from it.

import type { AuthenticatorId, Identity } from '../decision/identity.ts';
import { isRefusal, type Refusal } from '../decision/outcome.ts';
import type {
  Authenticator,
  AuthenticatorDeps,
  AuthenticatorKind,
  PresentedCredential,
} from './authenticator.ts';
import { apiToken } from './authenticators/api-token.ts';
import { importedToken } from './authenticators/imported-token.ts';
import { introspection } from './authenticators/introspection.ts';
import { issuer } from './authenticators/issuer.ts';
import { session } from './authenticators/session.ts';

const kinds: readonly AuthenticatorKind[] = [apiToken, session, issuer, importedToken, introspection];

export const authenticatorNames: readonly string[] = kinds.map(({ name }) => name);

export const createAuthenticators = (deps: AuthenticatorDeps): readonly Authenticator[] =>
  kinds.map((kind) => kind.create(deps));

/** Of an identity that is made here, before there is a token for it: it will come with an access token of ours. */
export const ownSession: AuthenticatorId = session;
/** Of an imagined caller with an API token of ours. */
export const ownApiToken: AuthenticatorId = apiToken;

/** What came of asking, and who was asked last; nobody when none claims the credential. */
export interface Vouching {
  readonly outcome: Identity | Refusal;
  readonly by: Authenticator | undefined;
}

/**
 * Whom a credential names: those who claim it are asked in turn, until one knows it. Only an opaque secret may be claimed
 * by more than one.
 */
export const authenticate = async (
  authenticators: readonly Authenticator[],
  presented: PresentedCredential,
  nowMs: number,
): Promise<Vouching> => {
  let last: Vouching | undefined;
  for (const by of authenticators) {
    if (!by.claims(presented)) continue;
    const outcome = await by.authenticate(presented, nowMs);
    if (!isRefusal(outcome)) return { outcome: { ...outcome, authenticator: by.id }, by };
    last = { outcome, by };
    if (outcome.reason !== 'token_unknown') break;
  }
  return last ?? { outcome: presented.refusal(), by: undefined };
};
