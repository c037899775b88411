// The identity in an external issuer's access token, by the claim names its settings give. Its scopes are taken at
// their word (no roles of ours stand behind them), so a prefix can keep them apart. No I/O, no clock.

import { hash } from 'node:crypto';
import type { Identity } from '../decision/identity.ts';
import { parseScopes } from '../decision/scope.ts';
import type { ClaimReader } from './claim-reader.ts';

/** How one issuer's claims become an identity. */
export interface ClaimMapping {
  readonly issuer: string;
  readonly claims: {
    readonly org: string;
    readonly user: string;
    readonly userName: string;
    readonly scope: string;
  };
  /** The org of every token of this issuer; undefined: read the claim. */
  readonly fixedOrg: string | undefined;
  /** Put before every scope; empty: none. */
  readonly scopePrefix: string;
}

/**
 * Reads the mapped claims. Meaningless when the reader has `failed` after it. Scopes may be one text (RFC 9068) or a
 * list of texts, as several issuers send them. `expiresAtMs` is exact; the caller adds its leeway.
 */
export const externalIdentity = (
  claims: ClaimReader,
  mapping: ClaimMapping,
  signingInput: string,
): Identity => {
  const orgId = mapping.fixedOrg ?? claims.text(mapping.claims.org);
  // A user's full name is `org/user`: a slash in the org could pass for another user's.
  if (orgId.includes('/')) claims.fail(mapping.claims.org);
  const userId = claims.text(mapping.claims.user);
  return {
    credentialKind: 'access_token',
    sessionKind: 'interactive',
    issuer: mapping.issuer,
    org: { id: orgId, name: orgId },
    user: { id: userId, name: claims.optionalText(mapping.claims.userName) ?? userId, roles: [] },
    scopes: readScopes(claims, mapping),
    tokenId: undefined,
    secretNumber: undefined,
    sessionId: `${mapping.issuer} ${claims.optionalText('jti') ?? digestOfSigned(signingInput)}`,
    generation: undefined,
    issuedAtMs: claims.timeMs('iat'),
    expiresAtMs: claims.timeMs('exp'),
  };
};

/** A token without `jti` is named by what its issuer signed, never by the signature: that has more than one spelling. */
const digestOfSigned = (signingInput: string): string => `sha256:${hash('sha256', signingInput, 'hex')}`;

const readScopes = (claims: ClaimReader, mapping: ClaimMapping): ReadonlySet<string> => {
  const name = mapping.claims.scope;
  if (!claims.has(name)) return new Set();
  const value = claims.raw(name);
  const text = typeof value === 'string' ? value : claims.texts(name).join(' ');
  const scopes = parseScopes(text);
  if (scopes === undefined) claims.fail(name);
  return new Set(scopes?.map((scope) => mapping.scopePrefix + scope));
};
