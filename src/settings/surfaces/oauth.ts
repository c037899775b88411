// The oauth surface: a configurable prefix for the endpoints, and the well-known paths of the RFCs.

import { z } from 'zod';
import { field, group } from '../field.ts';
import { flag, secretText, text } from '../reader.ts';
import { accountId, describeSurface, pathPrefix } from '../surface-descriptor.ts';

export const oauth = describeSurface({
  name: 'oauth',
  fields: group({
    enabled: field(
      flag,
      'Serves the token, introspection and revocation endpoints and the well-known documents.',
    ).prefault(true),
    prefix: field(pathPrefix('/oauth2'), 'Path before /token, /introspect and /revoke.').prefault('/oauth2'),
    clients: z
      .array(
        group({
          id: field(
            text('a client id', 'an id without blanks', /^[\x21-\x39\x3b-\x7e]{1,200}$/),
            'Client id.',
          ),
          secret: field(
            secretText('a secret, e.g. the output of: openssl rand -base64 32', 16),
            'Client secret, at least 16 characters.',
          ),
          org: field(
            accountId('an org id'),
            'With `user`: whom the client is, where a surface takes client credentials.',
          ).optional(),
          user: field(accountId('a user id'), 'User of that org the client acts as.').optional(),
        }),
      )
      .meta({ description: 'Services that may introspect tokens.' })
      .prefault([]),
  }),
  paths: (prefix) => ({
    authorize: `${prefix}/authorize`,
    token: `${prefix}/token`,
    introspect: `${prefix}/introspect`,
    revoke: `${prefix}/revoke`,
    serverMetadata: '/.well-known/oauth-authorization-server',
    openidMetadata: '/.well-known/openid-configuration',
    jwks: '/.well-known/jwks.json',
  }),
  labels: { serverMetadata: 'metadata', openidMetadata: 'metadata' },
  // Where the API finds the keys that `X-Identity` is verified with.
  alwaysServed: ['jwks'],
  ownsPrefix: true,
});
