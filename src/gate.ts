// The composition root, with gate/: constructs what there is, wires rooms together, and takes them down in order. It decides
// nothing.

import { setTimeout as delay } from 'node:timers/promises';
import { type Edge, openEdge } from './gate/edge.ts';
import { type Foundation, openFoundation } from './gate/foundation.ts';
import { type InForce, openInForce } from './gate/in-force.ts';
import { bind, boundAddress, countConnections, drain } from './gate/listening.ts';
import { type ReadinessFacts, readinessOf, upstreamFacts, watchReadiness } from './gate/readiness.ts';
import { type SettingsSource, startReloading } from './gate/reloading.ts';
import type { Log } from './observe/log.ts';
import type { MetricSources } from './observe/metric-sources.ts';
import type { Metrics } from './observe/metrics.ts';
import { createOpsServer, type Readiness } from './observe/ops-server.ts';
import { addressReadings } from './proxy/upstream/addresses/upstream-addresses.ts';
import type { Settings } from './settings/settings.ts';

export interface Gate {
  /** Where callers connect: `127.0.0.1:8080` or `unix:/run/tollgate.sock`. */
  readonly address: string;
  /** Where proxies ask; undefined: nowhere, or on a path of `address`. */
  readonly authAddress: string | undefined;
  /** Of the console; undefined: on `address`, or nowhere. */
  readonly consoleAddress: string | undefined;
  readonly opsAddress: string;
  readiness(): Readiness;
  /** Those in force. */
  settings(): Settings;
  /** Reads the settings again, from where they came, and puts them in force or says why not. Never rejects. */
  reload(): Promise<void>;
  /** Not ready at once, serves on for the drain delay, then stops accepting and finishes within the deadline. */
  shutDown(): Promise<void>;
}

/** Does not wait for a store that is down. Rejects when an address or the SQLite file cannot be used, with what to do. */
export const openGate = async (
  settings: Settings,
  log: Log,
  metrics: Metrics,
  source: SettingsSource,
): Promise<Gate> => {
  const foundation = await openFoundation(settings, log, metrics);
  let isShuttingDown = false;
  const inForce = await openInForce(settings, foundation, log, metrics);
  const { current, live } = inForce;
  const edge = openEdge({ current, foundation, live, log, isShuttingDown: () => isShuttingDown });
  const { listener, authListener, consoleListener } = edge;
  const reloading = startReloading({
    ...source,
    inForce: () => current().settings,
    put: (next) => inForce.put(next, edge.adjust),
    log,
    metrics,
  });

  const readiness = (): Readiness => {
    const facts = readinessOf({ ...factsOf(inForce, foundation), isShuttingDown });
    return { ...facts, warnings: [...facts.warnings, ...reloading.warnings()] };
  };
  metrics.watch({ ...readingsOf(inForce, foundation, edge), readiness });
  const upstreams = (): ReturnType<MetricSources['upstreamAddresses']> =>
    addressReadings(inForce.current().reach);
  const ops = createOpsServer({ metrics, isReady: readiness, upstreams });

  const closeAll = async (): Promise<void> => {
    reloading.close();
    edge.close();
    await inForce.close();
    await foundation.close();
  };
  try {
    await bind(ops, settings.ops, 'the ops server');
    await bindAll(edge, settings);
  } catch (error) {
    for (const server of [ops, listener, authListener]) server?.close();
    await closeAll();
    throw error;
  }
  void foundation.start().then((isOpen) => (isOpen ? inForce.start() : undefined));
  const unwatch = watchReadiness(readiness, ({ ready, reasons }) =>
    ready ? log.info('ready') : log.warn('not ready', { reasons }),
  );
  return {
    address: boundAddress(listener),
    authAddress: authListener && boundAddress(authListener),
    consoleAddress: consoleListener && boundAddress(consoleListener),
    opsAddress: boundAddress(ops),
    readiness,
    settings: () => current().settings,
    reload: () => reloading.reload(),
    shutDown: async () => {
      isShuttingDown = true;
      unwatch();
      reloading.close();
      const { shutdown } = current().settings;
      await delay(shutdown.drainDelayMs);
      await Promise.all([
        drain(listener, shutdown.deadlineMs, () => edge.endLongLived()),
        ...[authListener, consoleListener].map((other) => other && drain(other, shutdown.deadlineMs)),
      ]);
      await closeAll();
      await drain(ops, 0);
    },
  };
};

const bindAll = async (
  { listener, authListener, consoleListener }: Edge,
  { listen, forwardAuth, surfaces: { console: pages } }: Settings,
): Promise<void> => {
  await bind(listener, listen, 'the gate');
  if (authListener !== undefined && forwardAuth.listen !== undefined)
    await bind(authListener, forwardAuth.listen, 'forward-auth');
  if (consoleListener !== undefined && pages.listen !== undefined)
    await bind(consoleListener, pages.listen, 'the console');
};

const factsOf = (
  { current }: InForce,
  { lookups, feedState, feedFault, clock }: Foundation,
): Omit<ReadinessFacts, 'isShuttingDown'> => {
  const { settings, identification, reach, shadowWarning } = current();
  return {
    lookups: lookups.state(),
    isFeedRead: feedState.ready,
    isFeedStale: feedState.isStale(),
    isFeedBroken: feedState.isBroken(),
    feedFault: feedFault(),
    servesWhenStale: settings.feed.whenStale === 'serve',
    keys: identification.signingKeys.state(),
    clockOffsetMs: clock.offsetMs(),
    clockLeewayMs: settings.tokens.clockLeewayMs,
    shadowWarning,
    upstreams: upstreamFacts(reach.byUpstream.values(), settings.ready.requireUpstream),
    mode: settings.mode,
  };
};

/** What Prometheus reads when it asks. */
const readingsOf = (
  { current, usage }: InForce,
  { feedState, clock, lookups }: Foundation,
  { listener, refusedByAddress, refusedByProxyHeader }: Edge,
): Omit<MetricSources, 'readiness'> => {
  const counts = countConnections(listener);
  return {
    cache: () => current().identification.identifier.reading(),
    feed: () => feedState.reading(),
    storeAnswers: () => lookups.state().is === 'answered',
    clockOffsetMs: clock.offsetMs,
    connections: () => ({
      client: counts.open,
      upgraded: current().upgrader.size,
      refused: counts.refused,
      refusedByAddress: refusedByAddress(),
      refusedByProxyHeader: refusedByProxyHeader(),
    }),
    upstreams: () => current().forwarder.reading(),
    upstreamAddresses: () => addressReadings(current().reach),
    signingKeys: () => {
      const published = current().identification.signingKeys.ring.published(clock.now());
      const byAlgorithm = Map.groupBy(published, ({ algorithm }) => algorithm);
      return Object.fromEntries([...byAlgorithm].map(([algorithm, keys]) => [algorithm, keys.length]));
    },
    usageUncounted: usage.uncounted,
    limits: () => current().limiter?.reading(),
    certificateExpiryMs: () => current().certificateExpiryMs,
  };
};
