// The JWS algorithms that may sign or verify here, each pinned to one kind of key; asymmetric ones only. No I/O.
//
// Signed and verified by node:crypto in one synchronous call, chosen by measurement (Node 26, one pinned core, median CPU
// microseconds a token with all its checks, interleaved with jose 6.2 over WebCrypto): ES256 sign 51 (jose 144), verify
// 134 (186); RS256 sign 798 (889), verify 63 (123); EdDSA sign 74 (145), verify 197 (241). jose is the tests' referee.

import { constants, type KeyObject, sign, type SigningOptions, verify } from 'node:crypto';

interface JwsAlgorithm {
  readonly keyType: 'ec' | 'rsa' | 'ed25519';
  /** OpenSSL's name of the curve; undefined where the key type says it all. */
  readonly curve: string | undefined;
  /** Undefined: the algorithm hashes by itself. */
  readonly digest: string | undefined;
  /** Exact length of a signature; undefined for RSA, where it is the modulus's. */
  readonly signatureBytes: number | undefined;
  readonly options: Readonly<SigningOptions>;
}

/** Smaller RSA keys must not be used (RFC 7518 section 3.3). */
const rsaBitsMin = 2048;

const ecdsa = (curve: string, digest: string, signatureBytes: number): JwsAlgorithm => ({
  keyType: 'ec',
  curve,
  digest,
  signatureBytes,
  // JWS carries r and s side by side, not DER (RFC 7518 section 3.4).
  options: { dsaEncoding: 'ieee-p1363' },
});

const rsa = (digest: string, options: SigningOptions): JwsAlgorithm => ({
  keyType: 'rsa',
  curve: undefined,
  digest,
  signatureBytes: undefined,
  options,
});

const pkcs1: SigningOptions = { padding: constants.RSA_PKCS1_PADDING };
const pss: SigningOptions = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
};
const eddsa: JwsAlgorithm = {
  keyType: 'ed25519',
  curve: undefined,
  digest: undefined,
  signatureBytes: 64,
  options: {},
};

/** RFC 7518 section 3.1, RFC 8037, RFC 9864 (`Ed25519`). No `none`, no HMAC: a public key must never be a secret. */
const algorithms: ReadonlyMap<string, JwsAlgorithm> = new Map([
  ['ES256', ecdsa('prime256v1', 'sha256', 64)],
  ['ES384', ecdsa('secp384r1', 'sha384', 96)],
  ['ES512', ecdsa('secp521r1', 'sha512', 132)],
  ['RS256', rsa('sha256', pkcs1)],
  ['RS384', rsa('sha384', pkcs1)],
  ['RS512', rsa('sha512', pkcs1)],
  ['PS256', rsa('sha256', pss)],
  ['PS384', rsa('sha384', pss)],
  ['PS512', rsa('sha512', pss)],
  ['EdDSA', eddsa],
  ['Ed25519', eddsa],
]);

/** Whether a key may be used with an algorithm: its type, its curve, its size. */
export const keyFits = (algorithm: string, key: KeyObject): boolean => {
  const wanted = algorithms.get(algorithm);
  if (wanted === undefined || key.asymmetricKeyType !== wanted.keyType) return false;
  const details = key.asymmetricKeyDetails;
  if (wanted.curve !== undefined) return details?.namedCurve === wanted.curve;
  return wanted.keyType !== 'rsa' || (details?.modulusLength ?? 0) >= rsaBitsMin;
};

/** Signs the bytes of an ASCII string; the signature is base64url. The key must fit the algorithm. */
export const signInput = (algorithm: string, key: KeyObject, input: string): string => {
  const { digest, options } = knownAlgorithm(algorithm);
  return sign(digest, Buffer.from(input, 'latin1'), { key, ...options }).toString('base64url');
};

/** Whether a signature over the bytes of an ASCII string is the key's. The key must fit the algorithm. */
export const verifyInput = (
  algorithm: string,
  key: KeyObject,
  input: string,
  signature: Uint8Array,
): boolean => {
  const { digest, options, signatureBytes } = knownAlgorithm(algorithm);
  if (signatureBytes !== undefined && signature.length !== signatureBytes) return false;
  return verify(digest, Buffer.from(input, 'latin1'), { key, ...options }, signature);
};

const knownAlgorithm = (name: string): JwsAlgorithm => {
  const algorithm = algorithms.get(name);
  if (algorithm === undefined) throw new Error(`no such signature algorithm: ${name}`);
  return algorithm;
};
