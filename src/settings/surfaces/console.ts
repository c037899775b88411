// The browser console: pages, a session in a cookie, and the operations of management for that cookie. All below its prefix
// is its own.

import { field } from '../field.ts';
import { webOrigin } from '../network-readers.ts';
import { duration } from '../quantity.ts';
import { describeSurface, prefix, surfaceGroup } from '../surface-descriptor.ts';
import { management } from './management.ts';

/** Of its own: the pages and the session. */
export const consolePaths = (prefix: string) => ({
  page: `${prefix}/*`,
  asset: `${prefix}/assets/*`,
  session: `${prefix}/session`,
  options: `${prefix}/session/options`,
  org: `${prefix}/session/org`,
});

/** Where the operations of management are served to the session's cookie. */
export const consoleApiPrefix = (prefix: string): string => `${prefix}/api`;

/** One name for all of them in metrics and log. */
const apiKeys = Object.keys(management.paths('')).map((key) => [`api-${key}`, 'api'] as const);

export const browserConsole = describeSurface({
  name: 'console',
  fields: surfaceGroup('The console in the browser, for people: API tokens, users, the audit.', {
    prefix: prefix('/tollgate/console', 'Path of its first page; everything below it is taken.'),
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
