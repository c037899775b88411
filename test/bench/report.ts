// The bench's figures as a table, and beside each target whether it is met. Two subjects are compared round by round, and the
// median of these ratios counts: a neighbour that is noisy for a while slows both.

export interface Figures {
  /** Subject -> CPU microseconds a request, one a round. */
  readonly cpu: ReadonlyMap<string, readonly number[]>;
  /** Subject -> median response time at 1,000 requests a second, in microseconds. */
  readonly p50: ReadonlyMap<string, number>;
  readonly idleMb: number;
  readonly fullMb: number;
  /** Cached when `fullMb` was read. */
  readonly identities: number;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

export const report = ({ cpu, p50, idleMb, fullMb, identities }: Figures): string => {
  const direct = p50.get('direct') ?? Number.NaN;
  const added = (name: string): number => ((p50.get(name) ?? Number.NaN) - direct) / 1000;
  const table = [...cpu].map(([name, values]) => {
    const extra = added(name);
    return [
      name.padEnd(32),
      median(values).toFixed(1).padStart(8),
      `${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)}`.padStart(14),
      (Number.isNaN(extra) ? '' : `${extra.toFixed(2)} ms`).padStart(10),
    ].join(' ');
  });
  const ratio = (name: string, other: string): number => {
    const others = cpu.get(other) ?? [];
    return median((cpu.get(name) ?? []).map((value, round) => value / (others[round] ?? Number.NaN)));
  };
  const cachedTo = (other: string): number =>
    Math.max(ratio('tollgate, cached API token', other), ratio('tollgate, cached access token', other));
  const targets = [
    target('cached / bare undici', cachedTo('bare undici'), 1.25),
    target('cached / bare http-proxy', cachedTo('bare http-proxy'), 0.45),
    target('cached / HAProxy jwt_verify', cachedTo('HAProxy, jwt_verify RS256'), 1),
    target('miss / cached', ratio('tollgate, miss', 'tollgate, cached API token'), 2),
    target('added latency p50, ms', added('tollgate, cached API token'), 0.3),
    target('resident memory idle, MB', idleMb, 120),
    identities < 100_000
      ? `${`resident memory, ${identities} identities, MB`.padEnd(48)} ${fullMb.toFixed(2).padStart(8)}           not filled`
      : target('resident memory, 100,000 identities, MB', fullMb, 250),
  ];
  return [
    `${'CPU a request, one core'.padEnd(32)} ${'µs'.padStart(8)} ${'min-max'.padStart(14)} ${'added p50'.padStart(10)}`,
    ...table,
    '',
    `${'target'.padEnd(48)} ${'is'.padStart(8)} ${'at most'.padStart(8)}`,
    ...targets,
    '',
  ].join('\n');
};

const target = (name: string, value: number, most: number): string => {
  const verdict = Number.isNaN(value) ? 'not measured' : value <= most ? 'met' : 'NOT met';
  return `${name.padEnd(48)} ${value.toFixed(2).padStart(8)} ${String(most).padStart(8)}  ${verdict}`;
};
