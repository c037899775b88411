// RedisSettings -> ioredis options. Every option that decides how fast a dead server is noticed is stated here:
// the library's defaults wait, queue and repeat, and a write that the library repeats is done twice.

import type { RedisOptions } from 'ioredis';
import type { RedisSettings } from '../../settings/settings.ts';
import type { ServerAddress } from './directory.ts';

/** `read`: look-ups. `write`: scripts that change something. `feed`: the change feed's blocking reads. */
export type Purpose = 'read' | 'write' | 'feed';

/** How long a blocking read of the feed waits: its heartbeat. */
export const feedBlockMs = 400;
/** A feed that says nothing for this long beyond its heartbeat is frozen: two seconds in all, not a slow fsync. */
const feedGraceMs = 1600;

/** A server that answers no look-up for a second is frozen. */
const frozenMs = 1000;

const commandTimeoutMs = (settings: RedisSettings, purpose: Purpose): number => {
  if (purpose === 'read') return settings.readTimeoutMs;
  if (purpose === 'write') return settings.writeTimeoutMs;
  return feedBlockMs + feedGraceMs;
};

/**
 * A socket on which nothing came back for so long is dead: it is dropped, with what waits on it. For look-ups that is about
 * a second, also where they are given less time than that.
 */
const silenceMsMax = (commandTimeout: number, purpose: Purpose): number =>
  purpose === 'read'
    ? Math.min(commandTimeout * 4, Math.max(frozenMs, commandTimeout * 1.5))
    : commandTimeout * 1.5;

/** Grows from 50 ms to half a second, spread so that replicas do not come back in step. */
export const reconnectDelayMs = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt - 1, 8), 500) * (0.75 + Math.random() / 2);

/** READONLY: a master became a replica. MASTERDOWN: a replica lost its master. Reconnect (1), never repeat (2). */
const reconnectOnError = (error: Error): 1 | false => /^(?:READONLY|MASTERDOWN)\b/.test(error.message) && 1;

/** The library's types want to know the shape of replies. */
export type NodeOptions = RedisOptions & { readonly replyMapping: 'legacy' };

const common = (settings: RedisSettings, purpose: Purpose): NodeOptions => {
  const commandTimeout = commandTimeoutMs(settings, purpose);
  return {
    lazyConnect: true,
    protocol: 2,
    replyMapping: 'legacy',
    disableClientInfo: true,
    connectionName: `tollgate-${purpose}`,
    username: settings.username,
    password: settings.password,
    db: settings.mode === 'cluster' ? 0 : settings.database,
    connectTimeout: settings.connectTimeoutMs,
    commandTimeout,
    socketTimeout: silenceMsMax(commandTimeout, purpose),
    disconnectTimeout: 200,
    // These three together, or promises hang.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    maxLoadingRetryTime: 500,
    reconnectOnError: purpose === 'feed' ? null : reconnectOnError,
    // The feed reconnects by itself, because it must check who answers before it goes on.
    retryStrategy: purpose === 'feed' ? null : reconnectDelayMs,
    ...(settings.tls ? { tls: settings.ca === undefined ? {} : { ca: settings.ca } } : {}),
  };
};

/** Options of one connection to a master that a directory has named, or to the only server the settings name. */
export const serverOptions = (
  settings: RedisSettings,
  purpose: Purpose,
  server?: ServerAddress,
): NodeOptions => {
  const options = common(settings, purpose);
  if (server === undefined && settings.socketPath !== undefined)
    return { ...options, path: settings.socketPath };
  const { host, port } = server ?? settings.nodes[0] ?? {};
  if (host === undefined || port === undefined) throw new Error('the Redis settings name no server');
  return { ...options, host, port };
};

/** Options of a connection that asks a node of a Cluster who holds what, and is closed again. */
export const questionOptions = (settings: RedisSettings, node: ServerAddress): NodeOptions => ({
  ...serverOptions(settings, 'read', node),
  connectionName: 'tollgate-directory',
  // A server that answers a question at all answers it as soon as it would take a connection.
  commandTimeout: settings.connectTimeoutMs,
  socketTimeout: settings.connectTimeoutMs * 1.5,
  enableReadyCheck: false,
  retryStrategy: null,
});

/** Options of the connections to a sentinel, which has no databases and no password of the master's. */
export const sentinelOptions = (settings: RedisSettings, sentinel: ServerAddress): NodeOptions => ({
  ...questionOptions(settings, sentinel),
  connectionName: 'tollgate-sentinel',
  username: undefined,
  password: undefined,
  db: 0,
});
