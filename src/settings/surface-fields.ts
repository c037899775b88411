// The fields of every surface: its switch, where it lies, and what its dialect leaves open.

import { z } from 'zod';
import { field, group } from './field.ts';
import { durationOrNever } from './quantity.ts';
import { count, flag, oneOf, type Reader, right, secretText, text } from './reader.ts';

const pathPrefix = (example: string): Reader<string> =>
  text('a path prefix', example, /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/);

/** The `org` or `user` a client stands for: the grammar of their ids. */
const accountId = (what: string): Reader<string> =>
  text(what, 'an id such as acme', /^[A-Za-z0-9][A-Za-z0-9._@~-]{0,127}$/);

export const oauthFields = group({
  enabled: field(
    flag,
    'Serves the token, introspection and revocation endpoints and the well-known documents.',
  ).prefault(true),
  prefix: field(pathPrefix('/oauth2'), 'Path before /token, /introspect and /revoke.').prefault('/oauth2'),
  clients: z
    .array(
      group({
        id: field(text('a client id', 'an id without blanks', /^[\x21-\x39\x3b-\x7e]{1,200}$/), 'Client id.'),
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
});

const enabled = field(flag, 'Whether it is served.').prefault(false);

const cspFields = group({
  enabled,
  prefix: field(
    pathPrefix('/csp/gateway/am/api'),
    'Path before /auth/api-tokens/authorize and the others.',
  ).prefault('/csp/gateway/am/api'),
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
});

const navigatorFields = group({
  enabled,
  prefix: field(pathPrefix('/cphub/api/auth/v1'), 'Path before /authn/accesstoken and the others.').prefault(
    '/cphub/api/auth/v1',
  ),
});

/** A path prefix, or nothing where a vendor's paths begin at the root. */
const prefixOrNone = (example: string): Reader<string> => {
  const written = pathPrefix(`${example}, or "" for none`);
  return {
    ...written,
    read: (value) => (value === '' ? right('') : written.read(value)),
    json: { type: 'string' },
  };
};

const vcdFields = group({
  enabled,
  prefix: field(
    prefixOrNone('/vcd'),
    'Path before /oauth/tenant/{org}/token, /cloudapi/1.0.0/sessions, /api/session and the others. Empty: none.',
  ).prefault(''),
  providerOrg: field(
    accountId('an org id'),
    'Org of the provider: its paths are /oauth/provider/..., and its name may be written in any case.',
  ).prefault('System'),
  tokenLifetimeMs: field(
    durationOrNever('1m', '3650d'),
    'How long an API token made here is valid, or `never`; never longer than its org allows.',
  ).prefault('never'),
});

const astraFields = group({
  enabled,
  prefix: field(
    prefixOrNone('/astra'),
    'Path before /accounts/{account}/core/v1/users/{user}/tokens. Empty: none.',
  ).prefault(''),
  tokenLifetimeMs: field(
    durationOrNever('1m', '3650d'),
    'How long an API token made here is valid, or `never`; never longer than its org allows.',
  ).prefault('never'),
  foreignAccount: field(
    oneOf('forbidden', 'not-found'),
    "What the endpoints answer where the path names another account than the caller's: 403 or 404.",
  ).prefault('forbidden'),
});

const managementFields = group({
  enabled,
  prefix: field(
    pathPrefix('/tollgate/v1'),
    'Path before /sessions and the others; everything below it is taken.',
  ).prefault('/tollgate/v1'),
});

export const surfaceFields = group({
  csp: cspFields.meta({ description: 'VMware Cloud Services.' }).prefault({}),
  navigator: navigatorFields.meta({ description: 'VMware Cloud Partner Navigator.' }).prefault({}),
  vcd: vcdFields.meta({ description: 'VMware Cloud Director, also as SberCloud Enterprise.' }).prefault({}),
  astra: astraFields.meta({ description: 'NetApp Astra Control.' }).prefault({}),
  management: managementFields
    .meta({ description: 'Our own REST API for sign-in, API tokens, users and the audit.' })
    .prefault({}),
});
