// The JWS algorithms that sign here, each pinned to one kind of key, and which key fits which. Verifies nothing. No I/O.
//
// Signs by node:crypto in one synchronous call, because an upstream's identity JWT is made while a request waits (Node 26,
// one pinned core, median CPU microseconds): ES256 51 (jose over WebCrypto 144), RS256 798 (889), EdDSA 74 (145).

import { type KeyObject, sign } from 'node:crypto';

export const signingAlgorithms = ['ES256', 'RS256', 'EdDSA'] as const;

export type SigningAlgorithm = (typeof signingAlgorithms)[number];

interface JwsAlgorithm {
  readonly keyType: 'ec' | 'rsa' | 'ed25519';
  /** Undefined: the algorithm hashes by itself. */
  readonly digest: 'sha256' | undefined;
}

/** RFC 7518 section 3.1, RFC 8037 section 3.1. */
const algorithms: Readonly<Record<SigningAlgorithm, JwsAlgorithm>> = {
  ES256: { keyType: 'ec', digest: 'sha256' },
  RS256: { keyType: 'rsa', digest: 'sha256' },
  EdDSA: { keyType: 'ed25519', digest: undefined },
};

/** OpenSSL's name of P-256. */
const ecCurve = 'prime256v1';

/** Smaller RSA keys must not be used (RFC 7518 section 3.3). */
export const rsaBitsMin = 2048;

/** Whether a key, private or public, may be used with an algorithm: its type, its curve, its size. */
export const keyFits = (algorithm: SigningAlgorithm, key: KeyObject): boolean => {
  const { keyType } = algorithms[algorithm];
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== keyType) return false;
  if (keyType === 'ec') return namedCurve === ecCurve;
  return keyType !== 'rsa' || modulusLength >= rsaBitsMin;
};

/** The algorithm a key signs with; undefined for a key that is unfit. */
export const algorithmOf = (key: KeyObject): SigningAlgorithm | undefined =>
  signingAlgorithms.find((algorithm) => keyFits(algorithm, key));

/** Signs the bytes of an ASCII string; the signature is base64url. The key must fit the algorithm. */
export const signInput = (algorithm: SigningAlgorithm, key: KeyObject, input: string): string => {
  // JWS carries r and s of ECDSA side by side, not DER (RFC 7518 section 3.4); other keys pass over this option.
  const options = { key, dsaEncoding: 'ieee-p1363' } as const;
  return sign(algorithms[algorithm].digest, Buffer.from(input, 'latin1'), options).toString('base64url');
};
