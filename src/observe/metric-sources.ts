// Metrics that other rooms count for themselves and Prometheus reads on demand: cache, feed, connections, keys.
// What nobody has handed in, or nobody knows, has no series at all: absent, not a misleading zero.

import { type LiveSeries, type Reading, rowsBy } from './live-series.ts';

export interface FeedReading {
  readonly connected: boolean;
  /** Last sign of life of the feed; undefined before the first. Milliseconds since the epoch. */
  readonly lastHeardAtMs: number | undefined;
  /** Last change that came through it. */
  readonly lastChangeAtMs: number | undefined;
  readonly resets: Readonly<Record<'trimmed' | 'server_replaced', number>>;
  readonly tombstones: number;
  /** How long changes took from being written to being heard here. */
  readonly lag: {
    readonly count: number;
    readonly lastMs: number | undefined;
    readonly maxMs: number | undefined;
  };
}

/** Of this process to one upstream. `busy` are those being made too. */
export type UpstreamReading = Readonly<Record<'busy' | 'idle' | 'waiting' | 'callersAtShare', number>>;

/** Of one address. `unknown`: nothing has been asked of it; `failing`: its probes or answers are bad; `unreachable`: no connection. */
export interface AddressReading {
  /** `10.0.0.7:8081`, `unix:/run/api.sock`. */
  readonly address: string;
  readonly state: 'up' | 'unknown' | 'failing' | 'unreachable';
  /** What failed last. */
  readonly fault: string | undefined;
  /** Requests and tunnels under way there. */
  readonly busy: number;
  readonly open: number;
}

/** Of one upstream; its addresses are those of now, so their labels come and go. */
export interface AddressesReading {
  readonly addresses: readonly AddressReading[];
  /** Why its name could not be looked up last. */
  readonly lookupFault: string | undefined;
  /** When the certificate that is shown to it expires, in ms since the epoch; undefined: none is. */
  readonly certificateExpiryMs: number | undefined;
  readonly connectFailures: number;
  readonly retries: number;
}

export interface LimitsReading {
  /** Whether some are judged by this replica's share alone, because the store is out. */
  readonly isAlone: boolean;
  /** How many count together, as far as this one has heard. */
  readonly replicas: number;
  readonly limits: readonly {
    readonly limit: string;
    readonly permitted: number;
    readonly refused: number;
    readonly alone: number;
  }[];
}

export interface MetricSources {
  readonly cache: () => Readonly<
    Record<'hits' | 'misses' | 'unknownHits' | 'identities' | 'unknowns', number>
  >;
  readonly feed: () => FeedReading;
  /** How far this machine's clock is ahead of the store's, in ms; undefined where that has none of its own. */
  readonly clockOffsetMs: () => number | undefined;
  readonly connections: () => Readonly<
    Record<'client' | 'upgraded' | 'refused' | 'refusedByAddress' | 'refusedByProxyHeader', number>
  >;
  /** By the name of the upstream, one of the settings'. */
  readonly upstreams: () => Readonly<Record<string, UpstreamReading>>;
  readonly upstreamAddresses: () => Readonly<Record<string, AddressesReading>>;
  /** Algorithm -> keys published now. */
  readonly signingKeys: () => Readonly<Record<string, number>>;
  readonly readiness: () => {
    readonly ready: boolean;
    readonly reasons: readonly string[];
    readonly warnings: readonly string[];
  };
  /** Whether the store answers look-ups. */
  readonly storeAnswers: () => boolean;
  /** Requests of which no usage was counted. */
  readonly usageUncounted: () => number;
  /** What rate limits and quotas said, by their names in the settings; undefined where there are none. */
  readonly limits: () => LimitsReading | undefined;
  /** When the certificate of the listener expires, in ms since the epoch; undefined without TLS. */
  readonly certificateExpiryMs: () => number | undefined;
}

/** Registers the metrics read from sources; returns how to name the sources, and what has been named. */
export const publishSources = (series: LiveSeries) => {
  let known: MetricSources | undefined;
  for (const [name, [help, read]] of Object.entries(counters))
    series.counter(name, help, () => known && read(known));
  for (const [name, [help, read]] of Object.entries(gauges))
    series.gauge(name, help, () => known && read(known));
  return {
    watch: (sources: MetricSources): void => {
      known = sources;
    },
    sources: (): MetricSources | undefined => known,
  };
};

/** Name -> help, and how it is read. */
type Families = Readonly<Record<string, readonly [string, (sources: MetricSources) => Reading]>>;

