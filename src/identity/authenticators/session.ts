// Access tokens made here: signature and claims say everything, so no store is asked.

import { type AuthenticatorKind, claimsAndVerifies } from '../authenticator.ts';

export const session: AuthenticatorKind = {
  name: 'session',
  credentialKind: 'access_token',
  create: ({ accessTokens }) => {
    const { claims, verify } = claimsAndVerifies(accessTokens.own);
    return { id: session, claims, verify, authenticate: verify };
  },
};
