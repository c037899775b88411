// What an API token is: an opaque secret of 65 (or 32) characters, its digest and its id. Its shape and checksum alone,
// without a look-up, distinguish it from garbage. Knows no store and keeps no secret.

import { createHmac, hash, randomFillSync, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { shardCount, shardOfDigest } from './shard.ts';

/** 65 is our own; 32 is for clients that hard-code that length. */
export type SecretLength = 65 | 32;

/** Fewest characters of any secret, imported ones too: a shorter one could be guessed. */
export const secretLengthMin = 20;

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefix = 'tg';
const checksumLength = 6;
/** The largest multiple of 62 that fits a byte: bytes from here on would favour the first characters. */
const fairBytes = 248;

/**
 * Draws an API token: `tg`, random characters, and six characters of base62 CRC-32 over all before them.
 * It is drawn until its digest falls into the owner's shard (16 tries on average), so that one script finds token and
 * user together. That costs four bits against an attacker who knows the owner: 335 bits are left to guess of 65 characters, and
 * 138 of 32, a little under the 140 aimed at. Only clients that hard-code 32 should get the short one.
 */
export const createSecret = (options: { readonly shard: number; readonly length: SecretLength }): string =>
  drawSecret(options, randomCharacters);

/**
 * An API token that is the same each time for the same key and purpose, and looks like any other to those who lack
 * the key: HMAC-SHA-256 instead of the random source. `key`: 32 bytes; `purpose`: what it is for, in unambiguous words.
 */
export const deriveSecret = (
  options: { readonly shard: number; readonly length: SecretLength },
  key: Uint8Array,
  purpose: readonly (string | number)[],
): string =>
  drawSecret(options, derivedCharacters(key, JSON.stringify(['secret', options.length, ...purpose])));

/** A UUID (version 8, RFC 9562 section 5.8) derived in the same way, whose last hex digit is `shard`. */
export const deriveTokenId = (
  shard: number,
  key: Uint8Array,
  purpose: readonly (string | number)[],
): string => {
  assertShard(shard);
  const hex = createHmac('sha256', key)
    .update(JSON.stringify(['id', ...purpose]))
    .digest('hex');
  return uuidOfDigest(hex).slice(0, -1) + shard.toString(16);
};

/** UUID version 8 (RFC 9562 section 5.8) of a digest in hex. */
export const uuidOfDigest = (hex: string): string => {
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

const drawSecret = (
  { shard, length }: { readonly shard: number; readonly length: SecretLength },
  draw: (count: number) => string,
): string => {
  assertShard(shard);
  for (;;) {
    const body = prefix + draw(length - prefix.length - checksumLength);
    const secret = body + checksumOf(body);
    if (shardOfDigest(digestOf(secret)) === shard) return secret;
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
  while (text.length < count) text += charactersOf(randomFillSync(bytes), count - text.length);
  bytes.fill(0);
  return text;
};

/** HMAC in counter mode (NIST SP 800-108): block after block, each drawn from once. */
const derivedCharacters = (key: Uint8Array, label: string): ((count: number) => string) => {
  let block = 0;
  return (count) => {
    let text = '';
    while (text.length < count) {
      const bytes = createHmac('sha256', key).update(`${block} ${label}`).digest();
      block += 1;
      text += charactersOf(bytes, count - text.length);
    }
    return text;
  };
};

/** Up to `count` characters, each as likely as any other: bytes that would favour the first ones are passed over. */
const charactersOf = (bytes: Uint8Array, count: number): string => {
  let text = '';
  for (const byte of bytes) {
    if (byte >= fairBytes) continue;
    text += alphabet.charAt(byte % 62);
    if (text.length === count) break;
  }
  return text;
};
