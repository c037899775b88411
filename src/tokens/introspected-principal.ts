// The principal in an introspection response (RFC 7662 section 2.2). The issuer has judged the token; judged here is whether
// it is for this API, whether it is an access token at all, and its times. No I/O, no clock.

import type { Principal } from '../decision/identity.ts';
import { type Denial, denial, earlyDenial } from '../decision/outcome.ts';
import { ClaimReader } from './claim-reader.ts';
import {
  type AudienceRule,
  type ClaimMapping,
  externalIdentity,
  isForUs,
  namesUse,
  otherUse,
} from './external-identity.ts';

export interface IntrospectedIssuer extends ClaimMapping, AudienceRule {
  readonly tokenAgeMsMax: number;
}

/**
 * Reads an active response. `tokenDigest` names the session of a token without `jti`. `iat` is required: without it, a
 * "revoke all" of its user could not be told to be later. A token without `exp` ends at the age the settings allow.
 */
export const introspectedPrincipal = (
  members: object,
  issuer: IntrospectedIssuer,
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
  const principal = externalIdentity(claims, issuer, tokenDigest);
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
