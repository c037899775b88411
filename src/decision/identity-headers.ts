// The identity as header fields the API can trust: how it is written, and which names nobody else may send.
// Two different identities never render the same, and no value can break out of its line. No I/O.

import type { Identity } from './identity.ts';

/** What a header carries: a field of the identity, or the signed JWT of all of them. */
export const identityFields = [
  'jwt',
  'user.id',
  'user.name',
  'user.roles',
  'org.id',
  'org.name',
  'scopes',
  'token.id',
  'session.id',
  'credential.kind',
] as const;

export type IdentityField = (typeof identityFields)[number];

/**
 * Longest rendered value in bytes. What is longer is left out, never cut: a cut value could be another's. Ids cannot
 * be that long (`authorize` refuses them), so only names, roles and scopes can go missing, and less is never more.
 */
export const fieldValueBytesMax = 8_192;

const safeScalar = /^(?! )[A-Za-z0-9._~@+/:, -]*(?<! )$/;
const safeMember = /^[A-Za-z0-9._~@+/:-]*$/;

/**
 * Percent-encodes (UTF-8, upper-case hex) every byte outside `[A-Za-z0-9._~@+/:, -]`, and a blank at either end.
 * `%` itself is outside, so decoding gives back the value and different values stay different.
 * A lone surrogate becomes U+FFFD's escape followed by its own code, for the same reason.
 */
export const encodeFieldValue = (value: string): string => {
  if (safeScalar.test(value)) return value;
  const encoded = encode(value, /[^A-Za-z0-9._~@+/:, -]/gu);
  return encoded.replace(/^ /, '%20').replace(/ $/, '%20');
};

/** As `encodeFieldValue`, for a member of a list: blanks and commas, which separate, are encoded too. */
const encodeMember = (value: string): string =>
  safeMember.test(value) ? value : encode(value, /[^A-Za-z0-9._~@+/:-]/gu);

const encode = (value: string, unsafe: RegExp): string => value.replace(unsafe, encodeCharacter);

const encodeCharacter = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0xd800 && code <= 0xdfff)
    return `%EF%BF%BD%${code.toString(16).toUpperCase().padStart(4, '0')}`;
  if (code >= 0x80) return encodeURIComponent(character);
  return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
};

/**
 * Raw header pairs `[name, value, ...]`, in the order of the mapping. A field the identity lacks, an empty one and one
 * longer than `fieldValueBytesMax` send no header.
 * Lists: roles are joined by `,`, scopes by a blank; separators inside a member are encoded.
 * @param mapping header name and what it carries.
 * @param jwt the compact JWT for `jwt` fields.
 */
export const renderIdentityHeaders = (
  mapping: readonly (readonly [name: string, field: IdentityField])[],
  identity: Identity,
  jwt: string,
): readonly string[] => {
  const pairs: string[] = [];
  for (const [name, field] of mapping) {
    const value = field === 'jwt' ? jwt : values[field](identity);
    if (value === '' || value.length > fieldValueBytesMax) continue;
    pairs.push(name, value);
  }
  return pairs;
};

const values: Readonly<Record<Exclude<IdentityField, 'jwt'>, (identity: Identity) => string>> = {
  'user.id': ({ user }) => encodeFieldValue(user.id),
  'user.name': ({ user }) => encodeFieldValue(user.name),
  'user.roles': ({ user }) => user.roles.map(encodeMember).join(','),
  'org.id': ({ org }) => encodeFieldValue(org.id),
  'org.name': ({ org }) => encodeFieldValue(org.name),
  scopes: ({ scopes }) => Array.from(scopes, encodeMember).join(' '),
  'token.id': ({ tokenId = '' }) => encodeFieldValue(tokenId),
  'session.id': ({ sessionId = '' }) => encodeFieldValue(sessionId),
  'credential.kind': ({ authenticator }) => authenticator.credentialKind,
};

/** A header name as the most forgiving server would read it: without case, every separator alike (`X_Identity`). */
export const foldName = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-');

/**
 * Whether a name, however it is spelled, belongs to the identity family: anything beginning with `X-Identity`, and the
 * configured names. Every such header of a caller is deleted before ours are added.
 */
export const identityFamily = (names: readonly string[]): ((headerName: string) => boolean) => {
  const family = new Set(names.map(foldName));
  return (headerName) => {
    const folded = foldName(headerName);
    return folded.startsWith('x-identity') || family.has(folded);
  };
};
