// Whether an API token and its secrets are alive by their records: for look-ups, listings and commands. Pure.

import type { ApiTokenRecord, OrgRecord, UserRecord } from './records.ts';
import type { ApiTokenFound } from './token-store.ts';

/** How long a record outlives its expiry or revocation, so that listings and refusals can still name it. */
export const recordRetentionMs = 30 * 24 * 3600 * 1000;

type Account = Pick<UserRecord | OrgRecord, 'tokenGenerationMin'>;

/** Revoked, by itself or together with everything of its user or org. For good. */
export const isTokenDead = (token: ApiTokenRecord, user: Account, org: Account): boolean =>
  token.state === 'revoked' ||
  token.generation.user < user.tokenGenerationMin ||
  token.generation.org < org.tokenGenerationMin;

/** Of an org or user of the same id that was deleted: nothing of it is the business of those made again. */
export const isOfEarlierOwner = (
  token: ApiTokenRecord,
  user: Account & Pick<UserRecord, 'createdAtMs'>,
  org: OrgRecord,
): boolean =>
  token.createdAtMs < Math.max(org.createdAtMs, user.createdAtMs) && isTokenDead(token, user, org);

/**
 * When the secret that was looked up ends, apart from its token: never for the present one, after the overlap for the one
 * before it, long ago for any other. Milliseconds since the epoch, or Infinity or -Infinity.
 */
export const secretEndMs = ({ token, secretNumber }: ApiTokenFound): number => {
  if (secretNumber === token.secretNumber) return Infinity;
  return secretNumber === token.secretNumber - 1 ? (token.previousSecretExpiresAtMs ?? -Infinity) : -Infinity;
};
