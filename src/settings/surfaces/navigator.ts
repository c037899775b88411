// VMware Cloud Partner Navigator.

import { describeSurface, prefix, surfaceGroup } from '../surface-descriptor.ts';

export const navigator = describeSurface({
  name: 'navigator',
  fields: surfaceGroup('VMware Cloud Partner Navigator.', {
    prefix: prefix('/cphub/api/auth/v1', 'Path before /authn/accesstoken and the others.'),
  }),
  paths: (prefix) => ({
    exchange: `${prefix}/authn/accesstoken/?`,
    clientCredentials: `${prefix}/authn/accounts/{org}/accesstoken/?`,
    orgs: `${prefix}/loggedinuser/orgs`,
  }),
  labels: { clientCredentials: 'client-credentials' },
  signs: 'RS256',
});
