// The one clock by which tokens are made and judged: the store's, as this process has read it. Replicas whose own clocks
// are minutes apart so agree on when a token was made and when it ends. Reads no store; store-watch.ts feeds it.
//
// Between readings it runs on this machine's monotonic clock, so a machine whose wall clock is set anew changes nothing.
// The first reading is taken as it is; what a later one says is approached, never jumped to: one wild reading moves the
// clock by a fraction of the time until the next, and after a failover to a server with another clock all replicas drift
// to it together, instead of refusing each other's tokens. Only a machine that slept, whose monotonic clock stood still
// while both other clocks went on, catches up at once: expired tokens must not live on as long as it slept.

export interface StoreClock {
  /** Milliseconds since the epoch. Never goes back once the clock is known; this machine's wall clock before that. */
  readonly now: () => number;
  /** A reading: what the store's clock said when this machine's monotonic clock was at 0. Milliseconds since the epoch. */
  readonly correct: (timeOriginMs: number) => void;
  /** How far this machine's wall clock is ahead of the store's, by the last reading; undefined before the first. */
  readonly offsetMs: () => number | undefined;
}

/** The most by which the clock runs fast or slow, as a fraction of the time that passes. Below 1, or it would go back. */
const slewMax = 0.25;

/** By how much the wall clock must have gone ahead of the monotonic one. */
const sleepMsMin = 1_000;

export interface StoreClockOptions {
  readonly wallMs?: () => number;
  readonly monotonicMs?: () => number;
}

export const createStoreClock = (options: StoreClockOptions = {}): StoreClock => {
  const { wallMs = Date.now, monotonicMs = () => performance.now() } = options;
  /** By the last reading; undefined before the first. */
  let readOriginMs: number | undefined;
  /** What the clock went by when that reading came. */
  let formerOriginMs = 0;
  let readAtMs = 0;
  let readAtWallMs = 0;

  const originAt = (atMs: number, readMs: number): number => {
    const mostMs = (atMs - readAtMs) * slewMax;
    const wantedMs = readMs - formerOriginMs;
    return formerOriginMs + Math.min(mostMs, Math.max(-mostMs, wantedMs));
  };

  return {
    now: () => {
      if (readOriginMs === undefined) return wallMs();
      const atMs = monotonicMs();
      return Math.floor(atMs + originAt(atMs, readOriginMs));
    },
    correct: (timeOriginMs) => {
      const [atMs, atWallMs] = [monotonicMs(), wallMs()];
      const shownOriginMs = readOriginMs === undefined ? timeOriginMs : originAt(atMs, readOriginMs);
      const behindMs = timeOriginMs - shownOriginMs;
      const sleptMs = atWallMs - readAtWallMs - (atMs - readAtMs);
      const hasSlept = sleptMs > sleepMsMin && behindMs > 0 && behindMs <= sleptMs + sleepMsMin;
      formerOriginMs = hasSlept ? timeOriginMs : shownOriginMs;
      readOriginMs = timeOriginMs;
      readAtMs = atMs;
      readAtWallMs = atWallMs;
    },
    offsetMs: () => (readOriginMs === undefined ? undefined : wallMs() - (readOriginMs + monotonicMs())),
  };
};

/**
 * One reading out of those of all servers of a store: the middle one, so that a single server of a Cluster whose clock is
 * wrong moves nothing. Undefined where the store has no clock of its own.
 */
export const middleReading = (timeOriginsMs: readonly number[]): number | undefined =>
  timeOriginsMs.toSorted((a, b) => a - b)[(timeOriginsMs.length - 1) >> 1];
