// A public key in JWK form (RFC 7517), read from anyone and written for everyone. Only asymmetric keys pass, and only
// their public members: a private key that somebody published is not used, and none of ours can be. No I/O.

import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import { isJsonObject, member } from '../decision/strict-json.ts';

/** Key type -> its public members, sorted as a thumbprint takes them (RFC 7638 section 3.2, RFC 8037 section 2). */
const publicMembers: ReadonlyMap<string, readonly string[]> = new Map([
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['RSA', ['e', 'kty', 'n']],
  ['OKP', ['crv', 'kty', 'x']],
]);

export type PublicMembers = Readonly<Record<string, string>>;

/** Public members as published, with `kid`, `use` and `alg`. */
export type PublishedJwk = PublicMembers & { readonly kid: string };

/** Reads a public key from an untrusted JWK; undefined when it is symmetric, private, incomplete or not on its curve. */
export const parsePublicJwk = (value: unknown): KeyObject | undefined => {
  const members = parsePublicMembers(value);
  if (members === undefined) return undefined;
  try {
    return createPublicKey({ key: members, format: 'jwk' });
  } catch {
    return undefined;
  }
};

/** A key as a JWKS publishes it; its `kid` is its SHA-256 thumbprint, base64url (RFC 7638). */
export const publishedJwk = (publicKey: KeyObject, algorithm: string): PublishedJwk => {
  const members = parsePublicMembers(publicKey.export({ format: 'jwk' }));
  if (members === undefined) throw new Error('only EC, RSA and OKP public keys can be published');
  return {
    ...members,
    kid: hash('sha256', JSON.stringify(members), 'base64url'),
    use: 'sig',
    alg: algorithm,
  };
};

/** The public members of an untrusted JWK, in thumbprint order; undefined when it is symmetric, private or incomplete. */
export const parsePublicMembers = (value: unknown): PublicMembers | undefined => {
  if (!isJsonObject(value) || Object.hasOwn(value, 'd')) return undefined;
  const { kty } = value;
  const names = typeof kty === 'string' ? publicMembers.get(kty) : undefined;
  if (names === undefined) return undefined;
  const members: Record<string, string> = {};
  for (const name of names) {
    const text = member(value, name);
    if (typeof text !== 'string') return undefined;
    members[name] = text;
  }
  return members;
};
