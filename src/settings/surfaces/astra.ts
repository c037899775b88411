// NetApp Astra Control, whose paths begin with the account; the same tokens are also reached through a group.

import { field } from '../field.ts';
import { oneOf } from '../reader.ts';
import { describeSurface, prefixOrNone, surfaceGroup, tokenLifetimeMs } from '../surface-descriptor.ts';

export const astra = describeSurface({
  name: 'astra',
  fields: surfaceGroup('NetApp Astra Control.', {
    prefix: prefixOrNone(
      '/astra',
      'Path before /accounts/{account}/core/v1/users/{user}/tokens. Empty: none.',
    ),
    tokenLifetimeMs,
    foreignAccount: field(
      oneOf('forbidden', 'not-found'),
      "What the endpoints answer where the path names another account than the caller's: 403 or 404.",
    ).prefault('forbidden'),
  }),
  paths: (prefix) => ({
    tokens: `${prefix}/accounts/{account}/core/v1/users/{user}/tokens/?`,
    token: `${prefix}/accounts/{account}/core/v1/users/{user}/tokens/{token}`,
    groupTokens: `${prefix}/accounts/{account}/core/v1/groups/{group}/users/{user}/tokens/?`,
    groupToken: `${prefix}/accounts/{account}/core/v1/groups/{group}/users/{user}/tokens/{token}`,
    bareGroupTokens: `${prefix}/core/v1/groups/{group}/users/{user}/tokens/?`,
    bareGroupToken: `${prefix}/core/v1/groups/{group}/users/{user}/tokens/{token}`,
  }),
  labels: { groupTokens: 'tokens', groupToken: 'token', bareGroupTokens: 'tokens', bareGroupToken: 'token' },
});
