// `tollgate serve`: one gate in one process, from the first line of the log to the last. The process ends only on
// SIGTERM or SIGINT, or when it cannot start at all.

import { readFileSync } from 'node:fs';
import { openTelemetry } from '../gate/telemetry.ts';
import { openGate } from '../gate.ts';
import { watchProcessFaults } from '../observe/process-faults.ts';
import type { Settings } from '../settings/settings.ts';

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
    void gate.whenReady.then(() => log.info('ready'));
    const signal = await signalled;
    log.info('shutting down', { signal, drainDelayMs: settings.shutdown.drainDelayMs });
    await gate.shutDown();
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

const readVersion = (): string => {
  const read: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const version = typeof read === 'object' && read !== null && 'version' in read ? read.version : undefined;
  return typeof version === 'string' ? version : 'unknown';
};
