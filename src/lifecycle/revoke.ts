// Ends what a credential stands for, by possession of it alone (RFC 7009): an API token with all its sessions, or the
// session of an access token. What this replica remembers is never the answer: the store is asked each time and confirms
// it, because an earlier attempt may have been answered with an outage, and the store may have lost what this replica knows.

import { type Credential, isJwt } from '../decision/credential.ts';
import { isByAccessToken } from '../decision/identity.ts';
import { type Denial, denial, isDenial, isOutage, type Outage } from '../decision/outcome.ts';
import type { Identifier, Subject } from '../identity/identifier.ts';
import type { Holder, SessionLimit } from '../identity/session-limit.ts';
import type { TokenStore } from '../store/token-store.ts';
import { digestOf } from '../tokens/api-token.ts';
import type { Actor, Origin } from './actor.ts';
import type { AuditedDeps } from './audit.ts';
import { type CommandError, commandError } from './command-error.ts';
import { createFindEnded } from './identify-live.ts';

/**
 * `nothing`: it had ended already, as the store confirms, or it can never have been a token of ours (RFC 7009 section 2.2).
 * The error `token_unknown`: it has the form of an API token, but the store knows nothing of it, or it is an access token
 * that may be good later; so nothing was revoked.
 * The only denial is `rate_limited`: too many sessions of one API token, or repetitions. `origin`: for the audit.
 */
export type Revoke = (
  credential: Credential,
  origin: Origin,
) => Promise<Revoked | CommandError<'token_unknown'> | Denial | Outage>;

type Revoked = 'revoked' | 'nothing';

export interface RevokeDeps extends AuditedDeps {
  readonly identifier: Pick<Identifier, 'identify' | 'verify' | 'mayBeApiToken'>;
  readonly store: Pick<TokenStore, 'findApiToken' | 'revokeToken' | 'endSession'>;
  readonly now: () => number;
  readonly sessionLimit?: SessionLimit | undefined;
}

export const createRevoke = (deps: RevokeDeps): Revoke => {
  const findEnded = createFindEnded(deps);
  return async (credential, { clientAddress, requestId }) => {
    const nowMs = deps.now();
    // A flood from the same address must not keep a leaked token alive; but no stranger may flood an issuer through us.
    const subject = await deps.identifier.identify(credential, nowMs, clientAddress, 'questions');
    if (isOutage(subject)) return subject;
    const origin = { clientAddress, requestId };
    if (!isDenial(subject)) {
      const { identity } = subject;
      return isByAccessToken(identity)
        ? endSession(deps, { identity, ...origin }, nowMs)
        : revokeApiToken(deps, credential, subject, origin, nowMs);
    }
    if (!isJwt(credential)) {
      const outcome = await revokeApiToken(deps, credential, subject, origin, nowMs);
      return outcome === 'nothing' && subject.reason === 'rate_limited' ? subject : outcome;
    }
    if (subject.reason === 'rate_limited') return subject;
    if (subject.isEarly === true) return notGoodYet;
    const ended = await findEnded(credential, subject);
    if (isOutage(ended)) return ended;
    if (ended === undefined) return mayBeGoodLater(subject) ? notGoodYet : 'nothing';
    const outcome = await endSession(deps, { identity: ended, hasEnded: true, ...origin }, nowMs);
    return outcome === 'revoked' ? 'nothing' : outcome;
  };
};

/** An account that is disabled may be enabled again, and its tokens are then good: so none of them is as good as ended. */
const mayBeGoodLater = ({ isEarly, reason }: Denial): boolean =>
  isEarly === true || reason === 'org_disabled' || reason === 'user_disabled';

/**
 * Ending a live API token is never refused: it ends all its sessions. Each repetition costs writes, and is. `subject`: whose it
 * is, where it is live; or why it is not.
 */
