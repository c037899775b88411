// A window that counts what all replicas do together: each adds what it counts to a tally in the store, in the background and in
// batches, and hears the sum. What this replica counts by itself is the least that counts, whatever the store says or does not say.

import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { isOutage } from '../decision/outcome.ts';
import type { CountStore, TallyTotal } from '../store/count-store.ts';
import { type CountingWindow, FixedWindow, type FixedWindowOptions } from './fixed-window.ts';

/** Of somebody who has done a share of what is allowed: what others do seldom is not worth a write of the store. */
const reportedShare = 64;
/** The first report of a moment goes out so much later, with all that comes meanwhile. */
const soonMs = 20;
const reportEveryMs = 100;
const tryAgainMs = 1_000;
const reportedAtOnce = 500;
/** What waits to be reported is bounded; more is counted by this replica alone. */
const waitingMax = 10_000;

/** What is known of somebody beside this replica's own count. */
interface Together {
  readonly key: string;
  readonly windowMs: number;
  /** As the store said last, until then. */
  heard: number;
  heardUntilMs: number;
  /** Counted here, and not yet in what was heard; since then. */
  unheard: number;
  sinceMs: number;
}

interface TalliesDeps {
  readonly store: Pick<CountStore, 'addTallies'>;
  /** The store's clock, in ms since the epoch. */
  readonly now: () => number;
  readonly monotonicMs?: () => number;
}

/** Reports what shared windows count. */
export class Tallies {
  readonly #deps: TalliesDeps;
  readonly monotonicMs: () => number;
  readonly #waiting = new Set<Together>();
  #timer: NodeJS.Timeout | undefined;
  #isReporting = false;
  #isClosed = false;

  constructor(deps: TalliesDeps) {
    this.#deps = deps;
    this.monotonicMs = deps.monotonicMs ?? (() => performance.now());
  }

  note(together: Together): void {
    if (this.#waiting.size >= waitingMax) return;
    this.#waiting.add(together);
    if (!this.#isReporting) this.#plan(soonMs);
  }

  /** Reports what is left, without waiting for a store that is out. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    if (!this.#isReporting) await this.#report();
  }

  #plan(afterMs: number): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#report();
    }, afterMs).unref();
  }

  async #report(): Promise<void> {
    const clockMs = this.monotonicMs();
    const some: { readonly together: Together; readonly delta: number }[] = [];
    for (const together of this.#waiting) {
      if (some.length >= reportedAtOnce) break;
      this.#waiting.delete(together);
      // What lies a whole window back counts no more.
      if (clockMs - together.sinceMs >= together.windowMs) together.unheard = 0;
      // What was taken back already still asks what others count.
      some.push({ together, delta: together.unheard });
    }
    if (some.length === 0) return;
    this.#isReporting = true;
    const parts = some.map(({ together: { key, windowMs }, delta }) => ({ key, windowMs, delta }));
    const totals = await this.#deps.store.addTallies(parts, this.#deps.now()).catch(() => undefined);
    this.#isReporting = false;
    const isHeard = totals !== undefined && !isOutage(totals);
    for (const [index, { together, delta }] of some.entries())
      if (isHeard) this.#hear(together, delta, totals[index]);
      else this.#waiting.add(together);
    if (this.#waiting.size > 0) this.#plan(isHeard ? reportEveryMs : tryAgainMs);
  }

  #hear(together: Together, delta: number, total: TallyTotal | undefined): void {
    if (total === undefined) return;
    const clockMs = this.monotonicMs();
    together.heard = total.total;
    together.heardUntilMs = clockMs + total.endsAfterMs;
    together.unheard -= delta;
    together.sinceMs = clockMs;
  }
}

class SharedWindow implements CountingWindow {
  readonly #own: FixedWindow;
  readonly #name: string;
  readonly #windowMs: number;
  readonly #reportFrom: number;
  readonly #tallies: Tallies;
  readonly #together: LRUCache<string, Together>;

  /** `most`: how many are allowed. */
  constructor(tallies: Tallies, name: string, options: FixedWindowOptions, most: number) {
    this.#own = new FixedWindow(options);
    this.#name = name;
    this.#windowMs = options.windowMs;
    this.#reportFrom = Math.max(1, Math.ceil(most / reportedShare));
    this.#tallies = tallies;
    this.#together = new LRUCache({ max: options.keysMax ?? 10_000 });
  }

  used(key: string): number {
    const together = this.#together.get(key);
    return Math.max(this.#own.used(key), together === undefined ? 0 : this.#sumOf(together));
  }

  add(key: string): number {
    const own = this.#own.add(key);
    const known = this.#together.get(key);
    if (known !== undefined) {
      this.#count(known, 1);
      return Math.max(own, this.#sumOf(known));
    }
    if (own >= this.#reportFrom) this.#count(this.#begin(key), own);
    return own;
  }

  takeBack(key: string): void {
    this.#own.takeBack(key);
    const known = this.#together.get(key);
    if (known !== undefined) this.#count(known, -1);
  }

  forget(key: string): void {
    this.#own.forget(key);
    const known = this.#together.get(key);
    if (known !== undefined) this.#count(known, -this.#sumOf(known));
  }

  #begin(key: string): Together {
    const together = {
      key: `tally:${this.#name}:${hash('sha256', key).slice(0, 32)}`,
      windowMs: this.#windowMs,
      heard: 0,
      heardUntilMs: 0,
      unheard: 0,
      sinceMs: this.#tallies.monotonicMs(),
    };
    this.#together.set(key, together);
    return together;
  }

  #count(together: Together, delta: number): void {
    if (together.unheard === 0) together.sinceMs = this.#tallies.monotonicMs();
    together.unheard += delta;
    this.#tallies.note(together);
  }

  #sumOf({ heard, heardUntilMs, unheard }: Together): number {
    const known = this.#tallies.monotonicMs() < heardUntilMs ? heard : 0;
    return Math.max(0, known + unheard);
  }
}

/** Counts over all replicas, or by this process alone where there are no `tallies`. */
export const windowFor = (
  tallies: Tallies | undefined,
  name: string,
  options: FixedWindowOptions,
  most: number,
): CountingWindow =>
  tallies === undefined ? new FixedWindow(options) : new SharedWindow(tallies, name, options, most);
