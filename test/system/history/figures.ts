// The figures of runs as a table: a line for each scenario.

import type { History, Operation, Outcome } from './history.ts';
import type { Violation } from './rules.ts';

export interface Figures {
  readonly scenario: string;
  readonly operations: number;
  readonly faults: number;
  readonly accepted: number;
  readonly refused: number;
  readonly outage: number;
  readonly unknown: number;
  /** From the acknowledgement of a revocation to the first refusal, at replicas no fault was near: ms; undefined: none. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly violations: number;
}

export const figuresOf = (scenario: string, history: History, violations: readonly Violation[]): Figures => {
  const count = (kind: Outcome['kind']): number =>
    history.operations.filter(({ outcome }) => outcome.kind === kind).length;
  const lags = revocationLags(history).sort((a, b) => a - b);
  return {
    scenario,
    operations: history.operations.length,
    faults: history.faults.length,
    accepted: count('ok'),
    refused: count('refused'),
    outage: count('outage'),
    unknown: count('unknown') + count('broken'),
    p50Ms: quantile(lags, 0.5),
    p99Ms: quantile(lags, 0.99),
    violations: violations.length,
  };
};

const quantile = (sorted: readonly number[], share: number): number | undefined =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/**
 * For each revocation by possession and each replica: how long after its acknowledgement the first refusal was answered.
 * Only where the replica was asked at once and again and again (a watched revocation), and no fault was near.
 */
const revocationLags = ({ operations, faults, bounds }: History): number[] => {
  const lags: number[] = [];
  const quiet = ({ invokedMs, completedMs }: Operation): boolean =>
    !faults.some(
      ({ beganMs, healedMs }) => beganMs <= completedMs && healedMs + bounds.settleMs >= invokedMs,
    );
  for (const revocation of operations) {
    if (revocation.kind !== 'revoke-credential' || revocation.outcome.kind !== 'ok') continue;
    const plan = revocation.id.split('.')[0];
    const watches = operations.filter(
      (other) =>
        other.kind === 'use' &&
        other.id.split('.')[0] === plan &&
        other.invokedMs >= revocation.completedMs &&
        other.credential === revocation.credential,
    );
    for (const replica of new Set(watches.map((watch) => watch.replica))) {
      const refusal = watches.find(
        (watch) => watch.replica === replica && watch.outcome.kind === 'refused' && quiet(watch),
      );
      if (refusal !== undefined) lags.push(refusal.completedMs - revocation.completedMs);
    }
  }
  return lags;
};

export const tableOf = (rows: readonly Figures[]): string => {
  const head = [
    'scenario',
    'operations',
    'faults',
    'accepted',
    'refused',
    'outage',
    'unknown',
    'p50 ms',
    'p99 ms',
    'violations',
  ];
  const ms = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(1));
  const cells = rows.map((row) => [
    row.scenario,
    ...[row.operations, row.faults, row.accepted, row.refused, row.outage, row.unknown].map(String),
    ms(row.p50Ms),
    ms(row.p99Ms),
    String(row.violations),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]!.length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...cells.map(line)].join('\n');
};
