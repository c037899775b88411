// The details of an API token, for anybody who holds it. Possession is the only right that is asked for: nothing but that
// token is shown, and strangers who try out tokens are held to the limit on unknown ones.

import { type Credential, isJwt } from '../decision/credential.ts';
import { type Denial, denial, isDenial, isOutage, type Outage } from '../decision/outcome.ts';
import type { Identifier } from '../identity/identifier.ts';
import { isTokenDead, secretEndMs } from '../store/api-token-state.ts';
import type { ApiTokenRecord, OrgRecord } from '../store/records.ts';
import type { ApiTokenFound, TokenStore } from '../store/token-store.ts';
import { digestOf } from '../tokens/api-token.ts';

export interface TokenDetails {
  readonly token: ApiTokenRecord;
  readonly user: ApiTokenFound['user'];
  readonly org: OrgRecord;
  /** Revoked by itself or with all of its user or org. */
  readonly isRevoked: boolean;
}

/** `unknown`: no such API token, or an expired one. The only denial is `rate_limited`. */
export type FindDetails = (
  credential: Credential,
  clientAddress: string | undefined,
) => Promise<TokenDetails | 'unknown' | Denial | Outage>;

export const createFindDetails =
  (deps: {
    readonly identifier: Pick<Identifier, 'identify'>;
    readonly store: Pick<TokenStore, 'findApiToken' | 'findOrg'>;
    readonly now: () => number;
  }): FindDetails =>
  async (credential, clientAddress) => {
    if (isJwt(credential)) return 'unknown';
    const nowMs = deps.now();
    const subject = await deps.identifier.identify(credential, nowMs, clientAddress);
    if (isOutage(subject)) return subject;
    if (isDenial(subject)) {
      if (subject.reason === 'rate_limited') return denial('rate_limited');
      // Those of a disabled owner, and revoked ones, are still somebody's.
      if (subject.reason === 'token_unknown' || subject.reason === 'token_expired') return 'unknown';
    }
    const found = await deps.store.findApiToken(digestOf(credential.value));
    if (isOutage(found)) return found;
    if (found === undefined) return 'unknown';
    const { token, user } = found;
    // A secret that was replaced is nobody's any more.
    if (nowMs >= secretEndMs(found)) return 'unknown';
    if (token.expiresAtMs !== undefined && nowMs >= token.expiresAtMs) return 'unknown';
    const org = await deps.store.findOrg(token.orgId);
    if (isOutage(org)) return org;
    if (org === undefined) return 'unknown';
    return { token, user, org, isRevoked: isTokenDead(token, user, org) };
  };
