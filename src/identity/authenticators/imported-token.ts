// API tokens imported from another system: of any form, so only the store can tell, and it is asked only if it has imports at
// all. A secret so short that it could be guessed is not looked up, though somebody may have imported its digest.

import { denial, isOutage } from '../../decision/outcome.ts';
import { isOwnShape, secretLengthMin } from '../../tokens/api-token.ts';
import { lookUpApiToken } from '../api-token-lookup.ts';
import type { AuthenticatorKind } from '../authenticator.ts';

export const importedToken: AuthenticatorKind = {
  name: 'imported_token',
  credentialKind: 'api_token',
  create: (deps) => ({
    id: importedToken,
    claims: ({ value, isJwt }) =>
      !isJwt && value.length >= secretLengthMin && !isOwnShape(value) && !deps.imports.areKnownAbsent(),
    authenticate: async ({ digest }, nowMs) => {
      const hasImports = await deps.imports.exist();
      if (isOutage(hasImports)) return hasImports;
      return hasImports ? lookUpApiToken(deps, digest, nowMs) : denial('token_unknown');
    },
  }),
};
