// Rounds of questions to several servers, some of which may be dead. There are never two rounds at once, and no round waits
// for a server that hangs.

import { setTimeout as delay } from 'node:timers/promises';

/** A server that is slower than the first that answered by more than this is not waited for. */
const slowerMsMax = 300;
/** Between two rounds, however often somebody asks. */
const pauseMs = 100;

/** The answers that came in time. An ask that rejects has no answer. */
export const firstAnswers = async <T>(asks: readonly Promise<T>[]): Promise<readonly T[]> => {
  const answers: T[] = [];
  const done = asks.map(async (ask) => void answers.push(await ask));
  const patience = new AbortController();
  await Promise.race([
    Promise.allSettled(done),
    Promise.any(done)
      .catch(() => undefined)
      .then(() => delay(slowerMsMax, undefined, { ref: false, signal: patience.signal }))
      .catch(() => undefined),
  ]);
  patience.abort();
  return [...answers];
};

/** Makes a round that those who ask meanwhile share. */
export const sharedRounds = (round: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  let endedMs = -Infinity;
  const run = async (): Promise<void> => {
    const waitMs = endedMs + pauseMs - performance.now();
    if (waitMs > 0) await delay(waitMs, undefined, { ref: false });
    try {
      await round();
    } finally {
      endedMs = performance.now();
      running = undefined;
    }
  };
  return () => (running ??= run());
};
