// Access tokens verified as the identifier does it: the first verifier that knows the issuer judges the token.

import { claimsAndVerifies, PresentedCredential } from '../../src/identity/authenticator.ts';
import type { Principal } from '../../src/decision/identity.ts';
import type { Refusal } from '../../src/decision/outcome.ts';
import {
  type AccessTokenVerifierOptions,
  createAccessTokenVerifiers,
} from '../../src/tokens/verify-access-token.ts';

export interface AccessTokenVerifier {
  (token: string, nowMs: number): Promise<Principal | Refusal>;
  warm(nowMs: number): Promise<void>;
}

export const createAccessTokenVerifier = (
  options: AccessTokenVerifierOptions & { readonly tokenBytesMax?: number },
): AccessTokenVerifier => {
  const verifiers = createAccessTokenVerifiers(options);
  const parts = [verifiers.own, verifiers.external].map(claimsAndVerifies);
  const verify = async (value: string, nowMs: number): Promise<Principal | Refusal> => {
    const presented = new PresentedCredential({ form: 'jwt', value }, options.tokenBytesMax ?? 8192);
    const part = parts.find(({ claims }) => claims(presented));
    return part === undefined ? presented.refusal() : part.verify(presented, nowMs);
  };
  return Object.assign(verify, { warm: (nowMs: number) => verifiers.warm(nowMs) });
};
