// The principal in an external issuer's access token, or in what it answers about one (RFC 7662), by the claims that the
// settings name. Its scopes are believed, so a prefix can keep them apart from ours; rights at Tollgate itself are never among
// them. Its roles are only names here: the org's record says what they grant. No I/O, no clock.

import { hash } from 'node:crypto';
import type { Principal, SessionKind } from '../decision/identity.ts';
import { type Denial, denial, earlyDenial } from '../decision/outcome.ts';
import { ownScopePrefix, parseScopes } from '../decision/scope.ts';
import { ClaimReader } from './claim-reader.ts';

/** How one issuer's claims become an identity. */
export interface ClaimMapping {
  readonly issuer: string;
  readonly claims: {
    readonly org: string;
    readonly user: string;
    readonly userName: string;
    readonly scope: string;
    /** Names of roles of the org; undefined: none are read. */
    readonly roles?: string | undefined;
  };
  /** The org of every token of this issuer; undefined: read the claim. */
  readonly fixedOrg: string | undefined;
  /** The orgs its tokens may name; undefined: any org of the store. */
  readonly orgs: readonly string[] | undefined;
  /** What its sessions count as; undefined: as `amr` says. */
  readonly sessions: SessionKind | undefined;
  /** Put before every scope; empty: none. */
  readonly scopePrefix: string;
}

/** For whom a token must be. */
export interface AudienceRule {
  readonly audiences: readonly string[];
  /** The claim that has one of them: several issuers name only the client, in `client_id` or `azp`. */
  readonly audienceClaim: 'aud' | 'client_id' | 'azp';
}

/** Whether a token is for this API. Of the claims only `aud` may be a list (RFC 7519 section 4.1.3). */
export const isForUs = (claims: ClaimReader, { audiences, audienceClaim }: AudienceRule): boolean => {
  const value = claims.raw(audienceClaim);
  const given: readonly unknown[] = audienceClaim === 'aud' && Array.isArray(value) ? value : [value];
  return given.some((one) => typeof one === 'string' && audiences.includes(one));
};

/** Several issuers say what a token is for in one of these claims: refresh tokens and ID tokens are theirs too. */
const uses: Readonly<Record<string, ReadonlySet<unknown>>> = {
  token_type: new Set(['bearer', 'access_token']),
  token_use: new Set(['access', 'access_token']),
  typ: new Set(['bearer', 'jwt', 'at+jwt', 'access_token']),
};

/** Whether a token says what it is for. */
const namesUse = (claims: ClaimReader): boolean => Object.keys(uses).some((name) => claims.has(name));

/** The claim that says that a token is no access token for bearers; undefined: none does. */
export const otherUse = (claims: ClaimReader): string | undefined =>
  Object.entries(uses).find(([name, accepted]) => {
    if (!claims.has(name)) return false;
    const value = claims.raw(name);
    return typeof value !== 'string' || !accepted.has(value.toLowerCase());
  })?.[0];

/**
 * Reads the mapped claims. Meaningless when the reader has `failed` after it. Scopes may be one text (RFC 9068) or a
 * list of texts, as several issuers send them. `expiresAtMs` is exact; the caller adds its leeway.
 */
export const externalPrincipal = (
  claims: ClaimReader,
  mapping: ClaimMapping,
  signingInput: string,
): Principal => {
  const orgId = mapping.fixedOrg ?? claims.text(mapping.claims.org);
  // A user's full name is `org/user`: a slash in the org could pass for another user's.
  if (orgId.includes('/')) claims.fail(mapping.claims.org);
  if (mapping.orgs?.includes(orgId) === false) claims.fail(mapping.claims.org);
  // RFC 7800: the token is good only with proof of a key, which nobody asks the caller for here.
  if (claims.given('cnf') !== undefined) claims.fail('cnf');
  const userId = claims.text(mapping.claims.user);
  const { roles } = mapping.claims;
  return {
    sessionKind: mapping.sessions ?? sessionKindOf(claims.raw('amr')),
    issuer: mapping.issuer,
    org: { id: orgId, name: orgId },
    user: {
      id: userId,
      name: claims.textIfAny(mapping.claims.userName) ?? userId,
      roles: roles === undefined ? [] : [...new Set(claims.textsIfAny(roles))],
    },
    scopes: readScopes(claims, mapping),
    tokenId: undefined,
    secretNumber: undefined,
    sessionId: `${mapping.issuer} ${claims.textIfAny('jti') ?? digestOfSigned(signingInput)}`,
    generation: undefined,
    issuedAtMs: claims.timeMs('iat'),
    expiresAtMs: claims.timeMs('exp'),
  };
};

