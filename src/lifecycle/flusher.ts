// Writes what is waiting in one go, a moment after the first of it came: one run at a time, and another planned where one
// left something. What is waiting, and where it goes, its owner decides. Logs once that the store takes nothing.

import type { Outage } from '../decision/outcome.ts';
import type { Log } from '../observe/log.ts';

export interface FlusherOptions {
  readonly everyMs: () => number;
  /** Writes what is waiting, as far as it is taken. */
  readonly flush: () => Promise<'done' | Outage>;
  readonly isWaiting: () => boolean;
  /** What waits, for the log. */
  readonly what: string;
  readonly log: Pick<Log, 'info' | 'warn'> | undefined;
}

export const createFlusher = ({ everyMs, flush, isWaiting, what, log }: FlusherOptions) => {
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;
  let isRefused = false;

  const report = (result: 'done' | Outage): void => {
    if (isRefused === (result !== 'done')) return;
    isRefused = result !== 'done';
    if (result === 'done') log?.info(`the store takes ${what} again`);
    else {
      const { cause, reason } = result;
      const error = cause instanceof Error ? cause.message : reason;
      log?.warn(`the store does not take ${what}; trying again`, { error });
    }
  };

  const flushOnce = (): Promise<void> => {
    flushing ??= flush()
      .then(report)
      .finally(() => {
        flushing = undefined;
        if (isWaiting()) plan();
      });
    return flushing;
  };
  const plan = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void flushOnce();
    }, everyMs()).unref();
  };
  return {
    /** Has something waiting: it is written a moment later. Synchronous; holds no process open. */
    plan,
    /** Waits for a run under way, then writes once more what is waiting; plans nothing afterwards. */
    close: async (): Promise<void> => {
      clearTimeout(timer);
      timer = undefined;
      await flushing;
      await flushOnce();
      clearTimeout(timer);
    },
  };
};
