// `tollgate serve`: one gate in one process, from the first line of the log to the last. The process ends only on
// SIGTERM or SIGINT, or when it cannot start at all.

import { openTelemetry } from '../gate/telemetry.ts';
import { openGate } from '../gate.ts';
import { watchProcessFaults } from '../observe/process-faults.ts';
import type { Settings } from '../settings/settings.ts';
import { readVersion } from './version.ts';

/** Serves until a signal ends it. Rejects when it cannot start, with a sentence that says what to do. */
export const serve = async (
  settings: Settings,
  onListening: (addresses: { readonly address: string; readonly ops: string }) => void = () => undefined,
): Promise<void> => {
  const { log, metrics } = openTelemetry(settings, readVersion());
  const unwatch = watchProcessFaults(metrics, log);
  const signalled = nextSignal();
  try {
    const gate = await openGate(settings, log, metrics);
    log.info('listening', { address: gate.address, ops: gate.opsAddress });
    onListening({ address: gate.address, ops: gate.opsAddress });
    const onHangUp = (): void =>
      log.warn('SIGHUP: settings, secrets and certificates are read at start only; restart to change them');
    process.on('SIGHUP', onHangUp);
    const signal = await signalled;
    log.info('shutting down', { signal, drainDelayMs: settings.shutdown.drainDelayMs });
    await gate.shutDown();
    process.off('SIGHUP', onHangUp);
    log.info('ended');
  } finally {
    unwatch();
    await log.drain();
  }
};

/** The first signal drains; a second one ends the process at once, as it does by default. */
const nextSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
