// Ends what a credential stands for, by possession of it alone (RFC 7009): an API token with all its sessions, or the
// session of an access token. A credential that is no good already counts as revoked, but only the store says so.

import type { Credential } from '../decision/credential.ts';
import type { Identity } from '../decision/identity.ts';
import { type Denial, denial, isDenial, isOutage, type Outage } from '../decision/outcome.ts';
import type { Identifier } from '../identity/identifier.ts';
import type { SessionLimit } from '../identity/session-limit.ts';
import { secretEndMs } from '../store/api-token-state.ts';
import type { TokenStore } from '../store/token-store.ts';
import { digestOf } from '../tokens/api-token.ts';
import type { Origin } from './actor.ts';
import type { Audit } from './audit.ts';

/** `nothing`: it was unknown, expired or ended already. The only denial is `rate_limited`: too many sessions of one API token. `requestId`: for the audit. */
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
  /** Undefined: any number of sessions may be ended. */
  readonly sessionLimit?: SessionLimit | undefined;
  /** Where revocations are written down; undefined: nowhere. */
  readonly audit?: Audit | undefined;
}

export const createRevoke =
  (deps: RevokeDeps): Revoke =>
  async (credential, clientAddress, requestId) => {
    const nowMs = deps.now();
    // Not held to the limit on unknown tokens: a flood from the same address must not keep a leaked token alive.
    const subject = await deps.identifier.identify(credential, nowMs);
    if (isOutage(subject)) return subject;
    const origin = { clientAddress: clientAddress ?? '', requestId: requestId ?? '' };
    if (isDenial(subject))
      return mayStillLive(subject) && credential.kind === 'api_token'
        ? endUnseen(deps, credential, origin, nowMs)
        : 'nothing';
    const { identity } = subject;
    // Ending an API token is never refused: it ends all of them.
    if (identity.credentialKind === 'access_token' && deps.sessionLimit?.mayEnd(identity) === false)
      return denial('rate_limited', `sessions ended of ${identity.tokenId ?? 'one session'}`);
    const outcome = await end(deps.store, identity, nowMs);
    deps.audit?.record({
      action: identity.credentialKind === 'api_token' ? 'token.revoke' : 'session.end',
      identity,
      origin,
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

/**
 * It would live again when its owner is enabled; or memory calls it unknown, and it was imported a moment ago: only the
 * store may say that there is nothing to revoke.
 */
const mayStillLive = ({ reason }: Denial): boolean =>
  reason === 'user_disabled' || reason === 'org_disabled' || reason === 'token_unknown';

const endUnseen = async (
  { store, audit }: RevokeDeps,
  credential: Credential,
  origin: Origin,
  nowMs: number,
): Promise<Revoked | Outage> => {
  const found = await store.findApiToken(digestOf(credential.value));
  if (isOutage(found)) return found;
  if (found === undefined || nowMs >= secretEndMs(found)) return 'nothing';
  const { id, orgId, userId } = found.token;
  const outcome = done(await store.revokeToken(id, nowMs));
  const subject = { org: orgId, user: userId, tokenId: id };
  audit?.record({ action: 'token.revoke', identity: undefined, origin, subject, outcome });
  return outcome;
};

const done = (
  answer: 'revoked' | 'already_revoked' | 'unknown' | 'ended' | Outage,
): 'revoked' | 'nothing' | Outage => {
  if (isOutage(answer)) return answer;
  return answer === 'revoked' || answer === 'ended' ? 'revoked' : 'nothing';
};