const counters: Families = {
  tollgate_identity_cache_hits_total: [
    'Credentials whose identity was in memory.',
    ({ cache }) => cache().hits,
  ],
  tollgate_identity_cache_misses_total: [
    'Credentials that had to be looked up or verified.',
    ({ cache }) => cache().misses,
  ],
  tollgate_identity_cache_unknown_hits_total: [
    'Unknown credentials refused from memory, without a look-up.',
    ({ cache }) => cache().unknownHits,
  ],
  tollgate_feed_resets_total: [
    'Times the feed lost continuity and every cache was dropped, by reason.',
    ({ feed }) => rowsBy('reason', Object.entries(feed().resets)),
  ],
  tollgate_usage_uncounted_total: [
    'Requests missing from the usage of API tokens, because too much waited for the store.',
    ({ usageUncounted }) => usageUncounted(),
  ],
  tollgate_limit_decisions_total: [
    'What rate limits and quotas said of requests, by limit and result; of one refused by another limit, nothing.',
    ({ limits }) =>
      limits()?.limits.flatMap(({ limit, permitted, refused }) => [
        { labels: { limit, result: 'permitted' }, value: permitted },
        { labels: { limit, result: 'refused' }, value: refused },
      ]),
  ],
  tollgate_limit_decisions_alone_total: [
    "Of these, those by this replica's share alone, because the store was out.",
    ({ limits }) => limits()?.limits.map(({ limit, alone }) => ({ labels: { limit }, value: alone })),
  ],
  tollgate_client_connections_refused_total: [
    'Connections closed unread, because limits.connectionsMax were open.',
    ({ connections }) => connections().refused,
  ],
  tollgate_client_connections_refused_by_address_total: [
    'Connections closed unread, because their address had limits.connectionsPerAddressMax open.',
    ({ connections }) => connections().refusedByAddress,
  ],
  tollgate_client_connections_refused_by_proxy_header_total: [
    'Connections closed, because they had no whole PROXY header of a peer in proxyProtocol.trustedPeers.',
    ({ connections }) => connections().refusedByProxyHeader,
  ],
  tollgate_upstream_connect_failures_total: [
    'Connections to an upstream that could not be opened; the request may have got one to another address.',
    ({ upstreamAddresses }) => byUpstream(upstreamAddresses(), 'connectFailures'),
  ],
  tollgate_upstream_retries_total: [
    'Requests sent to an upstream once more, because it had closed the connection they were sent on first.',
    ({ upstreamAddresses }) => byUpstream(upstreamAddresses(), 'retries'),
  ],
};

const gauges: Families = {
  tollgate_upstream_address_up: [
    'Per address of an upstream: 1 while it is up; 0 while it cannot be connected to, or its probes or answers fail.',
    ({ upstreamAddresses }) =>
      Object.entries(upstreamAddresses()).flatMap(([upstream, { addresses }]) =>
        addresses
          .filter(({ state }) => state !== 'unknown')
          .map(({ address, state }) => ({ labels: { upstream, address }, value: Number(state === 'up') })),
      ),
  ],
  tollgate_identity_cache_entries: [
    'Entries in memory: identities, and digests known to be unknown.',
    ({ cache }) => {
      const { identities, unknowns } = cache();
      return rowsBy('kind', Object.entries({ identity: identities, unknown: unknowns }));
    },
  ],
  tollgate_feed_connected: ['1 while the change feed is connected.', ({ feed }) => Number(feed().connected)],
  tollgate_feed_lag_seconds: [
    'Since the change feed last gave a sign of life.',
    ({ feed }) => {
      const heardAtMs = feed().lastHeardAtMs;
      return heardAtMs === undefined ? undefined : Math.max(0, Date.now() - heardAtMs) / 1000;
    },
  ],
  tollgate_feed_last_event_timestamp_seconds: [
    'When the last change came through the feed.',
    ({ feed }) => seconds(feed().lastChangeAtMs),
  ],
  tollgate_tombstones: ['Revocations and generations kept in memory.', ({ feed }) => feed().tombstones],
  tollgate_limits_alone: [
    "1 while rate limits and quotas go by this replica's share alone, because the store is out.",
    ({ limits }) => {
      const reading = limits();
      return reading && Number(reading.isAlone);
    },
  ],
  tollgate_limits_replicas: [
    'Replicas that count for the same rate limits and quotas, as this one has heard.',
    ({ limits }) => limits()?.replicas,
  ],
  tollgate_store_clock_offset_seconds: [
    "How far this machine's clock is ahead of the store's; negative: behind.",
    ({ clockOffsetMs }) => seconds(clockOffsetMs()),
  ],
  tollgate_client_connections: ['Open connections of callers.', ({ connections }) => connections().client],
  tollgate_upgraded_connections: [
    'Live upgraded connections (WebSocket).',
    ({ connections }) => connections().upgraded,
  ],
  tollgate_upstream_connections: [
    'Connections to an upstream: with a request under way (busy), or kept open (idle).',
    ({ upstreams }) =>
      Object.entries(upstreams()).flatMap(([upstream, { busy, idle }]) => [
        { labels: { upstream, state: 'busy' }, value: busy },
        { labels: { upstream, state: 'idle' }, value: idle },
      ]),
  ],
  tollgate_upstream_requests_waiting: [
    'Requests waiting for a connection to an upstream: all are busy, or the caller holds its share.',
    (sources) => byUpstream(sources.upstreams(), 'waiting'),
  ],
  tollgate_upstream_callers_at_share: [
    'Callers that hold as many connections to an upstream as callerShare allows one.',
    (sources) => byUpstream(sources.upstreams(), 'callersAtShare'),
  ],
  tollgate_signing_keys: [
    'Published signing keys by algorithm.',
    ({ signingKeys }) => rowsBy('algorithm', Object.entries(signingKeys())),
  ],
  tollgate_tls_certificate_expiry_timestamp_seconds: [
    'When the certificate shown to callers expires, or the first of its chain to do so.',
    ({ certificateExpiryMs }) => seconds(certificateExpiryMs()),
  ],
  tollgate_upstream_certificate_expiry_timestamp_seconds: [
    'When the client certificate shown to an upstream expires, or the first of its chain to do so.',
    ({ upstreamAddresses }) =>
      Object.entries(upstreamAddresses()).flatMap(([upstream, { certificateExpiryMs: ms }]) =>
        ms === undefined ? [] : [{ labels: { upstream }, value: ms / 1000 }],
      ),
  ],
  tollgate_ready: ['1 while /readyz answers 200.', ({ readiness }) => Number(readiness().ready)],
};

/** A number of each upstream's reading. */
const byUpstream = <K extends string>(
  readings: Readonly<Record<string, Readonly<Record<K, number>>>>,
  of: K,
): Reading =>
  rowsBy(
    'upstream',
    Object.entries(readings).map(([upstream, reading]) => [upstream, reading[of]]),
  );

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
