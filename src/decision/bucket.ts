// A bucket of requests that fills at a steady rate: how many may pass at once, and how many over time. It is kept as one number,
// the moment at which it is full again (the generic cell rate algorithm, ITU-T I.371 annex A). Pure: no I/O, no clock.

export interface Bucket {
  /** In which one request's worth comes back. */
  readonly intervalMs: number;
  /** How many may pass at once. */
  readonly capacity: number;
}

export interface BucketState {
  /** Milliseconds since the epoch; in the past: it is full. */
  readonly fullAtMs: number;
  readonly granted: number;
  /** How many could be granted now. */
  readonly left: number;
  /** Until one more can be granted; 0 where `left` is more than 0. */
  readonly retryAfterMs: number;
}

/** Sums of fractions fall short of whole numbers by less. */
const epsilon = 1e-6;

/**
 * Charges `spent` (negative: gives back) and grants up to `wanted` of what is there. What was spent beyond the bucket is owed, but
 * no more than a whole bucket: neither a clock that was set back nor a store that was out closes it for longer.
 */
export const takeFromBucket = (
  { intervalMs, capacity }: Bucket,
  fullAtMs: number,
  nowMs: number,
  spent: number,
  wanted: number,
): BucketState => {
  const wholeMs = capacity * intervalMs;
  const known = Math.min(Math.max(fullAtMs, nowMs), nowMs + 2 * wholeMs);
  const charged = Math.min(Math.max(known + spent * intervalMs, nowMs), nowMs + 2 * wholeMs);
  const free = Math.floor((nowMs + wholeMs - charged) / intervalMs + epsilon);
  const granted = Math.max(0, Math.min(wanted, free));
  const nextMs = charged + granted * intervalMs;
  const left = Math.max(0, free - granted);
  return {
    fullAtMs: nextMs,
    granted,
    left,
    retryAfterMs: left > 0 ? 0 : Math.max(1, Math.ceil(nextMs + intervalMs - wholeMs - nowMs)),
  };
};
