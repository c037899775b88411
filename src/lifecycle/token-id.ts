// The id of an API token: a UUID whose last hex digit is the shard of its user. Not a secret.

import { hash } from 'node:crypto';
import { shardOfAccount } from '../tokens/shard.ts';

const grammar = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const isTokenId = (text: string): boolean => grammar.test(text);

/**
 * The id of an imported token: the same entry always gets the same id, so that an import can be repeated. Another
 * owner of the same secret gets another id, which the store then refuses as `digest_taken`.
 * A hash of the digest, because ids are shown and the digest is not. UUID version 8 (RFC 9562 §5.8).
 */
export const importedTokenId = (orgId: string, userId: string, digest: string): string => {
  const hex = hash('sha256', `tollgate import ${orgId}/${userId} ${digest}`, 'hex');
  const shard = shardOfAccount(orgId, userId).toString(16);
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    `${hex.slice(20, 31)}${shard}`,
  ].join('-');
};
