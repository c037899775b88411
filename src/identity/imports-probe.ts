// Whether imported tokens exist, so that a secret of a foreign shape is worth a look-up. Asks the store rarely; the
// first import is noticed within seconds. Imports never go away, so "yes" is never asked again.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { TokenStore } from '../store/token-store.ts';
import { SingleFlight } from './single-flight.ts';

const askAgainMs = 5_000;

export class ImportsProbe {
  readonly #store: Pick<TokenStore, 'hasImports'>;
  readonly #monotonicMs: () => number;
  readonly #flights = new SingleFlight<boolean | Outage>();
  #exist = false;
  #absentUntilMs = -Infinity;

  constructor(store: Pick<TokenStore, 'hasImports'>, monotonicMs: () => number) {
    this.#store = store;
    this.#monotonicMs = monotonicMs;
  }

  /** Synchronous: whether the store said "none" a moment ago. */
  areKnownAbsent(): boolean {
    return !this.#exist && this.#monotonicMs() < this.#absentUntilMs;
  }

  async exist(): Promise<boolean | Outage> {
    if (this.#exist) return true;
    if (this.areKnownAbsent()) return false;
    return this.#flights.join('imports', async () => {
      const answer = await this.#store.hasImports();
      if (answer === true) this.#exist = true;
      if (answer === false) this.#absentUntilMs = this.#monotonicMs() + askAgainMs;
      return isOutage(answer) ? answer : this.#exist;
    });
  }
}
