// Ends what a credential stands for, by possession of it alone (RFC 7009): an API token with all its sessions, or the
// session of an access token. A credential that is no good already counts as revoked.

import type { Credential } from '../decision/credential.ts';
import type { Identity } from '../decision/identity.ts';
import { type Denial, denial, isDenial, isOutage, type Outage } from '../decision/outcome.ts';
import type { Identifier } from '../identity/identifier.ts';
import type { TokenStore } from '../store/token-store.ts';
import { digestOf } from '../tokens/api-token.ts';
import type { Audit } from './audit.ts';

/** `nothing`: it was unknown, expired or ended already. The only denial is `rate_limited`. `requestId`: for the audit. */
export type Revoke = (
  credential: Credential,
  clientAddress: string | undefined,
  requestId?: string,
) => Promise<Revoked | Denial | Outage>;

type Revoked = 'revoked' | 'nothing';

export interface RevokeDeps {
  readonly identifier: Pick<Identifier, 'identify'>;
  readonly store: Pick<TokenStore, 'findApiToken' | 'revokeToken' | 'endSession'>;
  readonly now: () => number;
  /** Where revocations are written down; undefined: nowhere. */
  readonly audit?: Audit | undefined;
}

export const createRevoke =
  (deps: RevokeDeps): Revoke =>
  async (credential, clientAddress, requestId) => {
    const nowMs = deps.now();
    const subject = await deps.identifier.identify(credential, nowMs, clientAddress);
    if (isOutage(subject)) return subject;
    if (isDenial(subject)) {
      if (subject.reason === 'rate_limited') return denial('rate_limited');
      return isDormant(subject) && credential.kind === 'api_token'
        ? revokeDormant(deps.store, credential, nowMs)
        : 'nothing';
    }
    const { identity } = subject;
    const outcome = await end(deps.store, identity, nowMs);
    deps.audit?.record({
      action: identity.credentialKind === 'api_token' ? 'token.revoke' : 'session.end',
      identity,
      origin: { clientAddress: clientAddress ?? '', requestId: requestId ?? '' },
      subject: { org: identity.org.id, user: identity.user.id, tokenId: identity.tokenId },
      outcome,
    });
    return outcome;
  };

const end = async (
  store: RevokeDeps['store'],
  { credentialKind, tokenId, sessionId }: Identity,
  nowMs: number,
): Promise<Revoked | Outage> => {
  if (credentialKind === 'api_token') {
    if (tokenId === undefined) throw new Error('an API token was identified without its id');
    return done(await store.revokeToken(tokenId, nowMs));
  }
  if (sessionId === undefined) throw new Error('an access token was identified without its session');
  return done(await store.endSession(sessionId, nowMs));
};

/** The token exists and would live again when its owner is enabled. */
const isDormant = ({ reason }: Denial): boolean => reason === 'user_disabled' || reason === 'org_disabled';

const revokeDormant = async (
  store: Pick<TokenStore, 'findApiToken' | 'revokeToken'>,
  credential: Credential,
  nowMs: number,
): Promise<'revoked' | 'nothing' | Outage> => {
  const found = await store.findApiToken(digestOf(credential.value));
  if (isOutage(found)) return found;
  return found === undefined ? 'nothing' : done(await store.revokeToken(found.token.id, nowMs));
};

const done = (
  answer: 'revoked' | 'already_revoked' | 'unknown' | 'ended' | Outage,
): 'revoked' | 'nothing' | Outage => {
  if (isOutage(answer)) return answer;
  return answer === 'revoked' || answer === 'ended' ? 'revoked' : 'nothing';
};
