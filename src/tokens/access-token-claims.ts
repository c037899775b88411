// Our access token's claims (RFC 9068) from an identity, and the principal back from them, so that a request with an
// access token needs no store look-up. Parses what it is given; never casts. No I/O, no clock.

import { type AddressRule, parseAddressRule } from '../decision/address-rule.ts';
import type { Generation, Identity, Principal } from '../decision/identity.ts';
import { parseScopes } from '../decision/scope.ts';
import type { ClaimReader } from './claim-reader.ts';

/** What an access token is made of. Times are milliseconds since the epoch. */
export interface AccessTokenGrant {
  readonly issuer: string;
  readonly audience: string;
  readonly identity: Pick<Identity, 'org' | 'user' | 'scopes' | 'tokenId' | 'secretNumber' | 'allowFrom'> & {
    readonly generation: Generation;
  };
  readonly jti: string;
  readonly sessionId: string;
  readonly clientId: string | undefined;
  readonly methods: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** The methods (`amr`) that say that no person signed in: the session was begun by an API token, or by a service. */
const impersonalMethods = ['api_token', 'client_credentials'];

export type AccessTokenClaims = ReturnType<typeof accessTokenClaims>;

/**
 * Claims of a new access token, as on the wire; one that is undefined is left out. Its times are whole seconds since the epoch,
 * rounded so that it never lives longer than granted.
 */
export const accessTokenClaims = (grant: AccessTokenGrant) => {
  const { org, user, scopes, tokenId, secretNumber, allowFrom, generation } = grant.identity;
  return {
    iss: grant.issuer,
    /** In a dialect's form how that names the user, and the id is in `uid`. */
    sub: user.id,
    aud: grant.audience,
    exp: Math.floor(grant.expiresAtMs / 1000),
    iat: Math.floor(grant.issuedAtMs / 1000),
    jti: grant.jti,
    client_id: grant.clientId,
    org: org.id,
    scope: [...scopes].join(' '),
    tid: tokenId,
    sn: secretNumber,
    /** From where it may be used: what its API token says. */
    allow_from: allowFrom?.entries,
    sid: grant.sessionId,
    /** The generations of org and user that it was made in. */
    gen: `${generation.org}.${generation.user}`,
    /** How the session began (RFC 8176): `api_token`, `pwd`, ... */
    amr: grant.methods,
    name: user.name,
    org_name: org.name,
    roles: user.roles,
  };
};

/** The principal in our own claims. Meaningless when the reader has `failed` after it. Times stay exact. */
export const principalOfClaims = (claims: ClaimReader, issuer: string): Principal => {
  const methods = claims.texts('amr');
  claims.text('jti');
  const sub = claims.text('sub');
  const tokenId = claims.optionalText('tid');
  return {
    sessionKind: methods.some((method) => impersonalMethods.includes(method)) ? 'api_token' : 'interactive',
    issuer,
    org: { id: claims.text('org'), name: claims.text('org_name') },
    user: { id: claims.optionalText('uid') ?? sub, name: claims.text('name'), roles: claims.texts('roles') },
    scopes: readScopes(claims),
    tokenId,
    secretNumber: tokenId === undefined ? undefined : readSecretNumber(claims),
    ...(claims.has('allow_from') && { allowFrom: readAllowFrom(claims) }),
    sessionId: claims.text('sid'),
    generation: readGeneration(claims),
    issuedAtMs: claims.timeMs('iat'),
    expiresAtMs: claims.timeMs('exp'),
  };
};

/** Ours is always text (RFC 9068 section 2.2.3); a list is somebody else's token. */
const readScopes = (claims: ClaimReader): ReadonlySet<string> => {
  const text = claims.raw('scope');
  const scopes = typeof text === 'string' ? parseScopes(text) : undefined;
  if (scopes === undefined) claims.fail('scope');
  return new Set(scopes);
};

/** Missing in tokens made before secrets were counted: they are of the first. */
const readSecretNumber = (claims: ClaimReader): number => {
  const number = claims.has('sn') ? claims.raw('sn') : 0;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
  claims.fail('sn');
  return 0;
};

const readAllowFrom = (claims: ClaimReader): AddressRule | undefined => {
  const rule = parseAddressRule(claims.texts('allow_from'));
  if (rule === undefined) claims.fail('allow_from');
  return rule;
};

const readGeneration = (claims: ClaimReader): Generation => {
  const [, org, user] = /^(\d{1,15})\.(\d{1,15})$/.exec(claims.text('gen')) ?? [];
  if (org === undefined || user === undefined) claims.fail('gen');
  return { org: Number(org), user: Number(user) };
};
