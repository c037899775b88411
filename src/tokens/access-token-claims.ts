// Our access token's claims (RFC 9068) from an identity, and the principal back from them, so that a request with an
// access token needs no store look-up. Parses what it is given; never casts. No I/O, no clock.

import type { Generation, Identity, Principal } from '../decision/identity.ts';
import { parseScopes } from '../decision/scope.ts';
import type { ClaimReader } from './claim-reader.ts';

/** As on the wire. Times are seconds since the epoch. A claim that is undefined is left out. */
export interface AccessTokenClaims {
  readonly iss: string;
  /** User id; in a dialect's form how that names the user, and the id is in `uid`. */
  readonly sub: string;
  readonly uid: string | undefined;
  readonly aud: string;
  readonly exp: number;
  readonly iat: number;
  readonly jti: string;
  readonly client_id: string | undefined;
  /** Org id. */
  readonly org: string;
  /** Effective scopes, separated by single spaces; may be empty. */
  readonly scope: string;
  /** Id of the API token behind the session. */
  readonly tid: string | undefined;
  /** Which of that token's secrets it was. */
  readonly sn: number | undefined;
  /** Session id. */
  readonly sid: string;
  /** `<org>.<user>` generations it was made in. */
  readonly gen: string;
  /** How the session began (RFC 8176): `api_token`, `pwd`, ... */
  readonly amr: readonly string[];
  /** User name. */
  readonly name: string;
  readonly org_name: string;
  readonly roles: readonly string[];
}

/** What an access token is made of. Times are milliseconds since the epoch. */
export interface AccessTokenGrant {
  readonly issuer: string;
  readonly audience: string;
  readonly identity: Pick<Identity, 'org' | 'user' | 'scopes' | 'tokenId' | 'secretNumber'> & {
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

/** Claims of a new access token. Its times are whole seconds, rounded so that it never lives longer than granted. */
export const accessTokenClaims = (grant: AccessTokenGrant): AccessTokenClaims => {
  const { org, user, scopes, tokenId, secretNumber, generation } = grant.identity;
  return {
    iss: grant.issuer,
    sub: user.id,
    uid: undefined,
    aud: grant.audience,
    exp: Math.floor(grant.expiresAtMs / 1000),
    iat: Math.floor(grant.issuedAtMs / 1000),
    jti: grant.jti,
    client_id: grant.clientId,
    org: org.id,
    scope: [...scopes].join(' '),
    tid: tokenId,
    sn: secretNumber,
    sid: grant.sessionId,
    gen: `${generation.org}.${generation.user}`,
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

const readGeneration = (claims: ClaimReader): Generation => {
  const [, org, user] = /^(\d{1,15})\.(\d{1,15})$/.exec(claims.text('gen')) ?? [];
  if (org === undefined || user === undefined) claims.fail('gen');
  return { org: Number(org), user: Number(user) };
};
