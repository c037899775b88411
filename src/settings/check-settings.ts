// Judges settings against each other: the list of checks, and those of a few lines.

import { resourceMetadataPath } from '../decision/protected-resource.ts';
import { type Check, check, isPlainHttp } from './check.ts';
import { addressCheck } from './check-addresses.ts';
import { consoleCheck } from './check-console.ts';
import { corsChecks } from './check-cors.ts';
import { headerCheck } from './check-headers.ts';
import { issuerCheck } from './check-issuers.ts';
import { keyChecks } from './check-keys.ts';
import { limitCheck } from './check-limits.ts';
import { listenerChecks } from './check-listeners.ts';
import { loopCheck } from './check-loops.ts';
import { proxyProtocolCheck } from './check-proxy-protocol.ts';
import { surfaceCheck } from './check-routes.ts';
import { reminderCheck } from './check-reminders.ts';
import { upstreamChecks } from './check-upstreams.ts';
import type { Report } from './settings-issue.ts';
import type { FileFields } from './schema.ts';

/** `isFaulty`: whether a group has a fault already. */
export const checkSettings = (
  fields: FileFields,
  isFaulty: (group: keyof FileFields) => boolean,
  problem: Report,
  warning: Report,
): void => {
  for (const { groups, judge } of checks) if (!groups.some(isFaulty)) judge(fields, problem, warning);
};

const storeCheck = check(['store'], ({ store }, problem) => {
  const { url } = store;
  if (url.kind === 'sqlite') {
    for (const key of ['username', 'password', 'ca'] as const)
      if (store[key] !== undefined)
        problem(
          ['store', key],
          'is for Redis, and the store is a SQLite file; remove it, or write store.url: redis://HOST:6379',
        );
    return;
  }
  for (const key of ['password', 'username'] as const)
    if (url[key] !== undefined && store[key] !== undefined)
      problem(['store', key], 'stands in the URL too; keep one of them');
  if (store.ca !== undefined && !url.tls)
    problem(['store', 'ca'], 'means nothing without TLS; write rediss:// in store.url');
});

/** Metadata are found by their path alone, so two resources cannot have the same. */
const resourceCheck = check(['upstream', 'upstreams'], ({ upstream, upstreams }, problem, warning) => {
  const seen = new Map<string, string>();
  for (const [path, { resource }] of [
    [['upstream'], upstream] as const,
    ...Object.entries(upstreams).map(([name, one]) => [['upstreams', name], one] as const),
  ]) {
    if (resource === undefined) continue;
    const place = resourceMetadataPath(resource);
    const other = seen.get(place) ?? resource;
    if (other !== resource)
      problem(
        [...path, 'resource'],
        `has the same path as ${other}, so its metadata cannot be told apart; write another path`,
      );
    seen.set(place, other);
    if (isPlainHttp(resource))
      warning([...path, 'resource'], 'is plain http, which clients refuse (RFC 9728); write an https URL');
  }
});

const checks: readonly Check[] = [
  ...listenerChecks,
  loopCheck,
  proxyProtocolCheck,
  addressCheck,
  ...corsChecks,
  ...upstreamChecks,
  storeCheck,
  headerCheck,
  issuerCheck,
  check(['oauth'], ({ oauth }, problem) => {
    for (const [index, { org, user }] of oauth.clients.entries())
      if ((org === undefined) !== (user === undefined))
        problem(
          ['oauth', 'clients', index],
          'has only one of `org` and `user`; a client stands for a user of an org, so write both',
        );
  }),
  ...keyChecks,
  check(['limits'], ({ limits }, _problem, warning) => {
    if (limits.headersTimeoutMs > limits.requestTimeoutMs)
      warning(
        ['limits', 'requestTimeout'],
        'is shorter than limits.headersTimeout, so it ends requests first and headersTimeout means nothing; write a longer one, or a shorter headersTimeout',
      );
  }),
  check(['identity', 'cache'], ({ identity, cache }, problem) => {
    if (identity.jwtLifetimeMs < 2 * cache.identityTtlMs)
      problem(
        ['identity', 'jwtLifetime'],
        'must be at least twice cache.identityTtl, or the API would see expired JWTs; write 5m, or lower cache.identityTtl',
      );
  }),
  check(['tokens'], ({ tokens: { apiTokenLifetimeMs, accessTokenLifetimeMs } }, problem) => {
    if (apiTokenLifetimeMs !== undefined && apiTokenLifetimeMs < accessTokenLifetimeMs)
      problem(
        ['tokens', 'apiTokenLifetime'],
        'is shorter than tokens.accessTokenLifetime; write a longer one, or never',
      );
  }),
  limitCheck,
  surfaceCheck,
  reminderCheck,
  consoleCheck,
  resourceCheck,
];
