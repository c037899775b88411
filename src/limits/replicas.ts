// How many replicas count against the same limits: each says every few seconds that it lives. While the store is out, the number is
// what it was.

import { randomUUID } from 'node:crypto';
import { isOutage } from '../decision/outcome.ts';
import type { CountStore } from '../store/count-store.ts';

const noteEveryMs = 3_000;
const soonMs = 500;
const livesForMs = 10_000;

export class Replicas {
  readonly #store: Pick<CountStore, 'noteReplica'>;
  readonly #now: () => number;
  readonly #id = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  #soonTimer: NodeJS.Timeout | undefined;
  /** Of the last two answers: a store that lost its records hears of the others again within their time. */
  #heard: readonly number[] = [1];

  constructor(store: Pick<CountStore, 'noteReplica'>, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  begin(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => void this.#note(livesForMs), noteEveryMs).unref();
    void this.#note(livesForMs);
    // Those that began at the same moment hear of each other soon.
    this.#soonTimer = setTimeout(() => void this.#note(livesForMs), soonMs).unref();
  }

  /** At least 1. */
  get count(): number {
    return Math.max(...this.#heard);
  }

  /** The others need not wait until it is forgotten. */
  async close(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    clearTimeout(this.#soonTimer);
    await this.#note(1);
  }

  async #note(forMs: number): Promise<void> {
    const count = await this.#store.noteReplica(this.#id, this.#now(), forMs).catch(() => 1);
    if (!isOutage(count)) this.#heard = [...this.#heard.slice(-1), Math.max(1, count)];
  }
}
