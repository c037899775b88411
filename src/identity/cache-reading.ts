// What the identifier's cache counts, and how it tells. Counts go on when a reload puts another identifier in its place.

/** Counts since the start, and sizes now. */
export interface CacheReading {
  readonly hits: number;
  /** Look-ups and verifications begun, and requests that joined one under way. */
  readonly misses: number;
  readonly shared: number;
  /** Refused from memory, or by shape alone. */
  readonly unknownHits: number;
  /** Served past their time because the store was out. */
  readonly stale: number;
  readonly identities: number;
  readonly unknowns: number;
  readonly inFlight: number;
}

export type CacheCounts = Record<'hits' | 'misses' | 'shared' | 'unknownHits' | 'stale', number>;

export const newCacheCounts = (): CacheCounts => ({
  hits: 0,
  misses: 0,
  shared: 0,
  unknownHits: 0,
  stale: 0,
});
