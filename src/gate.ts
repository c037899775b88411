// The composition root, with gate/: constructs what there is and wires rooms together. Opens a gate from settings, says
// when it is ready, and takes it down in order. Decides nothing.

import { setTimeout as delay } from 'node:timers/promises';
import { certificateExpiryMs } from './gate/certificate.ts';
import { bind, boundAddress, countConnections, countRefused, drain } from './gate/listening.ts';
import { openEdge } from './gate/edge.ts';
import { readinessOf, shadowWarningOf, watchReadiness } from './gate/readiness.ts';
import { openIdentification } from './gate/identification.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import { createOpsServer, type Readiness } from './observe/ops-server.ts';
import { createStoreClock } from './gate/store-clock.ts';
import { createRecorder } from './observe/recorder.ts';
import type { Settings } from './settings/settings.ts';

export interface Gate {
  /** Where callers connect: `127.0.0.1:8080` or `unix:/run/tollgate.sock`. */
  readonly address: string;
  /** Where proxies ask; undefined: nowhere, or on a path of `address`. */
  readonly authAddress: string | undefined;
  readonly opsAddress: string;
  readiness(): Readiness;
  /** Not ready at once, serves on for the drain delay, then stops accepting and finishes within the deadline. */
  shutDown(): Promise<void>;
}

/**
 * Opens everything and listens. A store that is down is not waited for: the gate is live, not ready, and recovers.
 * Rejects when an address or the SQLite file cannot be used, with a sentence that says what to do.
 */
export const openGate = async (settings: Settings, log: Log, metrics: Metrics): Promise<Gate> => {
  const clock = createStoreClock();
  const { now } = clock;
  let isShuttingDown = false;
  const identification = await openIdentification(settings, log, metrics, clock);
  const { lookups, feedState, feedFault, signingKeys, identifier } = identification;

  const record = createRecorder(metrics, log, settings.log.access);
  const edge = await openEdge(settings, identification, {
    log,
    record,
    countShadow: metrics.shadow,
    now,
    isShuttingDown: () => isShuttingDown,
  });
  const { listener, authListener, forwarder, upgrader } = edge;
  const shadowWarning = shadowWarningOf(settings);
  if (shadowWarning !== undefined) log.warn(shadowWarning);

  const readiness = (): Readiness =>
    readinessOf({
      isShuttingDown,
      lookups: lookups.state(),
      isFeedRead: feedState.ready,
      isFeedStale: feedState.isStale(),
      isFeedBroken: feedState.isBroken(),
      feedFault: feedFault(),
      servesWhenStale: settings.feed.whenStale === 'serve',
      keys: signingKeys.state(),
      clockOffsetMs: clock.offsetMs(),
      clockLeewayMs: settings.tokens.clockLeewayMs,
      shadowWarning,
    });
  const expiryMs = settings.tls && certificateExpiryMs(settings.tls.cert);
  const clientConnections = countConnections(listener);
  const refusedConnections = countRefused(listener);
  metrics.watch({
    cache: () => identifier.reading(),
    feed: () => feedState.reading(),
    clockOffsetMs: clock.offsetMs,
    connections: () => ({
      client: clientConnections(),
      upgraded: upgrader.size,
      refused: refusedConnections(),
      refusedByAddress: edge.refusedByAddress(),
    }),
    upstreams: () => forwarder.reading(),
    signingKeys: () => countBy(signingKeys.ring.published(now()).map(({ algorithm }) => algorithm)),
    ready: () => readiness().ready,
    certificateExpiryMs: () => expiryMs,
  });
  const ops = createOpsServer({ metrics, isReady: readiness });

  const closeAll = async (): Promise<void> => {
    await edge.close();
    await identification.close();
  };
  try {
    await bind(ops, settings.ops, 'the ops server');
    await bind(listener, settings.listen, 'the gate');
    if (authListener !== undefined && settings.forwardAuth.listen !== undefined)
      await bind(authListener, settings.forwardAuth.listen, 'forward-auth');
  } catch (error) {
    ops.close();
    listener.close();
    await closeAll();
    throw error;
  }
  void identification.start();
  const unwatch = watchReadiness(readiness, ({ ready, reasons }) =>
    ready ? log.info('ready') : log.warn('not ready', { reasons }),
  );
  return {
    address: boundAddress(listener),
    authAddress: authListener && boundAddress(authListener),
    opsAddress: boundAddress(ops),
    readiness,
    shutDown: async () => {
      isShuttingDown = true;
      unwatch();
      await delay(settings.shutdown.drainDelayMs);
      await Promise.all([
        drain(listener, settings.shutdown.deadlineMs, edge.endLongLived),
        authListener && drain(authListener, settings.shutdown.deadlineMs),
      ]);
      await closeAll();
      await drain(ops, 0);
    },
  };
};

const countBy = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};
