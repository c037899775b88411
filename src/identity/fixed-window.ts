// Counts what each of many does in a window of time that runs from its first. Memory is bounded: those that did something
// longest ago are forgotten. Decides nothing: the limits in this room compare the counts with what the settings allow.

import { LRUCache } from 'lru-cache';

export interface FixedWindowOptions {
  readonly windowMs: number;
  /** How many are remembered. */
  readonly keysMax?: number | undefined;
  readonly monotonicMs?: (() => number) | undefined;
}

export const minuteMs = 60_000;

interface Count {
  readonly startMs: number;
  used: number;
}

/** Counts what somebody does in a window. */
export interface CountingWindow {
  used(key: string): number;
  /** Counts one more, and says how many that makes. */
  add(key: string): number;
  takeBack(key: string): void;
  forget(key: string): void;
}

export class FixedWindow implements CountingWindow {
  readonly #windowMs: number;
  readonly #monotonicMs: () => number;
  readonly #counts: LRUCache<string, Count>;

  constructor({ windowMs, keysMax = 10_000, monotonicMs = () => performance.now() }: FixedWindowOptions) {
    this.#windowMs = windowMs;
    this.#monotonicMs = monotonicMs;
    this.#counts = new LRUCache({ max: keysMax });
  }

  used(key: string): number {
    return this.#current(key)?.used ?? 0;
  }

  /** Counts one more, and says how many that makes. Counting on does not lengthen the window. */
  add(key: string): number {
    const count = this.#current(key);
    if (count !== undefined) return (count.used += 1);
    this.#counts.set(key, { startMs: this.#monotonicMs(), used: 1 });
    return 1;
  }

  takeBack(key: string): void {
    const count = this.#current(key);
    if (count === undefined) return;
    count.used -= 1;
    // What counts nothing must not push out what does.
    if (count.used <= 0) this.#counts.delete(key);
  }

  forget(key: string): void {
    this.#counts.delete(key);
  }

  #current(key: string): Count | undefined {
    const count = this.#counts.get(key);
    return count !== undefined && this.#monotonicMs() - count.startMs < this.#windowMs ? count : undefined;
  }
}
