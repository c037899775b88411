// Everything Prometheus can ask: one registry, names `tollgate_*`, labels from closed lists only.
// Rooms below (store, identity) do not know it: the gate hands in functions that read their counts at scrape time.

import { randomUUID } from 'node:crypto';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { emptyDistribution, isObserved, observe, LiveSeries } from './live-series.ts';
import {
  createRequestMetrics,
  type RequestMetrics,
  type RequestMetricsSettings,
  type RequestTotals,
} from './request-metrics.ts';
import { publishSources, type MetricSources } from './metric-sources.ts';

export interface MetricsSettings extends RequestMetricsSettings {
  readonly version: string;
  /** Names of the store's commands; others are counted as `other`. */
  readonly storeCommands: readonly string[];
}

/** How this process does. Times are milliseconds since the epoch. */
export interface ServerStatus {
  /** Tells replicas apart, until the process ends. */
  readonly replica: string;
  readonly version: string;
  readonly startedAtMs: number;
  readonly requests: RequestTotals;
  /** Undefined until the gate is open. */
  readonly sources: MetricSources | undefined;
}

export type FaultKind = 'uncaught_exception' | 'unhandled_rejection';

export interface Metrics extends RequestMetrics {
  /** Counts one store command; `failed` when it came to an outage. */
  storeCommand(command: string, durationMs: number, failed: boolean): void;
  fault(kind: FaultKind): void;
  /** Counts a reading of the settings after the start. */
  configReload(result: 'success' | 'failure'): void;
  /** Counts a reminder of an API token's expiry, by how an attempt to send it ended. */
  readonly reminder: (channel: 'mail' | 'webhook', result: 'sent' | 'failed' | 'given_up') => void;
  /** Counts log lines nobody will see. */
  logLinesDropped(lines: number): void;
  /** Says where to read cache, feed, connections and keys from. */
  watch(sources: MetricSources): void;
  /** What a person is shown of them. */
  status(): ServerStatus;
  /** The text exposition format, version 0.0.4. */
  render(): Promise<string>;
  readonly contentType: string;
}

/** Registers every metric under names `tollgate_*`, and Node's own. */
export const createMetrics = (settings: MetricsSettings): Metrics => {
  const registry = new Registry();
  const series = new LiveSeries();
  let linesDropped = 0;
  series.counter(
    'tollgate_log_lines_dropped_total',
    'Log lines thrown away because nobody read the log fast enough.',
    () => linesDropped,
  );
  series.gauge('tollgate_build_info', 'Always 1; the version is in the labels.', () => [
    { labels: { version: settings.version, node_version: process.versions.node }, value: 1 },
  ]);
  const startedAtMs = Date.now();
  const replica = randomUUID();
  const requests = createRequestMetrics(settings, series);
  const { watch, sources } = publishSources(series);
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  return {
    ...requests,
    storeCommand: createStoreMetrics(settings.storeCommands, series),
    fault: series.tally(
      'tollgate_process_faults_total',
      'Exceptions and rejections nobody caught; the process lives on. Each one is a bug.',
      'kind',
      ['uncaught_exception', 'unhandled_rejection'],
    ),
    configReload: createReloadMetrics(series),
    reminder: createReminderMetrics(series),
    logLinesDropped: (lines) => {
      linesDropped += lines;
    },
    watch,
    status: () => ({
      replica,
      version: settings.version,
      startedAtMs,
      requests: requests.totals(),
      sources: sources(),
    }),
    render: async () => `${series.render()}\n${await registry.metrics()}`,
    contentType: registry.contentType,
  };
};

const createReminderMetrics = (series: LiveSeries): Metrics['reminder'] => {
  const rows = (['mail', 'webhook'] as const).flatMap((channel) =>
    (['sent', 'failed', 'given_up'] as const).map((result) => ({ labels: { channel, result }, value: 0 })),
  );
  series.counter(
    'tollgate_reminders_total',
    'Attempts to remind somebody of an API token that expires, by how they ended.',
    () => rows,
  );
  return (channel, result) => {
    const row = rows.find(({ labels }) => labels.channel === channel && labels.result === result);
    if (row !== undefined) row.value++;
  };
};

const createReloadMetrics = (series: LiveSeries): Metrics['configReload'] => {
  const count = series.tally(
    'tollgate_config_reloads_total',
    'Times the settings were read again: put in force (success), or refused and the old ones kept (failure).',
    'result',
    ['success', 'failure'],
  );
  let succeededAtMs = Date.now();
  series.gauge(
    'tollgate_config_last_reload_success_timestamp_seconds',
    'When settings were last put in force; at first, the start of the process.',
    () => succeededAtMs / 1000,
  );
  // A file that was refused would also keep the next start from serving; counters alone do not say that it still is so.
  let isInForce = true;
  series.gauge(
    'tollgate_config_last_reload_successful',
    '1 when the settings that were read last are in force; 0 when they were refused and older ones are.',
    () => Number(isInForce),
  );
  return (result) => {
    count(result);
    isInForce = result === 'success';
    if (isInForce) succeededAtMs = Date.now();
  };
};

const createStoreMetrics = (
  storeCommands: readonly string[],
  series: LiveSeries,
): Metrics['storeCommand'] => {
  const commands = [...storeCommands, 'other'];
  const durations = new Map(commands.map((command) => [command, emptyDistribution({ command })]));
  series.histogram('tollgate_store_command_duration_seconds', 'Store commands, failed ones included.', () =>
    [...durations.values()].filter(isObserved),
  );
  const countError = series.tally(
    'tollgate_store_errors_total',
    'Store commands that ended in an outage.',
    'command',
    commands,
  );
  return (name, durationMs, failed) => {
    const command = durations.has(name) ? name : 'other';
    const distribution = durations.get(command);
    if (distribution !== undefined) observe(distribution, durationMs);
    if (failed) countError(command);
  };
};
