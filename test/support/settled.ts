// Waits until a count that something moves stands still: the same in fifty turns of the event loop in a row, 10 ms apart.
// Turns and not time alone, or a machine that stood still for a moment would be taken for a count that does.

import { setTimeout as delay } from 'node:timers/promises';

const stillTurnsMin = 50;

/** Resolves with the count it came to rest at. */
export const settled = async (count: () => number): Promise<number> => {
  let last = count();
  for (let stillTurns = 0; stillTurns < stillTurnsMin; stillTurns += 1) {
    await delay(10);
    if (count() === last) continue;
    last = count();
    stillTurns = -1;
  }
  return last;
};
