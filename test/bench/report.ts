// The bench's figures as a table, and beside each target whether it is met. Two subjects are compared round by round: a
// neighbour that is noisy for a while slows both. Where the rounds disagree there is no verdict.

export interface Figures {
  /** Subject -> CPU microseconds a request, one a round. */
  readonly cpu: ReadonlyMap<string, readonly number[]>;
  /** Subject -> median response time at 1,000 requests a second, in microseconds, one a round. */
  readonly p50: ReadonlyMap<string, readonly number[]>;
  readonly idleMb: number;
  readonly fullMb: number;
  /** Cached when `fullMb` was read. */
  readonly identities: number;
}

/** A bare proxy that removes the credential and adds the headers that Tollgate adds: what nobody can do for less. */
export const yardstick = 'bare undici, same headers';

/** Fewer say too little of a machine that others use too. */
export const roundsMin = 5;

const quantile = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
};
const median = (values: readonly number[]): number => quantile(values, 0.5);

export type Verdict = 'met' | 'NOT met' | 'too noisy' | 'not measured';

/** Quartiles further apart than this part of the median say more of the machine than of the subjects. */
const spreadMax = 0.3;

/**
 * Whether values of several rounds keep to `most`: only where three quarters of the rounds say the same, and do not
 * differ too much. A single value is a reading, not a round.
 */
export const verdictOn = (values: readonly number[], most: number): Verdict => {
  if (values.length === 0 || values.some(Number.isNaN)) return 'not measured';
  const [first = Number.NaN] = values;
  if (values.length === 1) return first <= most ? 'met' : 'NOT met';
  const spread = quantile(values, 0.75) - quantile(values, 0.25);
  if (spread > spreadMax * Math.abs(median(values))) return 'too noisy';
  const within = values.filter((value) => value <= most).length / values.length;
  return within >= 0.75 ? 'met' : within <= 0.25 ? 'NOT met' : 'too noisy';
};

/** Round by round. */
export const ratios = (one: readonly number[], other: readonly number[]): readonly number[] =>
  one.slice(0, other.length).map((value, round) => value / (other[round] ?? Number.NaN));

export const report = ({ cpu, p50, idleMb, fullMb, identities }: Figures): string => {
  const addedMs = (name: string): readonly number[] => {
    const direct = p50.get('direct') ?? [];
    return (p50.get(name) ?? []).map((value, round) => (value - (direct[round] ?? Number.NaN)) / 1000);
  };
  const table = [...cpu].map(([name, values]) => {
    const extra = addedMs(name);
    return [
      name.padEnd(32),
      median(values).toFixed(1).padStart(8),
      `${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)}`.padStart(14),
      (extra.length === 0 ? '' : `${median(extra).toFixed(2)} ms`).padStart(10),
    ].join(' ');
  });
  const ratio = (name: string, other: string): readonly number[] =>
    ratios(cpu.get(name) ?? [], cpu.get(other) ?? []);
  /** The dearer of the two kinds of cached credential. */
  const cachedTo = (other: string): readonly number[] => {
    const accessToken = ratio('tollgate, cached access token', other);
    return ratio('tollgate, cached API token', other).map((value, round) =>
      Math.max(value, accessToken[round] ?? Number.NaN),
    );
  };
  const targets = [
    target(`cached / ${yardstick}`, cachedTo(yardstick), 1.15),
    target('cached / bare undici', cachedTo('bare undici'), 1.25),
    target('cached / bare http-proxy', cachedTo('bare http-proxy'), 0.45),
    target('cached / HAProxy jwt_verify', cachedTo('HAProxy, jwt_verify RS256'), 1),
    target('miss / cached', ratio('tollgate, miss', 'tollgate, cached API token'), 2),
    target('401 / cached', ratio('tollgate, 401', 'tollgate, cached API token'), 0.45),
    target('forward-auth / bare hello world', ratio('tollgate, forward-auth', 'bare hello world'), 1.3),
    target('added latency p50, ms', addedMs('tollgate, cached API token'), 0.3),
    target('resident memory idle, MB', [idleMb], 120),
    identities < 100_000
      ? `${`resident memory, ${identities} identities, MB`.padEnd(48)} ${fullMb.toFixed(2).padStart(8)}           not filled`
      : target('resident memory, 100,000 identities, MB', [fullMb], 250),
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

const target = (name: string, values: readonly number[], most: number): string =>
  `${name.padEnd(48)} ${median(values).toFixed(2).padStart(8)} ${String(most).padStart(8)}  ${verdictOn(values, most)}`;
