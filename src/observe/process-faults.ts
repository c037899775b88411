// The process ends only on SIGTERM or SIGINT: an exception or rejection nobody caught is a bug, counted and logged
// with its cause, and the process lives on. It must never hide one silently.

import type { Log } from './log.ts';
import type { FaultKind, Metrics } from './metrics.ts';

/** Watches the process; returns the function that stops watching. */
export const watchProcessFaults = (metrics: Pick<Metrics, 'fault'>, log: Log): (() => void) => {
  const report = (kind: FaultKind, err: unknown): void => {
    try {
      metrics.fault(kind);
      log.error('a bug reached the top of the process', { kind, err });
    } catch {
      // A fault while reporting a fault: nowhere is left to report it.
    }
  };
  const onException = (err: unknown): void => report('uncaught_exception', err);
  const onRejection = (err: unknown): void => report('unhandled_rejection', err);
  process.on('uncaughtException', onException);
  process.on('unhandledRejection', onRejection);
  return () => {
    process.off('uncaughtException', onException);
    process.off('unhandledRejection', onRejection);
  };
};
