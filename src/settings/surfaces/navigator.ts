// VMware Cloud Partner Navigator.

import { field, group } from '../field.ts';
import { describeSurface, enabled, pathPrefix } from '../surface-descriptor.ts';

export const navigator = describeSurface({
  name: 'navigator',
  fields: group({
    enabled,
    prefix: field(
      pathPrefix('/cphub/api/auth/v1'),
      'Path before /authn/accesstoken and the others.',
    ).prefault('/cphub/api/auth/v1'),
  })
    .meta({ description: 'VMware Cloud Partner Navigator.' })
    .prefault({}),
  paths: (prefix) => ({
    exchange: `${prefix}/authn/accesstoken/?`,
    clientCredentials: `${prefix}/authn/accounts/{org}/accesstoken/?`,
    orgs: `${prefix}/loggedinuser/orgs`,
  }),
  labels: { clientCredentials: 'client-credentials' },
  signs: 'RS256',
});
