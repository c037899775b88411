// Signs the JWTs that leave here: access tokens (RFC 9068) and ID tokens for callers, identity JWTs for upstreams.
// Synchronous (signature.ts says why); reads no clock and picks no key.

import { randomUUID } from 'node:crypto';
import type { Identity } from '../decision/identity.ts';
import type { AccessTokenClaims } from './access-token-claims.ts';
import { signInput } from './signature.ts';
import type { SigningKey } from './signing-key.ts';

/** Told apart by `typ`, so that neither passes for the other (RFC 8725 section 3.11). */
export type JwtType = 'at+jwt' | 'JWT';

/** Compact JWS of an access token. Claims beside ours (a surface's own) go along when `claims` has them. */
export const signAccessToken = (key: SigningKey, claims: AccessTokenClaims): string =>
  signCompact(key, 'at+jwt', claims);

/** Compact JWS of an ID token (OpenID Connect Core section 2). */
export const signIdToken = (key: SigningKey, claims: Readonly<Record<string, unknown>>): string =>
  signCompact(key, 'JWT', claims);

export interface IdentityJwtOptions {
  readonly issuer: string;
  /** The upstream's name or origin. */
  readonly audience: string;
  readonly identity: Identity;
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/** Compact JWS that says to an upstream who the caller is; never outlives the credential it was made from. */
export const signIdentityJwt = (key: SigningKey, options: IdentityJwtOptions): string => {
  const { identity, nowMs } = options;
  return signCompact(key, 'JWT', {
    iss: options.issuer,
    sub: identity.user.id,
    aud: options.audience,
    exp: Math.floor(Math.min(nowMs + options.lifetimeMs, identity.expiresAtMs) / 1000),
    iat: Math.floor(nowMs / 1000),
    jti: randomUUID(),
    org: identity.org.id,
    org_name: identity.org.name,
    name: identity.user.name,
    roles: identity.user.roles,
    scope: [...identity.scopes].join(' '),
    tid: identity.tokenId,
    sid: identity.sessionId,
  });
};

const signCompact = (key: SigningKey, type: JwtType, claims: object): string => {
  const input = `${encodedHeader(key, type)}.${encode(claims)}`;
  return `${input}.${signInput(key.algorithm, key.privateKey, input)}`;
};

/** A part of a compact JWS. */
export const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const encodedHeaders = new WeakMap<SigningKey, Map<JwtType, string>>();

/** A header is the same for every token of a key: encoded once. */
const encodedHeader = (key: SigningKey, type: JwtType): string => {
  const known = encodedHeaders.get(key)?.get(type);
  if (known !== undefined) return known;
  const encoded = encode({ alg: key.algorithm, typ: type, kid: key.kid });
  const ofKey = encodedHeaders.get(key) ?? new Map<JwtType, string>();
  encodedHeaders.set(key, ofKey.set(type, encoded));
  return encoded;
};