const revokeApiToken = async (
  deps: RevokeDeps,
  credential: Credential,
  subject: Subject | Denial,
  origin: Origin,
  nowMs: number,
): Promise<Revoked | CommandError<'token_unknown'> | Denial | Outage> => {
  const { store, audit } = deps;
  const identity = isDenial(subject) ? undefined : subject.identity;
  const digest = digestOf(credential.value);
  const owner: Holder | undefined | Outage = identity ?? (await findOwner(store, digest));
  if (isOutage(owner)) return owner;
  if (owner === undefined)
    return isDenial(subject) && mayBeGoodLater(subject) ? notGoodYet : judgeUnknown(deps, credential.value);
  const { org, user, tokenId } = owner;
  if (tokenId === undefined) throw new Error('an API token was identified without its id');
  if (identity === undefined && deps.sessionLimit?.mayEnd(owner) === false)
    return denial('rate_limited', `revocations of ${tokenId}, which is not live`);
  const answer = await store.revokeToken(tokenId, nowMs, digest);
  const outcome = isOutage(answer) ? answer : outcomeOf[answer];
  const party = { org: org.id, user: user.id, tokenId };
  audit?.record({ action: 'token.revoke', identity, origin, subject: party, outcome });
  return outcome;
};

const outcomeOf = {
  revoked: 'revoked',
  already_revoked: 'nothing',
  replaced: 'nothing',
  // The store has lost the record of a token that is known here: its id is revoked.
  unknown: 'revoked',
} as const;

/** Whose a token is that may not be used, or that memory calls unknown though it was imported a moment ago. */
const findOwner = async (
  store: RevokeDeps['store'],
  digest: string,
): Promise<Holder | undefined | Outage> => {
  const found = await store.findApiToken(digest);
  if (found === undefined || isOutage(found)) return found;
  const { id, orgId, userId } = found.token;
  return { org: { id: orgId }, user: { id: userId }, tokenId: id };
};

/**
 * Of a secret that the store does not know. Nothing is written down for it: secrets of the right form are easy to invent, and
 * strangers must not fill the store, or the memory of replicas, with them.
 */
const judgeUnknown = async (
  { identifier }: RevokeDeps,
  secret: string,
): Promise<'nothing' | CommandError<'token_unknown'> | Outage> => {
  const mayBeOurs = await identifier.mayBeApiToken(secret);
  if (isOutage(mayBeOurs)) return mayBeOurs;
  return mayBeOurs ? nothingRevoked : 'nothing';
};

/** The answer to a secret of the right form that the store does not know. */
export const nothingRevoked = commandError(
  'token_unknown',
  'Nothing was revoked: the store does not know this API token. It ended long ago, it was never made here, or the store ' +
    'has lost it. In the last case its sessions still live: revoke everything of its user, or revoke the token by its id.',
);

/** "Done" would be a lie: the token would be good once its time has come, its issuer's new key or its org is known, or its account enabled. */
const notGoodYet = commandError(
  'token_unknown',
  'Nothing was revoked: this access token is not good here, but may be later. Its time has not come, the key it is ' +
    'signed with or its org is not known here yet, or its org or user is disabled. Revoke it again in a minute, or at its issuer.',
);

/** Ends the session of an actor; the store is asked each time. Every replica remembers it, so a holder may end only so many. */
export const endSession = async (
  {
    store,
    sessionLimit,
    audit,
  }: Pick<RevokeDeps, 'sessionLimit' | 'audit'> & {
    readonly store: Pick<TokenStore, 'endSession'>;
  },
  { identity, hasEnded, ...origin }: Actor,
  nowMs: number,
): Promise<Revoked | Denial | Outage> => {
  const { org, user, tokenId, sessionId } = identity;
  if (sessionId === undefined) throw new Error('an access token was identified without its session');
  if (sessionLimit?.mayEnd(identity) === false)
    return denial('rate_limited', `sessions ended of ${tokenId ?? 'one session'}`);
  const answer = await store.endSession(sessionId, nowMs);
  const outcome = isOutage(answer) ? answer : 'revoked';
  const subject = { org: org.id, user: user.id, tokenId };
  // It was written down when it was ended first.
  if (hasEnded !== true || isOutage(outcome))
    audit?.record({ action: 'session.end', identity, origin, subject, outcome });
  return outcome;
};
