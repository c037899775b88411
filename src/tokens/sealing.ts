// Seals a private key for the store, or what a browser keeps for us: AES-256-GCM under a 32-byte key, bound to what it is.
// The sealed form says its version, so that another can follow. Never holds a key longer than a call; faults are values.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export const sealingKeyBytes = 32;

/** `malformed`: not something sealed here. `refused`: another sealing key, another kid, or altered. */
export type SealingFault = 'malformed' | 'refused';

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + nonceBytes;

/** Seals a private key. A random nonce is safe for 2^32 seals under one key (NIST SP 800-38D section 8.3); this is for a few a year. */
export const seal = (plain: Uint8Array, sealingKey: Uint8Array, kid: string): string =>
  sealAs(plain, sealingKey, nameOf(kid));

/** Opens what `seal` made, with the same sealing key and kid. */
export const unseal = (sealed: string, sealingKey: Uint8Array, kid: string): Buffer | SealingFault =>
  unsealAs(sealed, sealingKey, nameOf(kid));

const nameOf = (kid: string): string => `tollgate signing key v${version} ${kid}`;

/** Version, 96-bit random nonce, ciphertext, 128-bit tag; base64url. `what`: says what it is, and is authenticated with it. */
export const sealAs = (plain: Uint8Array, key: Uint8Array, what: string): string => {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(what));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.of(version), nonce, body, cipher.getAuthTag()]).toString('base64url');
};

export const unsealAs = (sealed: string, key: Uint8Array, what: string): Buffer | SealingFault => {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < headBytes + tagBytes || bytes[0] !== version) return 'malformed';
  const nonce = bytes.subarray(1, headBytes);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(what));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(headBytes, -tagBytes)), decipher.final()]);
  } catch {
    return 'refused';
  }
};
