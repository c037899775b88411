// The composition root: the only place that constructs clients and wires rooms together. Opens a gate from settings,
// says when it is ready, and takes it down in order. Decides nothing.

import { setTimeout as delay } from 'node:timers/promises';
import { certificateExpiryMs } from './gate/certificate.ts';
import { bind, boundAddress, countConnections, countRefused, drain } from './gate/listening.ts';
import { readinessOf, watchReadiness } from './gate/readiness.ts';
import { openIdentification } from './gate/identification.ts';
import { createSessionLimit } from './identity/session-limit.ts';
import { createSignInLimit } from './identity/sign-in-limit.ts';
import { createUnknownTokenLimit } from './identity/unknown-token-limit.ts';
import { createAudit } from './lifecycle/audit.ts';
import { createPasswordHashes } from './lifecycle/password-hash.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import { createOpsServer, type Readiness } from './observe/ops-server.ts';
import { createRecorder } from './observe/recorder.ts';
import { createForwarder } from './proxy/forward.ts';
import { createHandler } from './proxy/handler.ts';
import { createListener } from './proxy/listener.ts';
import { createLiveConnections } from './proxy/live-connections.ts';
import { createRouter } from './proxy/router.ts';
import { createUpgrader } from './proxy/upgrade.ts';
import type { Settings } from './settings/settings.ts';
import { createSurfaces } from './surfaces/surfaces.ts';

export interface Gate {
  /** Where callers connect: `127.0.0.1:8080` or `unix:/run/tollgate.sock`. */
  readonly address: string;
  readonly opsAddress: string;
  readiness(): Readiness;
  /** Not ready at once, serves on for the drain delay, then stops accepting and finishes within the deadline. */
  shutDown(): Promise<void>;
}

/** Expiry has no event: what lives longer than a request is looked at this often. */
const sweepEveryMs = 1_000;

/**
 * Opens everything and listens. A store that is down is not waited for: the gate is live, not ready, and recovers.
 * Rejects when an address or the SQLite file cannot be used, with a sentence that says what to do.
 */
export const openGate = async (settings: Settings, log: Log, metrics: Metrics): Promise<Gate> => {
  const now = Date.now;
  let isShuttingDown = false;
  const identification = await openIdentification(settings, log, metrics, now);
  const { store, feedState, signingKeys, identifier } = identification;

  const record = createRecorder(metrics, log, settings.log.access);
  const live = createLiveConnections();
  const sweep = (): void => void live.sweep((identity) => identifier.standing(identity, now()), now());
  feedState.onChange(sweep);
  const sweeper = setInterval(sweep, sweepEveryMs).unref();

  const edge = {
    writeStallTimeoutMs: settings.limits.writeStallTimeoutMs,
    reportBug: (err: unknown): void => log.error('a bug was caught at the edge of a request', { err }),
  };
  const forwarder = createForwarder(settings.upstreams, live, edge);
  const upgrader = createUpgrader(settings.upstreams, live, edge);
  const audit = createAudit({ store, log, now, exchangeSampling: settings.audit.exchangeSampling });
  const surfaces = await createSurfaces({
    settings,
    store,
    identifier,
    keys: signingKeys.ring,
    clientSecretLimit: createUnknownTokenLimit(settings.limits.unknownTokensPerMinute),
    sessionLimit: createSessionLimit(settings.limits.exchangesPerMinute),
    passwords: createPasswordHashes(),
    signInLimit: createSignInLimit(settings.limits),
    audit,
    now,
    record,
  });
  const router = createRouter(settings.routes);
  const handler = createHandler({
    settings,
    router,
    identifier,
    forwarder,
    upgrader,
    record,
    surfaces,
    isShuttingDown: () => isShuttingDown,
    now,
  });
  const listener = createListener(settings, handler);

  const readiness = (): Readiness =>
    readinessOf({
      isShuttingDown,
      isFeedRead: feedState.ready,
      isFeedStale: feedState.isStale(),
      servesWhenStale: settings.feed.whenStale === 'serve',
      keys: signingKeys.state(),
    });
  const expiryMs = settings.tls && certificateExpiryMs(settings.tls.cert);
  const clientConnections = countConnections(listener);
  const refusedConnections = countRefused(listener);
  metrics.watch({
    cache: () => identifier.reading(),
    feed: () => feedState.reading(),
    connections: () => ({
      client: clientConnections(),
      upgraded: upgrader.size,
      refused: refusedConnections(),
    }),
    upstreams: () => forwarder.reading(),
    signingKeys: () => countBy(signingKeys.ring.published(now()).map(({ algorithm }) => algorithm)),
    ready: () => readiness().ready,
    certificateExpiryMs: () => expiryMs,
  });
  const ops = createOpsServer({ metrics, isReady: readiness });

  /** Tunnels and streams that nothing else would end. */
  const endLongLived = (): void => {
    live.endAll();
    void upgrader.close();
  };
  const closeAll = async (): Promise<void> => {
    clearInterval(sweeper);
    endLongLived();
    await Promise.all([forwarder.close(), surfaces.close()]);
    await audit.close();
    await identification.close();
  };
  try {
    await bind(ops, settings.ops, 'the ops server');
    await bind(listener, settings.listen, 'the gate');
  } catch (error) {
    ops.close();
    await closeAll();
    throw error;
  }
  void identification.start();
  const unwatch = watchReadiness(readiness, ({ ready, reasons }) =>
    ready ? log.info('ready') : log.warn('not ready', { reasons }),
  );
  return {
    address: boundAddress(listener),
    opsAddress: boundAddress(ops),
    readiness,
    shutDown: async () => {
      isShuttingDown = true;
      unwatch();
      await delay(settings.shutdown.drainDelayMs);
      await drain(listener, settings.shutdown.deadlineMs, endLongLived);
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
