// What a serving process does in the background to bring an older version's data up to date: in small steps, beside the
// requests, and again later where the server failed. Every task may run on several replicas at once.

import type { StoreContext } from './context.ts';
import { faultOf } from './fault.ts';

export type UpkeepTask = (context: StoreContext, isClosed: () => boolean) => Promise<void>;

const tryAgainMs = 15_000;

export interface Upkeep {
  /** Begins, once. */
  begin(): void;
  close(): void;
}

/** Begins nothing yet. A bug is thrown on; what the server refuses is tried again. */
export const createUpkeep = (context: StoreContext, tasks: readonly UpkeepTask[]): Upkeep => {
  let isBegun = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  const run = async (left: readonly UpkeepTask[]): Promise<void> => {
    const failed: UpkeepTask[] = [];
    for (const task of left)
      try {
        if (!isClosed) await task(context, () => isClosed);
      } catch (error) {
        const { code } = faultOf(error, []);
        if (!isClosed) context.log.warn('older data could not be brought up to date; trying again', { code });
        failed.push(task);
      }
    if (failed.length > 0 && !isClosed) timer = setTimeout(() => void run(failed), tryAgainMs).unref();
  };
  return {
    begin: () => {
      if (isBegun) return;
      isBegun = true;
      void run(tasks);
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
};
