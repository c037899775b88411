// Metrics that are read only when Prometheus asks, in its text format 0.0.4. prom-client hashes the labels on every increment,
// which the request path cannot afford. No label is made up here: the rows come from closed tables.

type Labels = Readonly<Record<string, string>>;

export interface Row {
  readonly labels: Labels;
  readonly value: number;
}

/** Rows, or the one value of a family without labels; undefined: there is none now. */
export type Reading = Iterable<Row> | number | undefined;

/** Families of series, each read through a function at scrape time. A family without rows has no series. */
export class LiveSeries {
  readonly #families: (() => string)[] = [];

  counter(name: string, help: string, read: () => Reading): void {
    this.#add(name, 'counter', help, read);
  }

  gauge(name: string, help: string, read: () => Reading): void {
    this.#add(name, 'gauge', help, read);
  }

  /** A counter with one label, from zero for each of its values. Returns how to count. */
  tally<Value extends string>(
    name: string,
    help: string,
    label: string,
    values: readonly Value[],
  ): (value: Value) => void {
    const counts = new Map(values.map((value) => [value, 0]));
    this.counter(name, help, () => rowsBy(label, counts));
    return (value) => void counts.set(value, (counts.get(value) ?? 0) + 1);
  }

  histogram(name: string, help: string, distributions: () => Iterable<Distribution>): void {
    this.#families.push(() => {
      let text = headOf(name, 'histogram', help);
      for (const distribution of distributions()) text += distributionText(name, distribution);
      return text;
    });
  }

  #add(name: string, type: string, help: string, read: () => Reading): void {
    this.#families.push(() => {
      const reading = read() ?? [];
      let text = headOf(name, type, help);
      if (typeof reading === 'number') return text + lineOf(name, {}, reading);
      for (const { labels, value } of reading) text += lineOf(name, labels, value);
      return text;
    });
  }

  /** Every family, in the order in which they were added. */
  render(): string {
    return this.#families.map((render) => render()).join('\n');
  }
}

/** One row for each value of a label. */
export const rowsBy = (label: string, counts: Iterable<readonly [string, number]>): Iterable<Row> =>
  Array.from(counts, ([text, value]) => ({ labels: { [label]: text }, value }));

/** Seconds; from half a millisecond, which is where this proxy lives. */
const bounds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Durations of one label set: `counts[i]` of them at most `bounds[i]`, the last one above every bound. */
export interface Distribution {
  readonly labels: Labels;
  readonly counts: Float64Array;
  sum: number;
}

/** Whether it holds an observation: what has none needs no series. */
export const isObserved = ({ counts }: Distribution): boolean => counts.some((count) => count > 0);

export const emptyDistribution = (labels: Labels): Distribution => ({
  labels,
  counts: new Float64Array(bounds.length + 1),
  sum: 0,
});

/** Adds one duration. A few comparisons, no allocation. */
export const observe = (distribution: Distribution, ms: number): void => {
  const seconds = ms / 1000;
  const { counts } = distribution;
  let slot = 0;
  while (slot < bounds.length && seconds > (bounds[slot] ?? 0)) slot += 1;
  counts[slot] = (counts[slot] ?? 0) + 1;
  distribution.sum += seconds;
};

/** The bound under which this share of all durations lies, in ms; undefined: there are none, or it lies above every bound. */
export const boundOfShare = (distributions: Iterable<Distribution>, share: number): number | undefined => {
  const totals = new Float64Array(bounds.length + 1);
  for (const { counts } of distributions)
    for (const [slot, count] of counts.entries()) totals[slot] = (totals[slot] ?? 0) + count;
  const wanted = totals.reduce((sum, count) => sum + count, 0) * share;
  let below = 0;
  for (const [slot, count] of totals.entries()) {
    below += count;
    if (below > 0 && below >= wanted) return slot < bounds.length ? (bounds[slot] ?? 0) * 1000 : undefined;
  }
  return undefined;
};

const distributionText = (name: string, { labels, counts, sum }: Distribution): string => {
  let total = 0;
  let text = '';
  for (const [slot, count] of counts.entries()) {
    total += count;
    const le = slot < bounds.length ? String(bounds[slot]) : '+Inf';
    text += lineOf(`${name}_bucket`, { le, ...labels }, total);
  }
  return text + lineOf(`${name}_sum`, labels, sum) + lineOf(`${name}_count`, labels, total);
};

const headOf = (name: string, type: string, help: string): string =>
  `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}\n# TYPE ${name} ${type}\n`;

const lineOf = (name: string, labels: Labels, value: number): string => {
  const pairs = Object.entries(labels).map(
    ([label, text]) => `${label}="${text.replace(/[\\\n"]/g, escaped)}"`,
  );
  const series = pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
  return `${series} ${value === Infinity ? '+Inf' : value}\n`;
};

const escaped = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`);
