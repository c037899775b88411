// Everything Prometheus can ask: one registry, names `tollgate_*`, labels from closed lists only.
// Rooms below (store, identity) do not know it: the gate hands in functions that read their counts at scrape time.

import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { type Distribution, emptyDistribution, isObserved, observe, LiveSeries } from './live-series.ts';
import {
  createRequestMetrics,
  durationBounds,
  type RequestMetrics,
  type RequestMetricsSettings,
} from './request-metrics.ts';
import { type CountShadow, createShadowMetrics } from './shadow-metrics.ts';
import { publishSources, type MetricSources } from './metric-sources.ts';

export interface MetricsSettings extends RequestMetricsSettings {
  readonly version: string;
  /** Names of the store's commands; others are counted as `other`. */
  readonly storeCommands: readonly string[];
}

export type FaultKind = 'uncaught_exception' | 'unhandled_rejection';

export interface Metrics extends RequestMetrics {
  /** Counts one decision of a route in shadow mode. */
  shadow: CountShadow;
  /** Counts one store command; `failed` when it came to an outage. */
  storeCommand(command: string, durationMs: number, failed: boolean): void;
  fault(kind: FaultKind): void;
  /** Counts a reading of the settings after the start. */
  configReload(result: 'success' | 'failure'): void;
  /** Counts log lines nobody will see. */
  logLinesDropped(lines: number): void;
  /** Says where to read cache, feed, connections and keys from. May be called once a part. */
  watch(sources: Partial<MetricSources>): void;
  /** The text exposition format, version 0.0.4. */
  render(): Promise<string>;
  readonly contentType: string;
}

/** Registers every metric under names `tollgate_*`, and Node's own. */
export const createMetrics = (settings: MetricsSettings): Metrics => {
  const registry = new Registry();
  const series = new LiveSeries();
  const registers = [registry];
  const requests = createRequestMetrics(settings, series);
  const shadow = createShadowMetrics(series);
  const storeCommand = createStoreMetrics(settings.storeCommands, registry, series);
  const faults = new Counter({
    name: 'tollgate_process_faults_total',
    help: 'Exceptions and rejections nobody caught; the process lives on. Each one is a bug.',
    labelNames: ['kind'],
    registers,
  });
  for (const kind of ['uncaught_exception', 'unhandled_rejection']) faults.inc({ kind }, 0);
  const configReload = createReloadMetrics(registers);
  const dropped = new Counter({
    name: 'tollgate_log_lines_dropped_total',
    help: 'Log lines thrown away because nobody read the log fast enough.',
    registers,
  });
  new Gauge({
    name: 'tollgate_build_info',
    help: 'Always 1; the version is in the labels.',
    labelNames: ['version', 'node_version'],
    registers,
  }).set({ version: settings.version, node_version: process.versions.node }, 1);
  const watch = publishSources(series);
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  return {
    ...requests,
    shadow,
    storeCommand,
    fault: (kind) => faults.inc({ kind }),
    configReload,
    logLinesDropped: (lines) => dropped.inc(lines),
    watch,
    render: async () => `${series.render()}\n${await registry.metrics()}`,
    contentType: registry.contentType,
  };
};

const createReloadMetrics = (registers: Registry[]): Metrics['configReload'] => {
  const reloads = new Counter({
    name: 'tollgate_config_reloads_total',
    help: 'Times the settings were read again: put in force (success), or refused and the old ones kept (failure).',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['success', 'failure']) reloads.inc({ result }, 0);
  const succeeded = new Gauge({
    name: 'tollgate_config_last_reload_success_timestamp_seconds',
    help: 'When settings were last put in force; at first, the start of the process.',
    registers,
  });
  succeeded.setToCurrentTime();
  // A file that was refused would also keep the next start from serving; counters alone do not say that it still is so.
  const inForce = new Gauge({
    name: 'tollgate_config_last_reload_successful',
    help: '1 when the settings that were read last are in force; 0 when they were refused and older ones are.',
    registers,
  });
  inForce.set(1);
  return (result) => {
    reloads.inc({ result });
    inForce.set(result === 'success' ? 1 : 0);
    if (result === 'success') succeeded.setToCurrentTime();
  };
};

const createStoreMetrics = (
  commands: readonly string[],
  registry: Registry,
  series: LiveSeries,
): Metrics['storeCommand'] => {
  const durations = new Map<string, Distribution>();
  const errors = new Counter({
    name: 'tollgate_store_errors_total',
    help: 'Store commands that ended in an outage.',
    labelNames: ['command'],
    registers: [registry],
  });
  for (const command of [...commands, 'other']) {
    durations.set(command, emptyDistribution({ command }, durationBounds));
    errors.inc({ command }, 0);
  }
  series.histogram(
    'tollgate_store_command_duration_seconds',
    'Store commands, failed ones included.',
    durationBounds,
    () => [...durations.values()].filter(isObserved),
  );
  return (name, durationMs, failed) => {
    const command = durations.has(name) ? name : 'other';
    const distribution = durations.get(command);
    if (distribution !== undefined) observe(distribution, durationBounds, durationMs / 1000);
    if (failed) errors.inc({ command });
  };
};
