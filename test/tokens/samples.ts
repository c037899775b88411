// Keys, good tokens and hand-made bad ones: a forged token is signed for real, so that only the fault under test is wrong.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { accessTokenClaims } from '../../src/tokens/access-token-claims.ts';
import { KeyRing } from '../../src/tokens/key-ring.ts';
import { isKeyFault, parseSigningKey, type SigningKey } from '../../src/tokens/signing-key.ts';
import { type AccessTokenVerifierOptions } from '../../src/tokens/verify-access-token.ts';
import { anIdentity } from '../support/identity.ts';

export const issuer = 'https://tollgate.test';
export const audience = 'api';
/** A whole second, so that times in claims are exact. */
export const nowMs = 1_795_000_000_000;
export const nowSeconds = nowMs / 1000;
export const minuteMs = 60_000;

export const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });

export const keyPairs = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: generateKeyPairSync('ed25519'),
} as const;

export const signingKeyOf = (pair: { readonly privateKey: KeyObject }): SigningKey => {
  const key = parseSigningKey(pemOf(pair.privateKey), 'the test key');
  if (isKeyFault(key)) throw new Error(key.message);
  return key;
};

export const ownKeys = {
  ES256: signingKeyOf(keyPairs.ES256),
  RS256: signingKeyOf(keyPairs.RS256),
  EdDSA: signingKeyOf(keyPairs.EdDSA),
} as const;

export const ringOf = (...keys: readonly SigningKey[]): KeyRing => {
  const ring = new KeyRing();
  ring.replace(keys);
  return ring;
};

export const verifierOptions: AccessTokenVerifierOptions = {
  issuer,
  audience,
  keyRing: ringOf(ownKeys.ES256, ownKeys.RS256, ownKeys.EdDSA),
  externalIssuers: [],
  clockLeewayMs: 30_000,
  tokenAgeMsMax: 30 * minuteMs,
};

/** Claims of a good token of ours: Alice, half an hour, made now. */
export const ownClaims = accessTokenClaims({
  issuer,
  audience,
  identity: { ...anIdentity({}), generation: { org: 3, user: 14 } },
  jti: 'jti-1',
  sessionId: 'session-1',
  clientId: 'cli',
  methods: ['api_token'],
  issuedAtMs: nowMs,
  expiresAtMs: nowMs + 30 * minuteMs,
});

export const base64url = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');

/** Signs any header and payload text with a key, whatever they say. */
export const forge = (
  header: string,
  payload: string,
  key: KeyObject = keyPairs.ES256.privateKey,
): string => {
  const input = `${base64url(header)}.${base64url(payload)}`;
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const signature = sign(digest, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${base64url(signature)}`;
};

export const ownHeader = JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: ownKeys.ES256.kid });

/** A token of ours with some claims changed; a claim set to undefined is left out. */
export const withClaims = (change: Record<string, unknown>): string =>
  forge(ownHeader, JSON.stringify({ ...ownClaims, ...change }));

/** A token of ours with some header members changed. */
export const withHeader = (change: Record<string, unknown>): string =>
  forge(JSON.stringify({ ...JSON.parse(ownHeader), ...change }), JSON.stringify(ownClaims));

/** Order of the P-256 group (SEC 2 section 2.4.2). */
const p256Order = 0xffffffff_00000000_ffffffff_ffffffff_bce6faad_a7179e84_f3b9cac2_fc632551n;

/** The other signature every ECDSA signature has: (r, n - s). */
export const malleate = (token: string): string => {
  const dot = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(dot + 1), 'base64url');
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
  const other = (p256Order - s).toString(16).padStart(64, '0');
  return `${token.slice(0, dot)}.${base64url(Buffer.concat([signature.subarray(0, 32), Buffer.from(other, 'hex')]))}`;
};
