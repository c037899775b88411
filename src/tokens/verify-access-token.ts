// JWT -> principal, ours or an external issuer's. The JWT comes parsed. This file judges its header, then jose verifies it with
// everything pinned. An issuer whose keys cannot be had is an outage, never a bad token. A token that no key could make
// good is refused before keys are looked for; so the type is compared here, not by jose, which takes one type only.

import { isDeepStrictEqual } from 'node:util';
import type { Principal } from '../decision/identity.ts';
import { type Denial, denial, earlyDenial, isOutage, type Outage, outage } from '../decision/outcome.ts';
import { principalOfClaims } from './access-token-claims.ts';
import type { ClaimReader } from './claim-reader.ts';
import type { CompactJwt } from './compact-jwt.ts';
import {
  type AudienceRule,
  type ClaimMapping,
  externalPrincipal,
  isForUs,
  otherUse,
} from './external-principal.ts';
import { IssuerKeys, type IssuerKeysSettings, type KeysFault } from './issuer-keys.ts';
import type { KeyRing } from './key-ring.ts';
import { verifyJwt } from './verify-jwt.ts';

/** An issuer of access tokens that is not us; `settings.issuers` has this shape. */
export interface ExternalIssuer extends ClaimMapping, AudienceRule, IssuerKeysSettings {
  /** Required `typ`; undefined: any of `JWT`, `at+jwt` or none. Compared without case and `application/`. */
  readonly type: string | undefined;
  readonly tokenAgeMsMax: number;
}

export interface AccessTokenVerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly keyRing: KeyRing;
  readonly externalIssuers: readonly ExternalIssuer[];
  /** How far another clock may be ahead or behind. */
  readonly clockLeewayMs: number;
  /** Oldest token of our own that is still believed: its revocation is remembered no longer than this. */
  readonly tokenAgeMsMax: number;
  /** Hears when an external issuer's keys cannot be had, once, and when they can again (undefined). */
  readonly onIssuerFault?: (issuer: string, fault: KeysFault | undefined) => void;
}

export interface JwtVerifier {
  /** Whether it judges tokens with this `iss`. */
  trusts(issuer: string): boolean;
  /** Denials: `token_invalid`, `token_expired`. Outages: `issuer_unavailable`, `keys_unavailable`. Never rejects. */
  verify(jwt: CompactJwt, nowMs: number): Promise<Principal | Denial | Outage>;
}

export interface AccessTokenVerifiers {
  readonly own: JwtVerifier;
  readonly external: JwtVerifier;
  /** Fetches every external issuer's keys ahead of the first token. */
  warm(nowMs: number): Promise<void>;
  readonly trusted: ReadonlyMap<string, Trusted>;
}

export interface Trusted {
  readonly issuer: ExternalIssuer;
  readonly keys: IssuerKeys;
}

/**
 * `expiresAtMs` of a principal is exact for our tokens and includes the leeway for an external issuer's.
 * @param known issuers of verifiers that these follow: where the settings are the same, the keys are known already.
 */
export const createAccessTokenVerifiers = (
  options: AccessTokenVerifierOptions,
  known?: ReadonlyMap<string, Trusted>,
): AccessTokenVerifiers => {
  const trusted = new Map<string, Trusted>();
  // No closure here may hold on to `known`: each generation would keep all before it.
  for (const issuer of options.externalIssuers) {
    const same = known?.get(issuer.issuer);
    const isSame = same !== undefined && isDeepStrictEqual(same.issuer, issuer);
    trusted.set(issuer.issuer, isSame ? same : trust(issuer, options));
  }
  return {
    trusted,
    own: {
      trusts: (issuer) => issuer === options.issuer,
      verify: (jwt, nowMs) => verifyOwn(jwt, options, nowMs),
    },
    external: {
      trusts: (issuer) => trusted.has(issuer),
      verify: async (jwt, nowMs) => {
        const issuer = trusted.get(jwt.claims.text('iss'));
        if (issuer === undefined) return denial('token_invalid', 'claim iss: not an issuer in the settings');
        return verifyExternal(jwt, issuer, options.clockLeewayMs, nowMs);
      },
    },
    warm: async (nowMs) => {
      await Promise.all([...trusted.values()].map(({ keys }) => keys.warm(nowMs)));
    },
  };
};

