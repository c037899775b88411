// API tokens made here: known by their form and checksum, looked up in the store by digest.

import { isOwnShape } from '../../tokens/api-token.ts';
import { lookUpApiToken } from '../api-token-lookup.ts';
import type { AuthenticatorKind } from '../authenticator.ts';

export const apiToken: AuthenticatorKind = {
  name: 'api_token',
  credentialKind: 'api_token',
  create: (deps) => ({
    id: apiToken,
    claims: ({ value }) => isOwnShape(value),
    authenticate: ({ digest }, nowMs) => lookUpApiToken(deps, digest, nowMs),
  }),
};
