// One JWT against the keys it may be signed with, by jose: signature, algorithm, issuer, audience and times, all pinned.
// jose's errors end here: their `code` becomes a denial, and their messages, which may quote a token, are dropped.
// Not for text from strangers: jose accepts more spellings than one, so compact-jwt.ts parses it first.

import type { KeyObject } from 'node:crypto';
import { type CryptoKey, errors, jwtVerify, type JWTVerifyOptions } from 'jose';
import { type Denial, denial, earlyDenial } from '../decision/outcome.ts';

interface JwtExpectations {
  readonly algorithm: string;
  readonly issuer: string;
  /** Must be in `aud`; undefined: the caller judges whom the token is for. */
  readonly audience: string | undefined;
  /** Granted to `exp`, `nbf` and `iat`. */
  readonly clockLeewayMs: number;
  readonly ageMsMax: number;
}

/**
 * Undefined when one of the keys has signed the token and its claims hold now, else `token_invalid` or
 * `token_expired`. jose counts time in whole seconds.
 */
export const verifyJwt = async (
  token: string,
  keys: readonly (CryptoKey | KeyObject)[],
  expected: JwtExpectations,
  nowMs: number,
): Promise<Denial | undefined> => {
  const options: JWTVerifyOptions = {
    algorithms: [expected.algorithm],
    issuer: expected.issuer,
    ...(expected.audience !== undefined && { audience: expected.audience }),
    requiredClaims: ['exp'],
    clockTolerance: expected.clockLeewayMs / 1000,
    maxTokenAge: expected.ageMsMax / 1000,
    currentDate: new Date(nowMs),
  };
  for (const key of keys) {
    const refusal = await verifyWithKey(token, key, options);
    if (refusal !== notSigned) return refusal;
  }
  return notSigned;
};

const notSigned = denial('token_invalid', 'signature');

const verifyWithKey = async (
  token: string,
  key: CryptoKey | KeyObject,
  options: JWTVerifyOptions,
): Promise<Denial | undefined> => {
  try {
    await jwtVerify(token, key, options);
    return undefined;
  } catch (error) {
    // Anything else is a bug: a key that does not fit its algorithm, an option that cannot be.
    if (error instanceof errors.JOSEError) return denialOf(error);
    throw error;
  }
};

const denialOf = (error: errors.JOSEError): Denial => {
  const { code } = error;
  const claim = 'claim' in error ? String(error.claim) : '';
  if (code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') return notSigned;
  if (code === 'ERR_JOSE_ALG_NOT_ALLOWED')
    return denial('token_invalid', 'header alg: not the one of the key');
  if (code === 'ERR_JWT_EXPIRED')
    return denial(
      'token_expired',
      claim === 'iat' ? 'claim iat: older than the settings allow' : 'claim exp',
    );
  if (code !== 'ERR_JWT_CLAIM_VALIDATION_FAILED') return denial('token_invalid', code);
  const isEarly =
    (claim === 'iat' || claim === 'nbf') && 'reason' in error && error.reason === 'check_failed';
  return isEarly ? earlyDenial(`claim ${claim}: in the future`) : denial('token_invalid', `claim ${claim}`);
};
