// Access tokens of another issuer, verified with its published keys. The org they name must be one of ours, and neither org
// nor user disabled.

import { isRefusal } from '../../decision/outcome.ts';
import { type AuthenticatorKind, claimsAndVerifies } from '../authenticator.ts';
import { admitExternal } from '../external-account.ts';

export const issuer: AuthenticatorKind = {
  name: 'issuer',
  credentialKind: 'access_token',
  create: (deps) => {
    const { claims, verify } = claimsAndVerifies(deps.accessTokens.external);
    return {
      id: issuer,
      claims,
      verify,
      authenticate: async (presented, nowMs) => {
        const verified = await verify(presented, nowMs);
        return isRefusal(verified) ? verified : admitExternal(deps, verified);
      },
    };
  },
};
