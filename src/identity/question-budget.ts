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

/** Asks when there is room. `isRenewal`: the token was good before. Undefined: there is no room. */
export const createQuestionBudget = (
  { concurrencyMax, newTokensPerSecond }: QuestionBudgetSettings,
  monotonicMs?: () => number,
) => {
  const begun = new FixedWindow({ windowMs: secondMs, keysMax: 1, monotonicMs });
  let open = 0;
  let openForNew = 0;
  return async <Answer>(isRenewal: boolean, question: () => Promise<Answer>): Promise<Answer | undefined> => {
    if (open >= concurrencyMax) return undefined;
    if (!isRenewal) {
      if (openForNew >= Math.floor(concurrencyMax / 2)) return undefined;
      if (begun.add(only) > newTokensPerSecond) return undefined;
      openForNew += 1;
    }
    open += 1;
    try {
      return await question();
    } finally {
      open -= 1;
      if (!isRenewal) openForNew -= 1;
    }
  };
};
