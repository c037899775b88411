// The part of the port that makes API tokens, gives them new secrets and ends them, and the sessions that they began. Types only.

import type { Outage } from '../decision/outcome.ts';
import type { ApiTokenRecord } from './records.ts';

/** The next secret of a token. */
export interface NextSecret {
  readonly digest: string;
  /** One more than the number of the token's present secret. */
  readonly number: number;
  /** Until then the present secret stays good; undefined: it dies at once. */
  readonly previousUntilMs: number | undefined;
  /** The expiry of the token from then on; undefined: it keeps its own, and that was never changed. */
  readonly expiry?: TokenExpiry | undefined;
}

export type TokenExpiry = Pick<ApiTokenRecord, 'expiresAtMs' | 'renewedAtMs'>;

export interface TokenUse {
  readonly tokenId: string;
  readonly atMs: number;
}

/** API tokens, and the sessions that they began. */
export interface ApiTokenStore {
  /**
   * The token and user must be in the shard of `token.id`; repeating the same id and digest answers `created`.
   * `perUserMax`: most tokens of the user that are neither revoked by themselves nor expired when this one is made; counted
   * and added in one step, so that no two callers pass it together. Undefined: any number.
   */
  createToken(
    token: ApiTokenRecord,
    digest: string,
    perUserMax?: number,
  ): Promise<'created' | 'digest_taken' | 'user_unknown' | 'too_many' | Outage>;
  findToken(tokenId: string): Promise<ApiTokenRecord | undefined | Outage>;
  /**
   * Gives a token its next secret, in the shard of `tokenId`, and answers its record. The same secret of the same number
   * again answers the same and changes nothing. `outdated`: the token has another number by now; read it again. With an expiry it
   * is listed by that, kept as long as that asks, and looked at for reminders at once.
   */
  regenerateToken(
    tokenId: string,
    secret: NextSecret,
    nowMs: number,
  ): Promise<ApiTokenRecord | 'unknown' | 'revoked' | 'outdated' | 'digest_taken' | Outage>;
  /** Remembers when tokens were used. Never goes back; unknown tokens are passed over; no line in the feed. */
  recordUses(uses: readonly TokenUse[]): Promise<'done' | Outage>;
  /**
   * Revokes one API token and with it all its sessions. With the `digest` of a secret: only while that secret is good by
   * its number and overlap; else `replaced`, and nothing changes. `unknown`: there is no record; what an id can name is
   * revoked all the same: its sessions end on every replica, and a record made later is born revoked.
   */
  revokeToken(
    tokenId: string,
    nowMs: number,
    digest?: string,
  ): Promise<'revoked' | 'already_revoked' | 'replaced' | 'unknown' | Outage>;
  /** Ends one session; remembered for the longest access-token life. */
  endSession(sessionId: string, nowMs: number): Promise<'ended' | Outage>;
}
