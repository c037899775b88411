// The one clock by which tokens are made and judged: the store's, as this process has read it. Replicas whose own clocks
// are minutes apart so agree on when a token was made and when it ends. store-watch.ts feeds it.
//
// A reading is wrong by half its round trip at most, which on a busy machine is long. As in the clock filter of NTP (RFC 5905
// section 10), a reading that is less certain than what is known moves the clock only as far as it contradicts that.
//
// Between readings it runs on this machine's monotonic clock. The first reading, the best of three, is taken as it is. The clock
// approaches what a later one says and never jumps: after a failover to a server with another clock all replicas drift to it
// together, instead of refusing each other's tokens. Only a machine that slept catches up at once: expired tokens must not
// live on as long as it slept.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { ClockReading, TokenStore } from '../store/token-store.ts';

export interface StoreClock {
  /** Milliseconds since the epoch. Never goes back once the clock is known; this machine's wall clock before that. */
  readonly now: () => number;
  readonly correct: (reading: ClockReading) => void;
  /** How far this machine's wall clock is ahead of the store's, by what is known; undefined before the first reading. */
  readonly offsetMs: () => number | undefined;
}

/** The most by which the clock runs fast or slow, as a fraction of the time that passes. Below 1, or it would go back. */
const slewMax = 0.25;

/** How fast what is known becomes uncertain: two clocks drift apart by less, as a fraction of the time that passes. */
const driftMax = 0.0005;

/** By how much the wall clock must have gone ahead of the monotonic one. */
const sleepMsMin = 1_000;

/** `wallMs` and `monotonicMs`: other clocks, for tests. */
export const createStoreClock = ({
  wallMs = Date.now,
  monotonicMs = () => performance.now(),
} = {}): StoreClock => {
  /** By the readings; undefined before the first. */
  let readOriginMs: number | undefined;
  /** By how much that was uncertain when it was read. */
  let uncertaintyMs = 0;
  /** What the clock went by when the last reading that counted came. */
  let formerOriginMs = 0;
  let readAtMs = 0;
  let readAtWallMs = 0;

  const originAt = (atMs: number, readMs: number): number => {
    const mostMs = (atMs - readAtMs) * slewMax;
    const wantedMs = readMs - formerOriginMs;
    return formerOriginMs + Math.min(mostMs, Math.max(-mostMs, wantedMs));
  };

  /** What is known with a reading; undefined: it tells nothing new. */
  const learn = (reading: ClockReading, atMs: number): ClockReading | undefined => {
    if (readOriginMs === undefined || reading.uncertaintyMs < uncertaintyMs + (atMs - readAtMs) * driftMax)
      return reading;
    const least = reading.originMs - reading.uncertaintyMs;
    const most = reading.originMs + reading.uncertaintyMs;
    if (least <= readOriginMs && readOriginMs <= most) return undefined;
    const originMs = Math.min(most, Math.max(least, readOriginMs));
    return { originMs, uncertaintyMs: 2 * reading.uncertaintyMs };
  };

  return {
    now: () => {
      if (readOriginMs === undefined) return wallMs();
      const atMs = monotonicMs();
      return Math.floor(atMs + originAt(atMs, readOriginMs));
    },
    correct: (reading) => {
      const [atMs, atWallMs] = [monotonicMs(), wallMs()];
      const learnt = learn(reading, atMs);
      if (learnt === undefined) return;
      const timeOriginMs = learnt.originMs;
      const shownOriginMs = readOriginMs === undefined ? timeOriginMs : originAt(atMs, readOriginMs);
      const behindMs = timeOriginMs - shownOriginMs;
      const sleptMs = atWallMs - readAtWallMs - (atMs - readAtMs);
      const hasSlept = sleptMs > sleepMsMin && behindMs > 0 && behindMs <= sleptMs + sleepMsMin;
      formerOriginMs = hasSlept ? timeOriginMs : shownOriginMs;
      readOriginMs = timeOriginMs;
      ({ uncertaintyMs } = learnt);
      readAtMs = atMs;
      readAtWallMs = atWallMs;
    },
    offsetMs: () => (readOriginMs === undefined ? undefined : wallMs() - (readOriginMs + monotonicMs())),
  };
};

/** So that a single server of a Cluster whose clock is wrong moves nothing. Undefined where the store has no clock. */
const middleReading = (readings: readonly ClockReading[]): ClockReading | undefined =>
  readings.toSorted((a, b) => a.originMs - b.originMs)[(readings.length - 1) >> 1];

/** A reading as certain as this needs no second one. */
const certainMs = 10;

/** The most certain of up to `triesMax` readings of the store's clock. Undefined: the machine's clock is the store's. */
export const readStoreClock = async (
  probe: TokenStore['probe'],
  triesMax = 3,
): Promise<ClockReading | undefined | Outage> => {
  let best: ClockReading | undefined;
  for (let tries = 0; tries < triesMax && (best?.uncertaintyMs ?? Infinity) > certainMs; tries++) {
    const found = await probe();
    if (isOutage(found)) return best ?? found;
    const reading = middleReading(found.readings);
    if (reading === undefined) return undefined;
    if (best === undefined || reading.uncertaintyMs < best.uncertaintyMs) best = reading;
  }
  return best;
};