const trust = (issuer: ExternalIssuer, { onIssuerFault }: AccessTokenVerifierOptions): Trusted => ({
  issuer,
  keys: new IssuerKeys(issuer, (fault) => onIssuerFault?.(issuer.issuer, fault)),
});

const verifyOwn = async (
  jwt: CompactJwt,
  options: AccessTokenVerifierOptions,
  nowMs: number,
): Promise<Principal | Denial | Outage> => {
  if (jwt.type !== 'at+jwt') return denial('token_invalid', 'header typ: at+jwt is required');
  if (jwt.kid === undefined) return denial('token_invalid', 'header kid is required');
  const key = options.keyRing.verificationKey(jwt.kid, nowMs);
  if (key === undefined) {
    // Before the first key has been read, no token can be judged.
    if (options.keyRing.published(nowMs).length === 0) return outage('keys_unavailable');
    return denial('token_invalid', 'header kid: not a key of ours');
  }
  const { issuer, audience, clockLeewayMs, tokenAgeMsMax: ageMsMax } = options;
  const expected = { algorithm: key.algorithm, issuer, audience, clockLeewayMs, ageMsMax };
  const refusal = await verifyJwt(jwt.text, [key.publicKey], expected, nowMs);
  if (refusal !== undefined) return refusal;
  const principal = { ...principalOfClaims(jwt.claims, issuer), keyId: key.kid };
  return readable(jwt.claims, principal, nowMs);
};

const verifyExternal = async (
  jwt: CompactJwt,
  { issuer, keys }: Trusted,
  clockLeewayMs: number,
  nowMs: number,
): Promise<Principal | Denial | Outage> => {
  if (!issuer.algorithms.includes(jwt.algorithm))
    return denial('token_invalid', 'header alg: not one the settings allow for this issuer');
  if (!isTypeAccepted(jwt.type, issuer.type))
    return denial('token_invalid', 'header typ: not the one the settings ask of this issuer');
  const candidates = await keys.find(jwt.algorithm, jwt.kid, nowMs);
  if (isOutage(candidates)) return candidates;
  if (candidates.length === 0) return earlyDenial('header kid: not a key of the issuer');
  const expected = {
    algorithm: jwt.algorithm,
    issuer: issuer.issuer,
    audience: undefined,
    clockLeewayMs,
    ageMsMax: issuer.tokenAgeMsMax,
  };
  const refusal = await verifyJwt(jwt.text, candidates, expected, nowMs);
  if (refusal !== undefined) return refusal;
  if (!isForUs(jwt.claims, issuer))
    return denial('token_invalid', `claim ${issuer.audienceClaim}: none that the settings accept`);
  // An ID token names the same client: there only `aud` would set it apart.
  const other = issuer.audienceClaim === 'aud' ? undefined : otherUse(jwt.claims);
  if (other !== undefined) return denial('token_invalid', `claim ${other}: not an access token for bearers`);
  const principal = externalPrincipal(jwt.claims, issuer, jwt.signingInput);
  const expiresAtMs = principal.expiresAtMs + clockLeewayMs;
  return readable(jwt.claims, { ...principal, expiresAtMs }, nowMs);
};

/** The principal of a verified token, when every claim it was read from is of the right type and size. */
const readable = (claims: ClaimReader, principal: Principal, nowMs: number): Principal | Denial => {
  claims.optionalTimeMs('nbf');
  if (claims.failed !== undefined) return denial('token_invalid', `claim ${claims.failed}`);
  // To the millisecond, and for our own without leeway: jose counts whole seconds and grants it to every time.
  return nowMs >= principal.expiresAtMs ? denial('token_expired', 'claim exp') : principal;
};

/** RFC 9068 section 2.1: `application/` may be left out; media types are compared without case. */
const isTypeAccepted = (type: string | undefined, wanted: string | undefined): boolean => {
  const given = type === undefined ? undefined : bareType(type);
  if (wanted === undefined) return given === undefined || given === 'jwt' || given === 'at+jwt';
  return given === bareType(wanted);
};

const bareType = (type: string): string => type.toLowerCase().replace(/^application\//, '');
