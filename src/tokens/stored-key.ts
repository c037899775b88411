// A signing key as the store keeps it: made here, sealed before it leaves, and opened again with the same sealing key.
// Every fault is a value that says what to do; nothing private outlives the call unsealed except the key itself.

import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { readStrictJson } from '../decision/strict-json.ts';
import { parsePublicJwk, type PublishedJwk, publishedJwk } from './public-jwk.ts';
import { seal, unseal } from './sealing.ts';
import { keyFits, type SigningAlgorithm } from './signature.ts';
import {
  isKeyFault,
  type KeyFault,
  keyFault,
  readPrivateKey,
  type SigningKey,
  type VerificationKey,
} from './signing-key.ts';

/** Times are milliseconds since the epoch. */
export interface StoredKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** Public JWK as JSON. */
  readonly publicJwk: string;
  /** PKCS#8 DER, sealed, base64url. */
  readonly sealedPrivateKey: string;
  readonly createdAtMs: number;
  /** Signs from this time on; published before it. */
  readonly activeFromMs: number;
  /** No longer published after this time; undefined while it is the newest of its algorithm. */
  readonly retireAtMs: number | undefined;
}

/** Makes a key and seals its private half: P-256, RSA of 2048 bits or Ed25519. Made in a thread; RSA takes some 0.1 s. */
export const generateStoredKey = async (
  algorithm: SigningAlgorithm,
  sealingKey: Uint8Array,
  times: { readonly createdAtMs: number; readonly activeFromMs: number },
): Promise<StoredKey> => {
  const { privateKey, publicJwk } = await newKey(algorithm);
  const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
  const sealedPrivateKey = seal(plain, sealingKey, publicJwk.kid);
  plain.fill(0);
  const { createdAtMs, activeFromMs } = times;
  return {
    kid: publicJwk.kid,
    algorithm,
    publicJwk: JSON.stringify(publicJwk),
    sealedPrivateKey,
    createdAtMs,
    activeFromMs,
    retireAtMs: undefined,
  };
};

/** Opens the public half alone, which verifies and is published even where the private half stays sealed. */
export const openPublicHalf = (stored: StoredKey): VerificationKey | KeyFault => {
  const { kid, algorithm, activeFromMs, retireAtMs } = stored;
  const read = readStrictJson(stored.publicJwk, 2);
  const publicKey = 'why' in read ? undefined : parsePublicJwk(read.value);
  if (publicKey === undefined || !keyFits(algorithm, publicKey)) return damaged(kid, 'its public half');
  const publicJwk = publishedJwk(publicKey, algorithm);
  if (publicJwk.kid !== kid) return damaged(kid, 'its id, which is not the thumbprint of its public half');
  return { kid, algorithm, publicKey, publicJwk, origin: 'store', activeFromMs, retireAtMs };
};

/** Opens a key with the sealing key it was sealed under. */
export const openStoredKey = (stored: StoredKey, sealingKey: Uint8Array): SigningKey | KeyFault => {
  const half = openPublicHalf(stored);
  if (isKeyFault(half)) return half;
  const plain = unseal(stored.sealedPrivateKey, sealingKey, stored.kid);
  if (plain === 'malformed') return damaged(stored.kid, 'the form of its sealed half');
  if (plain === 'refused')
    return keyFault(
      `signing key ${stored.kid} in the store was sealed under another sealing key: give this replica the one that ` +
        'the others have (keys.encryptionKey, keys.encryptionKeyFile). Only where that one is lost for good, give ' +
        'every replica the new one and abandon the old key: tollgate key rotate --abandon-old',
    );
  const privateKey = readPrivateKey({ key: plain, format: 'der', type: 'pkcs8' });
  plain.fill(0);
  if (privateKey === undefined || !createPublicKey(privateKey).equals(half.publicKey))
    return damaged(stored.kid, 'its private half');
  return { ...half, privateKey };
};

const damaged = (kid: string, part: string): KeyFault =>
  keyFault(
    `signing key ${kid} in the store is damaged: ${part}; restore a backup, ` +
      'or abandon the key for a new one: tollgate key rotate --abandon-old',
  );

const generate = promisify(generateKeyPair);

/** An id that begins with a dash (one in 64) would be taken for an option where somebody types it. */
const newKey = async (
  algorithm: SigningAlgorithm,
): Promise<{ readonly privateKey: KeyObject; readonly publicJwk: PublishedJwk }> => {
  for (;;) {
    const privateKey = await generatePrivateKey(algorithm);
    const publicJwk = publishedJwk(createPublicKey(privateKey), algorithm);
    if (!publicJwk.kid.startsWith('-')) return { privateKey, publicJwk };
  }
};

const generatePrivateKey = async (algorithm: SigningAlgorithm): Promise<KeyObject> => {
  switch (algorithm) {
    case 'ES256':
      return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
    case 'RS256':
      return (await generate('rsa', { modulusLength: 2048 })).privateKey;
    case 'EdDSA':
      return (await generate('ed25519', {})).privateKey;
  }
};
