// How much one issuer may be asked: so many questions at a time, and so many a second about tokens that were not good
// before. Strangers can invent tokens faster than an issuer can answer; they must neither flood it through us, nor take
// the room of callers whose tokens are known.

import { FixedWindow } from './fixed-window.ts';

export interface QuestionBudgetSettings {
  /** At most half of it is for tokens that were not good before. */
  readonly concurrencyMax: number;
  readonly newTokensPerSecond: number;
}

const secondMs = 1_000;
/** A window counts for one issuer alone. */
const only = '';

export class QuestionBudget {
  readonly #settings: QuestionBudgetSettings;
  readonly #begun: FixedWindow;
  #open = 0;
  #openForNew = 0;

  constructor(settings: QuestionBudgetSettings, monotonicMs?: () => number) {
    this.#settings = settings;
    this.#begun = new FixedWindow({ windowMs: secondMs, keysMax: 1, monotonicMs });
  }

  /** Asks when there is room. `isRenewal`: the token was good before. Undefined: there is no room. */
  async ask<Answer>(isRenewal: boolean, question: () => Promise<Answer>): Promise<Answer | undefined> {
    const { concurrencyMax, newTokensPerSecond } = this.#settings;
    if (this.#open >= concurrencyMax) return undefined;
    if (!isRenewal) {
      if (this.#openForNew >= Math.floor(concurrencyMax / 2)) return undefined;
      if (this.#begun.add(only) > newTokensPerSecond) return undefined;
      this.#openForNew += 1;
    }
    this.#open += 1;
    try {
      return await question();
    } finally {
      this.#open -= 1;
      if (!isRenewal) this.#openForNew -= 1;
    }
  }
}
