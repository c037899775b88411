// A signing key: a private key, its published half, and from when until when it counts. Read here from a PEM file; keys
// of the store are opened in stored-key.ts. Its id is its thumbprint, so one key has one id wherever it is mounted.

import { createPrivateKey, createPublicKey, type KeyObject, type PrivateKeyInput } from 'node:crypto';
import { type PublishedJwk, publishedJwk } from './public-jwk.ts';
import { algorithmOf, type SigningAlgorithm } from './signature.ts';

/** The public half of one of our keys. Times are milliseconds since the epoch. */
export interface VerificationKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly publicKey: KeyObject;
  readonly publicJwk: PublishedJwk;
  /** Keys mounted as files sign before keys of the store. */
  readonly origin: 'file' | 'store';
  /** Signs from this time on; published before it. */
  readonly activeFromMs: number;
  /** Neither published nor believed from this time on; undefined while it is the newest of its algorithm. */
  readonly retireAtMs: number | undefined;
}

export interface SigningKey extends VerificationKey {
  readonly privateKey: KeyObject;
}

export const isSigningKey = (key: VerificationKey): key is SigningKey => 'privateKey' in key;

/** Why a key cannot be used and what to do about it, for the operator. Never holds part of a key. */
export interface KeyFault {
  readonly kind: 'key_fault';
  readonly message: string;
}

export const keyFault = (message: string): KeyFault => ({ kind: 'key_fault', message });

export const isKeyFault = (value: object): value is KeyFault => 'kind' in value && value.kind === 'key_fault';

/** Reads a private key in PEM (PKCS#8). It signs at once and never retires. `name`: the setting or file it is from. */
export const parseSigningKey = (pem: string, name: string): SigningKey | KeyFault => {
  const privateKey = readPrivateKey(pem);
  if (privateKey === undefined)
    return keyFault(
      `${name} is not a private key in PEM without a password ("-----BEGIN PRIVATE KEY-----"); ` +
        'make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256',
    );
  const algorithm = algorithmOf(privateKey);
  if (algorithm === undefined)
    return keyFault(
      `${name} is a private key that cannot sign here (${describe(privateKey)}); ` +
        'use EC P-256 (ES256), Ed25519 (EdDSA), or RSA of 2048 bits or more (RS256)',
    );
  const publicKey = createPublicKey(privateKey);
  const publicJwk = publishedJwk(publicKey, algorithm);
  const shown = { kid: publicJwk.kid, algorithm, publicKey, publicJwk };
  return { ...shown, privateKey, origin: 'file', activeFromMs: 0, retireAtMs: undefined };
};

/** A private key, as PEM without a password or as DER; undefined: it is none. */
export const readPrivateKey = (key: string | PrivateKeyInput): KeyObject | undefined => {
  try {
    return createPrivateKey(key);
  } catch {
    return undefined;
  }
};

const describe = (key: KeyObject): string => {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  const size = modulusLength === undefined ? undefined : `${modulusLength} bits`;
  return [key.asymmetricKeyType, namedCurve, size].filter((part) => part !== undefined).join(' ');
};
