// Metrics whose numbers live in plain arrays and are read only when Prometheus asks. prom-client hashes the labels on
// every increment, even of a bound child; the request path cannot afford that.
// Nothing here makes up a label: the rows come from the closed tables of the caller.

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

type Labels<T extends string> = Readonly<Partial<Record<T, string>>>;

export interface Row<T extends string> {
  readonly labels: Labels<T>;
  readonly value: number;
}

export interface Naming<T extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly T[];
}

/** Registers a counter that is read through `rows` at scrape time. */
export const publishCounter = <T extends string>(
  registry: Registry,
  naming: Naming<T>,
  rows: () => Iterable<Row<T>>,
): void => registry.registerMetric(new LiveCounter(naming, rows));

class LiveCounter<T extends string> extends Counter<T> {
  readonly #rows: () => Iterable<Row<T>>;

  constructor(naming: Naming<T>, rows: () => Iterable<Row<T>>) {
    super({ ...naming, registers: [] });
    this.#rows = rows;
  }

  override async get() {
    const shape = await super.get();
    return { ...shape, values: [...this.#rows()] };
  }
}

/** Registers a gauge that is read through `rows` at scrape time; without rows it has no series. */
export const publishGauge = <T extends string>(
  registry: Registry,
  naming: Naming<T>,
  rows: () => Iterable<Row<T>>,
): void => registry.registerMetric(new LiveGauge(naming, rows));

class LiveGauge<T extends string> extends Gauge<T> {
  readonly #rows: () => Iterable<Row<T>>;

  constructor(naming: Naming<T>, rows: () => Iterable<Row<T>>) {
    super({ ...naming, registers: [] });
    this.#rows = rows;
  }

  override async get() {
    const shape = await super.get();
    return { ...shape, values: [...this.#rows()] };
  }
}

/** Observations of one label set: `counts[i]` of them at most `bounds[i]`, the last one above every bound. */
export interface Distribution<T extends string> {
  readonly labels: Labels<T>;
  readonly counts: Float64Array;
  sum: number;
}

/** Whether it holds an observation: what has none needs no series. */
export const isObserved = <T extends string>({ counts }: Distribution<T>): boolean =>
  counts.some((count) => count > 0);

export const emptyDistribution = <T extends string>(
  labels: Labels<T>,
  bounds: readonly number[],
): Distribution<T> => ({ labels, counts: new Float64Array(bounds.length + 1), sum: 0 });

/** Adds one observation, in the unit of `bounds`. A few comparisons, no allocation. */
export const observe = <T extends string>(
  distribution: Distribution<T>,
  bounds: readonly number[],
  value: number,
): void => {
  const { counts } = distribution;
  let slot = 0;
  while (slot < bounds.length && value > (bounds[slot] ?? 0)) slot += 1;
  counts[slot] = (counts[slot] ?? 0) + 1;
  distribution.sum += value;
};

/** Registers a histogram that is read through `distributions` at scrape time. */
export const publishHistogram = <T extends string>(
  registry: Registry,
  naming: Naming<T>,
  bounds: readonly number[],
  distributions: () => Iterable<Distribution<T>>,
): void => registry.registerMetric(new LiveHistogram(naming, bounds, distributions));

class LiveHistogram<T extends string> extends Histogram<T> {
  readonly #naming: Naming<T>;
  readonly #bounds: readonly number[];
  readonly #distributions: () => Iterable<Distribution<T>>;

  constructor(naming: Naming<T>, bounds: readonly number[], distributions: () => Iterable<Distribution<T>>) {
    super({ ...naming, buckets: [...bounds], registers: [] });
    this.#naming = naming;
    this.#bounds = bounds;
    this.#distributions = distributions;
  }

  /** What prom-client reads, both for text and for its own `get()`. */
  getForPromString() {
    const { help } = this.#naming;
    const values = [...this.#distributions()].flatMap((each) => this.#rows(each));
    return Promise.resolve({ name: this.#naming.name, help, type: 'histogram', values, aggregator: 'sum' });
  }

  #rows({ labels, counts, sum }: Distribution<T>) {
    const { name } = this.#naming;
    let total = 0;
    const buckets = Array.from(counts, (count, slot) => {
      total += count;
      const le = slot < this.#bounds.length ? String(this.#bounds[slot]) : '+Inf';
      return { labels: { le }, sharedLabels: labels, value: total, metricName: `${name}_bucket` };
    });
    return [
      ...buckets,
      { labels: {}, sharedLabels: labels, value: sum, metricName: `${name}_sum` },
      { labels: {}, sharedLabels: labels, value: total, metricName: `${name}_count` },
    ];
  }
}
