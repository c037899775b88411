// One user, one shard: everything about a user lies under one hash tag, so one script sees it all, on a Cluster too.

import { hash } from 'node:crypto';

export const shardCount = 16;

/** First byte of SHA-256 of `org/user` (or of an org id alone), mod 16. */
export const shardOfAccount = (orgId: string, userId?: string): number =>
  shardOfDigest(hash('sha256', userId === undefined ? orgId : `${orgId}/${userId}`, 'hex'));

/** First byte mod 16 is the second hex digit. */
export const shardOfDigest = (digest: string): number => Number.parseInt(digest.charAt(1), 16);

/** A token's id names its shard in its last hex digit. NaN for a string that is no id. */
export const shardOfTokenId = (tokenId: string): number => Number.parseInt(tokenId.slice(-1), 16);
