// Metrics that other rooms count for themselves and Prometheus reads on demand: cache, feed, connections, keys.
// A part nobody has handed in has no series at all: absent, not a misleading zero.

import type { LiveSeries, Row } from './live-series.ts';

export interface CacheReading {
  readonly hits: number;
  readonly misses: number;
  /** Unknown credentials refused without a look-up. */
  readonly unknownHits: number;
  readonly identities: number;
  readonly unknowns: number;
}

export interface FeedReading {
  readonly connected: boolean;
  /** Last sign of life of the feed; undefined before the first. Milliseconds since the epoch. */
  readonly lastHeardAtMs: number | undefined;
  /** Last change that came through it. */
  readonly lastChangeAtMs: number | undefined;
  readonly resets: Readonly<Record<'trimmed' | 'server_replaced', number>>;
  /** Revocations and generations kept in memory. */
  readonly tombstones: number;
}

export interface ConnectionsReading {
  readonly client: number;
  readonly upgraded: number;
  /** Closed unread since the start, because `limits.connectionsMax` were open. */
  readonly refused: number;
  /** Closed unread since the start, because their address had `limits.connectionsPerAddressMax` open. */
  readonly refusedByAddress: number;
}

/** The connections of this process to one upstream. */
export interface UpstreamReading {
  /** With a request under way, being made included. */
  readonly busy: number;
  /** Kept open for the next request. */
  readonly idle: number;
  /** Requests that wait for a connection: all are busy, or their caller holds its share. */
  readonly waiting: number;
  /** Callers that hold all the connections their share allows. */
  readonly callersAtShare: number;
}

export interface MetricSources {
  readonly cache: () => CacheReading;
  readonly feed: () => FeedReading;
  /** How far this machine's clock is ahead of the store's, in ms; undefined where that has none of its own. */
  readonly clockOffsetMs: () => number | undefined;
  readonly connections: () => ConnectionsReading;
  /** By the name of the upstream, one of the settings'. */
  readonly upstreams: () => Readonly<Record<string, UpstreamReading>>;
  /** Algorithm -> keys published now. */
  readonly signingKeys: () => Readonly<Record<string, number>>;
  readonly ready: () => boolean;
  /** When the certificate of the listener expires, in ms since the epoch; undefined without TLS. */
  readonly certificateExpiryMs: () => number | undefined;
}

/** Registers the metrics read from sources; returns the function that names a source. */
export const publishSources = (series: LiveSeries): ((sources: Partial<MetricSources>) => void) => {
  const known: { -readonly [K in keyof MetricSources]?: MetricSources[K] } = {};
  publishCache(series, () => known.cache?.());
  publishFeed(series, () => known.feed?.());
  publishConnections(series, () => known.connections?.());
  publishUpstreams(series, () => known.upstreams?.() ?? {});
  series.gauge(
    'tollgate_store_clock_offset_seconds',
    "How far this machine's clock is ahead of the store's; negative: behind.",
    () => one(seconds(known.clockOffsetMs?.())),
  );
  series.gauge(
    'tollgate_tls_certificate_expiry_timestamp_seconds',
    'When the certificate shown to callers expires, or the first of its chain to do so.',
    () => one(seconds(known.certificateExpiryMs?.())),
  );
  series.gauge('tollgate_ready', '1 while /readyz answers 200.', () => one(flag(known.ready?.())));
  series.gauge('tollgate_signing_keys', 'Published signing keys by algorithm.', () =>
    Object.entries(known.signingKeys?.() ?? {}).map(([algorithm, value]) => ({
      labels: { algorithm },
      value,
    })),
  );
  return (sources) => void Object.assign(known, sources);
};

const publishCache = (series: LiveSeries, read: () => CacheReading | undefined): void => {
  series.counter('tollgate_identity_cache_hits_total', 'Credentials whose identity was in memory.', () =>
    one(read()?.hits),
  );
  series.counter(
    'tollgate_identity_cache_misses_total',
    'Credentials that had to be looked up or verified.',
    () => one(read()?.misses),
  );
  series.counter(
    'tollgate_identity_cache_unknown_hits_total',
    'Unknown credentials refused from memory, without a look-up.',
    () => one(read()?.unknownHits),
  );
  series.gauge(
    'tollgate_identity_cache_entries',
    'Entries in memory: identities, and digests known to be unknown.',
    () => {
      const reading = read();
      if (reading === undefined) return [];
      return [
        { labels: { kind: 'identity' }, value: reading.identities },
        { labels: { kind: 'unknown' }, value: reading.unknowns },
      ];
    },
  );
};

const publishFeed = (series: LiveSeries, read: () => FeedReading | undefined): void => {
  series.gauge('tollgate_feed_connected', '1 while the change feed is connected.', () =>
    one(flag(read()?.connected)),
  );
  series.gauge('tollgate_feed_lag_seconds', 'Since the change feed last gave a sign of life.', () => {
    const heardAtMs = read()?.lastHeardAtMs;
    return one(heardAtMs === undefined ? undefined : Math.max(0, Date.now() - heardAtMs) / 1000);
  });
  series.gauge(
    'tollgate_feed_last_event_timestamp_seconds',
    'When the last change came through the feed.',
    () => one(seconds(read()?.lastChangeAtMs)),
  );
  series.gauge('tollgate_tombstones', 'Revocations and generations kept in memory.', () =>
    one(read()?.tombstones),
  );
  series.counter(
    'tollgate_feed_resets_total',
    'Times the feed lost continuity and every cache was dropped, by reason.',
    () => Object.entries(read()?.resets ?? {}).map(([reason, value]) => ({ labels: { reason }, value })),
  );
};

const publishConnections = (series: LiveSeries, read: () => ConnectionsReading | undefined): void => {
  series.gauge('tollgate_client_connections', 'Open connections of callers.', () => one(read()?.client));
  series.gauge('tollgate_upgraded_connections', 'Live upgraded connections (WebSocket).', () =>
    one(read()?.upgraded),
  );
  series.counter(
    'tollgate_client_connections_refused_total',
    'Connections closed unread, because limits.connectionsMax were open.',
    () => one(read()?.refused),
  );
  series.counter(
    'tollgate_client_connections_refused_by_address_total',
    'Connections closed unread, because their address had limits.connectionsPerAddressMax open.',
    () => one(read()?.refusedByAddress),
  );
};

const publishUpstreams = (
  series: LiveSeries,
  read: () => Readonly<Record<string, UpstreamReading>>,
): void => {
  series.gauge(
    'tollgate_upstream_connections',
    'Connections to an upstream: with a request under way (busy), or kept open (idle).',
    () =>
      Object.entries(read()).flatMap(([upstream, { busy, idle }]) => [
        { labels: { upstream, state: 'busy' }, value: busy },
        { labels: { upstream, state: 'idle' }, value: idle },
      ]),
  );
  series.gauge(
    'tollgate_upstream_requests_waiting',
    'Requests waiting for a connection to an upstream: all are busy, or the caller holds its share.',
    () => Object.entries(read()).map(([upstream, { waiting }]) => ({ labels: { upstream }, value: waiting })),
  );
  series.gauge(
    'tollgate_upstream_callers_at_share',
    'Callers that hold as many connections to an upstream as callerShare allows one.',
    () =>
      Object.entries(read()).map(([upstream, { callersAtShare }]) => ({
        labels: { upstream },
        value: callersAtShare,
      })),
  );
};

const one = (value: number | undefined): readonly Row[] =>
  value === undefined ? [] : [{ labels: {}, value }];

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);

const flag = (value: boolean | undefined): number | undefined =>
  value === undefined ? undefined : Number(value);