/** A token without `jti` is named by what its issuer signed, never by the signature: that has more than one spelling. */
const digestOfSigned = (signingInput: string): string => `sha256:${hash('sha256', signingInput, 'hex')}`;

/** RFC 8176, and `fido` as several issuers write it: ways in which a person, and no program, signs in. */
const personalMethods: ReadonlySet<unknown> = new Set(
  'pwd otp mfa mca hwk swk sc pin kba sms tel user fido face fpt iris retina vbm wia'.split(' '),
);

/** Interactive only where the issuer says that a person signed in: silence may be a program. */
const sessionKindOf = (methods: unknown): SessionKind =>
  Array.isArray(methods) && methods.some((method) => personalMethods.has(method))
    ? 'interactive'
    : 'api_token';

/** One text (RFC 9068), or a list. However many blanks stand between two scopes, they are one. */
const readScopes = (claims: ClaimReader, mapping: ClaimMapping): ReadonlySet<string> => {
  const name = mapping.claims.scope;
  const value = claims.given(name);
  const text = typeof value === 'string' ? value : claims.textsIfAny(name).join(' ');
  const scopes = parseScopes(text.trim().replaceAll(/[ \t\r\n]+/g, ' '));
  if (scopes === undefined) claims.fail(name);
  const named = scopes?.map((scope) => mapping.scopePrefix + scope);
  return new Set(named?.filter((scope) => !scope.startsWith(ownScopePrefix)));
};

/**
 * Reads an active introspection response. The issuer has judged the token; judged here is whether it is for this API, whether
 * it is an access token at all, and its times. `tokenDigest` names the session of a token without `jti`. `iat` is required: without it, a
 * "revoke all" of its user could not be told to be later. A token without `exp` ends at the age the settings allow.
 */
export const introspectedPrincipal = (
  members: object,
  issuer: ClaimMapping & AudienceRule & { readonly tokenAgeMsMax: number },
  tokenDigest: string,
  clockLeewayMs: number,
  nowMs: number,
): Principal | Denial => {
  const claims = new ClaimReader(withExpiry(members, issuer.tokenAgeMsMax));
  if (claims.has('iss') && claims.raw('iss') !== issuer.issuer)
    return denial('token_invalid', 'claim iss: not the issuer that was asked');
  // RFC 7662 section 4: a token for somebody else's API is not good here.
  if (!isForUs(claims, issuer))
    return denial('token_invalid', `claim ${issuer.audienceClaim}: none that the settings accept`);
  // The client that a refresh token names is the same: there `aud` cannot tell it apart.
  if (issuer.audienceClaim !== 'aud' && !namesUse(claims))
    return denial('token_invalid', 'claim token_type: is needed where aud is not read');
  const other = otherUse(claims);
  if (other !== undefined) return denial('token_invalid', `claim ${other}: not an access token for bearers`);
  const principal = externalPrincipal(claims, issuer, tokenDigest);
  const notBeforeMs = claims.optionalTimeMs('nbf') ?? -Infinity;
  if (claims.failed !== undefined) return denial('token_invalid', `claim ${claims.failed}`);
  const { issuedAtMs } = principal;
  if (issuedAtMs > nowMs + clockLeewayMs) return earlyDenial('claim iat: in the future');
  if (notBeforeMs > nowMs + clockLeewayMs) return earlyDenial('claim nbf: in the future');
  if (nowMs >= issuedAtMs + issuer.tokenAgeMsMax + clockLeewayMs)
    return denial('token_expired', 'claim iat: older than the settings allow');
  const expiresAtMs = principal.expiresAtMs + clockLeewayMs;
  return nowMs >= expiresAtMs ? denial('token_expired', 'claim exp') : { ...principal, expiresAtMs };
};

const withExpiry = (members: object, ageMsMax: number): object => {
  if (Object.hasOwn(members, 'exp') || !('iat' in members) || typeof members.iat !== 'number') return members;
  return { ...members, exp: members.iat + ageMsMax / 1000 };
};
