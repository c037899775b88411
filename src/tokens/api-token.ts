// What an API token is: an opaque secret of 65 (or 32) characters, its digest and its id. Garbage is told from a
// token by shape and checksum alone, without a look-up. Knows no store and keeps no secret.

import { hash, randomFillSync, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** 65 is our own; 32 is for clients that hard-code that length. */
export type SecretLength = 65 | 32;

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefix = 'tg';
const checksumLength = 6;
const shardCount = 16;
/** The largest multiple of 62 that fits a byte: bytes from here on would favour the first characters. */
const fairBytes = 248;

/**
 * Draws an API token: `tg`, random characters, and six characters of base62 CRC-32 over all before them.
 * It is drawn until its digest falls into the owner's shard (16 tries on average), so that one script finds token and
 * user together. That costs four bits against whoever knows the owner: 335 bits are left to guess of 65 characters, and
 * 138 of 32, a little under the 140 aimed at. Only clients that hard-code 32 should get the short one.
 */
export const createSecret = (options: { readonly shard: number; readonly length: SecretLength }): string => {
  assertShard(options.shard);
  for (;;) {
    const body = prefix + randomCharacters(options.length - prefix.length - checksumLength);
    const secret = body + checksumOf(body);
    if (shardOf(digestOf(secret)) === options.shard) return secret;
  }
};

/** Whether a string could be a token made here: length, prefix, alphabet and checksum. Linear, allocates next to nothing. */
export const isOwnShape = (secret: string): boolean => {
  if (secret.length !== 65 && secret.length !== 32) return false;
  if (!/^tg[0-9A-Za-z]+$/.test(secret)) return false;
  const bodyLength = secret.length - checksumLength;
  return secret.slice(bodyLength) === checksumOf(secret.slice(0, bodyLength));
};

/** SHA-256 as 64 lower-case hex digits: all that is ever stored of a secret. */
export const digestOf = (secret: string): string => hash('sha256', secret, 'hex');

/** A UUID (version 4) whose last hex digit is the shard of the token's user. */
export const createTokenId = (shard: number): string => {
  assertShard(shard);
  return randomUUID().slice(0, -1) + shard.toString(16);
};

/** First byte of the digest mod 16: its second hex digit. */
const shardOf = (digest: string): number => Number.parseInt(digest.charAt(1), 16);

const assertShard = (shard: number): void => {
  if (!Number.isInteger(shard) || shard < 0 || shard >= shardCount)
    throw new RangeError(`a shard is a whole number from 0 to ${shardCount - 1}`);
};

const checksumOf = (body: string): string => {
  let rest = crc32(body);
  let text = '';
  for (let index = 0; index < checksumLength; index++) {
    text = alphabet.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
};

const randomCharacters = (count: number): string => {
  const bytes = new Uint8Array(count + 16);
  let text = '';
  while (text.length < count)
    for (const byte of randomFillSync(bytes)) {
      if (byte >= fairBytes) continue;
      text += alphabet.charAt(byte % 62);
      if (text.length === count) break;
    }
  bytes.fill(0);
  return text;
};
