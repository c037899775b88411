// VMware Cloud Services. The rest of its API below the prefix is not ours.

import { field } from '../field.ts';
import { count, oneOf, text } from '../reader.ts';
import { describeSurface, prefix, surfaceGroup } from '../surface-descriptor.ts';

export const csp = describeSurface({
  name: 'csp',
  fields: surfaceGroup('VMware Cloud Services.', {
    prefix: prefix('/csp/gateway/am/api', 'Path before /auth/api-tokens/authorize and the others.'),
    domain: field(
      text('a domain', 'a domain such as example.com', /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/),
      'Domain of users whose id is no e-mail address. Default: the host of `issuer`.',
    ).optional(),
    timestamps: field(
      oneOf('milliseconds', 'seconds'),
      'Unit of the times in the details of a token; older clients read milliseconds.',
    ).prefault('milliseconds'),
    tokensPerUserMax: field(
      count(1, 10_000),
      'Most API tokens of one user; creating more is refused.',
    ).prefault(50),
  }),
  paths: (prefix) => ({
    exchange: `${prefix}/auth/api-tokens/authorize`,
    details: `${prefix}/auth/api-tokens/details`,
    authorize: `${prefix}/auth/authorize`,
    token: `${prefix}/auth/token`,
    publicKey: `${prefix}/auth/token-public-key`,
    metadata: `${prefix}/.well-known/openid-configuration`,
    metadataOlder: `${prefix}/auth/.well-known/openid-configuration`,
    introspect: `${prefix}/auth/introspect`,
    revoke: `${prefix}/auth/revoke`,
    logout: `${prefix}/auth/logout`,
    create: `${prefix}/loggedin/user/api-tokens`,
    deactivate: `${prefix}/orgs/{org}/api-tokens/deactivate`,
    deactivateOlder: `${prefix}/orgs/{org}/tokens/deactivate`,
  }),
  labels: {
    authorize: 'token',
    publicKey: 'public-key',
    metadataOlder: 'metadata',
    deactivateOlder: 'deactivate',
  },
  signs: 'RS256',
  makesOpenidTokens: true,
});
