// Judges settings against each other: the list of checks, and those of a few lines. They report problems (the process must
// not start) and warnings (it may).

import { resourceMetadataPath } from '../decision/protected-resource.ts';
import { isLoopbackUrl } from '../tokens/outgoing-proxy.ts';
import { checkSurfaces } from './check-clashes.ts';
import { checkForwardAuth } from './check-forward-auth.ts';
import { checkHeaders } from './check-headers.ts';
import { checkIssuers } from './check-issuers.ts';
import { checkSealingKey, checkSigningKeys, checkSurfaceKeys, checkTls } from './check-keys.ts';
import { checkAddresses, checkUpstream, checkUpstreams } from './check-listeners.ts';
import type { Report } from './parse-fields.ts';
import { name } from './route-fields.ts';
import type { FileFields } from './schema.ts';

/** `isFaulty`: whether a group has a fault already. */
export const checkSettings = (
  fields: FileFields,
  isFaulty: (group: keyof FileFields) => boolean,
  problem: Report,
  warning: Report,
): void => {
  for (const check of checks) if (!check.groups.some(isFaulty)) check.judge(fields, problem, warning);
};

const checkUpstreamNames = ({ upstreams }: Pick<FileFields, 'upstreams'>, problem: Report): void => {
  for (const key of Object.keys(upstreams)) {
    if (key === 'default') problem(['upstreams', key], '`default` is the one in `upstream`; write it there');
    else if (!name.read(key).ok)
      problem(['upstreams', key], `${JSON.stringify(key)} is not a name; write ${name.expects}`);
  }
};

const checkStore = ({ store }: Pick<FileFields, 'store'>, problem: Report): void => {
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
  if (url.password !== undefined && store.password !== undefined)
    problem(['store', 'password'], 'stands in the URL too; keep one of them');
  if (url.username !== undefined && store.username !== undefined)
    problem(['store', 'username'], 'stands in the URL too; keep one of them');
  if (store.ca !== undefined && !url.tls)
    problem(['store', 'ca'], 'means nothing without TLS; write rediss:// in store.url');
};

const checkClients = ({ oauth }: Pick<FileFields, 'oauth'>, problem: Report): void => {
  for (const [index, { org, user }] of oauth.clients.entries())
    if ((org === undefined) !== (user === undefined))
      problem(
        ['oauth', 'clients', index],
        'has only one of `org` and `user`; a client stands for a user of an org, so write both',
      );
};

const checkRequestTimes = (
  { limits }: Pick<FileFields, 'limits'>,
  _problem: Report,
  warning: Report,
): void => {
  if (limits.headersTimeoutMs > limits.requestTimeoutMs)
    warning(
      ['limits', 'requestTimeout'],
      'is shorter than limits.headersTimeout, so it ends requests first and headersTimeout means nothing; write a longer one, or a shorter headersTimeout',
    );
};

const checkJwtLifetime = (
  { identity, cache }: Pick<FileFields, 'identity' | 'cache'>,
  problem: Report,
): void => {
  if (identity.jwtLifetimeMs < 2 * cache.identityTtlMs)
    problem(
      ['identity', 'jwtLifetime'],
      'must be at least twice cache.identityTtl, or the API would see expired JWTs; write 5m, or lower cache.identityTtl',
    );
};

const checkTokenLifetimes = ({ tokens }: Pick<FileFields, 'tokens'>, problem: Report): void => {
  if (tokens.apiTokenLifetimeMs !== undefined && tokens.apiTokenLifetimeMs < tokens.accessTokenLifetimeMs)
    problem(
      ['tokens', 'apiTokenLifetime'],
      'is shorter than tokens.accessTokenLifetime; write a longer one, or never',
    );
};

/** Metadata are found by their path alone, so two resources cannot have the same. */
const checkResources = (
  { upstream, upstreams }: Pick<FileFields, 'upstream' | 'upstreams'>,
  problem: Report,
  warning: Report,
): void => {
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
    if (resource.startsWith('http:') && !isLoopbackUrl(resource))
      warning([...path, 'resource'], 'is plain http, which clients refuse (RFC 9728); write an https URL');
  }
};

/** Judges some of the groups, when none of these has a fault: what it would say of a group that is half read may be false. */
interface Check {
  readonly groups: readonly (keyof FileFields)[];
  judge(fields: FileFields, problem: Report, warning: Report): void;
}

const check = <Name extends keyof FileFields>(
  groups: readonly Name[],
  judge: (fields: Pick<FileFields, Name>, problem: Report, warning: Report) => void,
): Check => ({ groups, judge });

const checks: readonly Check[] = [
  check(['listen', 'ops'], checkAddresses),
  check(['listen', 'ops', 'upstream'], checkUpstream),
  check(['listen', 'ops', 'upstreams'], checkUpstreams),
  check(['forwardAuth', 'listen', 'ops'], checkForwardAuth),
  check(['upstreams'], checkUpstreamNames),
  check(['tls'], checkTls),
  check(['store'], checkStore),
  check(['identity', 'credential'], checkHeaders),
  check(['issuer', 'issuers', 'listen', 'tls'], checkIssuers),
  check(['oauth'], checkClients),
  check(['keys', 'store'], checkSealingKey),
  check(['keys', 'tokens'], checkSigningKeys),
  check(['keys', 'store', 'oauth', 'surfaces'], checkSurfaceKeys),
  check(['limits'], checkRequestTimes),
  check(['identity', 'cache'], checkJwtLifetime),
  check(['tokens'], checkTokenLifetimes),
  check(['oauth', 'surfaces', 'forwardAuth', 'upstream', 'upstreams'], checkSurfaces),
  check(['upstream', 'upstreams'], checkResources),
];
