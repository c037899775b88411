// The part of the gate that is seen from outside: the log and the metrics, with every label they will ever have.

import { authenticatorNames } from '../identity/authenticators.ts';
import { createLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { Settings } from '../settings/settings.ts';
import { storeCommands } from '../store/token-store.ts';
import { surfaceRouteNames } from '../settings/surface-paths.ts';

/** The log goes to standard output. */
export const openTelemetry = (settings: Settings, version: string) => {
  const metrics = createMetrics({
    version,
    routes: settings.routes,
    extraRoutes: surfaceRouteNames,
    storeCommands,
    authenticators: authenticatorNames,
  });
  const log = createLog({
    level: settings.log.level,
    fd: 1,
    onDrop: (lines) => metrics.logLinesDropped(lines),
  });
  return { log, metrics };
};
