// `tollgate serve`: one gate in one process, from the first line of the log to the last. The process ends only on
// SIGTERM or SIGINT, or when it cannot start at all; on SIGHUP it reads its settings again.

import { openTelemetry } from '../gate/telemetry.ts';
import type { SettingsSource } from '../gate/reloading.ts';
import { type Gate, openGate } from '../gate.ts';
import type { Log } from '../observe/log.ts';
import { watchProcessFaults } from '../observe/process-faults.ts';
import type { Settings } from '../settings/settings.ts';
import { readVersion } from './version.ts';

export interface Addresses {
  readonly address: string;
  readonly ops: string;
  /** Undefined: on `address`, or nowhere. */
  readonly console: string | undefined;
}

/** Serves until a signal ends it. Rejects when it cannot start, with a sentence that says what to do. */
export const serve = async (
  { settings, ...source }: SettingsSource & { readonly settings: Settings },
  onListening: (addresses: Addresses) => void = () => undefined,
): Promise<void> => {
  const { log, metrics } = openTelemetry(settings, readVersion());
  const unwatch = watchProcessFaults(metrics, log);
  let gate: Gate | undefined;
  const unspare = outliveOtherSignals(log, () => void gate?.reload());
  const signalled = nextSignal();
  try {
    gate = await openGate(settings, log, metrics, source);
    const { address, opsAddress: ops, authAddress: forwardAuth, consoleAddress } = gate;
    log.info('listening', { address, ops, forwardAuth, console: consoleAddress });
    onListening({ address, ops, console: consoleAddress });
    const signal = await signalled;
    log.info('shutting down', { signal, drainDelayMs: gate.settings().shutdown.drainDelayMs });
    await gate.shutDown();
    log.info('ended');
  } finally {
    unspare();
    unwatch();
    await log.drain();
  }
};

/** The first signal drains; a second one ends the process at once, as it does by default. */
const nextSignal = async (): Promise<NodeJS.Signals> => {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve);
  const signal = await promise;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, resolve);
  return signal;
};

/**
 * What else people send to servers ends nothing: SIGHUP reloads (a terminal that closes sends it too), SIGUSR1 (on which
 * Node would open its debugger to everybody on this host) and SIGUSR2 do nothing. Returns the function that leaves them as
 * they were.
 */
const outliveOtherSignals = (log: Log, reload: () => void): (() => void) => {
  const ignore = (signal: NodeJS.Signals): void =>
    log.warn(`${signal} does nothing here; SIGHUP reads settings, secrets and certificates again`);
  process.on('SIGHUP', reload);
  for (const signal of ignoredSignals) process.on(signal, ignore);
  return () => {
    process.off('SIGHUP', reload);
    for (const signal of ignoredSignals) process.off(signal, ignore);
  };
};

const ignoredSignals = ['SIGUSR1', 'SIGUSR2'] as const;
