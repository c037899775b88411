// The browser console: pages, a session in a cookie, and the operations of management for that cookie. All below its prefix
// is its own.

import { z } from 'zod';
import { field, group } from '../field.ts';
import { address, exactHttpUrl, webOrigin } from '../network-readers.ts';
import { duration } from '../quantity.ts';
import { listOf, secretText, text } from '../reader.ts';
import { describeSurface, prefix, surfaceGroup } from '../surface-descriptor.ts';
import { management } from './management.ts';

/** Of its own: the pages and the session. */
export const consolePaths = (prefix: string) => ({
  page: `${prefix}/*`,
  asset: `${prefix}/assets/*`,
  session: `${prefix}/session`,
  options: `${prefix}/session/options`,
  org: `${prefix}/session/org`,
  openid: `${prefix}/session/openid/{provider}`,
  callback: `${prefix}/session/openid/{provider}/callback`,
});

const providerFields = group({
  name: field(
    text('a name', 'lower-case letters, digits and -', /^[a-z0-9][a-z0-9-]{0,63}$/),
    'Its name in URLs.',
  ),
  title: field(
    text('a title', 'a few words', /^.{1,80}$/),
    'What people read. Default: the name.',
  ).optional(),
  issuer: field(
    exactHttpUrl('the `issuer` of one of `issuers`'),
    'One of `issuers`: its `claims`, `fixedOrg` and `orgs` say who has signed in.',
  ),
  clientId: field(
    text('a client id', 'the id of Tollgate at the provider'),
    'The id of Tollgate at the provider.',
  ),
  clientSecret: field(
    secretText('the client secret that the provider gave'),
    'Sent as Basic. Without it: a public client.',
  ).optional(),
  scopes: field(
    listOf(text('a scope', 'e.g. profile', /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/), 1),
    'Asked for.',
  ).prefault(['openid', 'profile']),
});

/** Where the operations of management are served to the session's cookie. */
export const consoleApiPrefix = (prefix: string): string => `${prefix}/api`;

/** One name for all of them in metrics and log. */
const apiKeys = Object.keys(management.paths('')).map((key) => [`api-${key}`, 'api'] as const);

export const browserConsole = describeSurface({
  name: 'console',
  fields: surfaceGroup('The console in the browser, for people: API tokens, users, the audit.', {
    prefix: prefix('/tollgate/console', 'Path of its first page; everything below it is taken.'),
    listen: field(
      address,
      'A listener of its own: HOST:PORT, or unix:/path. Without it, it is on the one of callers.',
    ).optional(),
    origin: field(
      webOrigin,
      'How browsers see it, e.g. https://api.example.com. Write it where a proxy changes the Host header; without it the Host of a request counts.',
    ).optional(),
    idleTimeoutMs: field(duration('1m', '1d'), 'A session without a request ends after this.').prefault(
      '30m',
    ),
    sessionLifetimeMs: field(
      duration('5m', '30d'),
      'A session ends after this, whatever happens in it.',
    ).prefault('12h'),
    providers: z
      .array(providerFields)
      .meta({ description: 'OpenID providers where people may sign in, beside the password.' })
      .prefault([]),
  }),
  paths: (prefix): Readonly<Record<string, string>> => ({
    ...consolePaths(prefix),
    ...Object.fromEntries(
      Object.entries(management.paths(consoleApiPrefix(prefix))).map(([key, path]) => [`api-${key}`, path]),
    ),
  }),
  labels: Object.fromEntries(apiKeys),
  makesOpenidTokens: true,
  cookies: '__Host-tollgate-console',
});
