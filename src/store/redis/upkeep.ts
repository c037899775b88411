// Tasks of a serving process in the background: they bring an older version's data up to date, and remove what has vanished.
// They run one after the other, in small steps between requests. Every task may run on several replicas at once.

import type { StoreContext } from './context.ts';
import { faultOf } from './fault.ts';

export interface UpkeepTask {
  readonly work: (context: StoreContext, isClosed: () => boolean) => Promise<void>;
  /** How long after it ended well it is done again. */
  readonly everyMs: number;
}

export interface Upkeep {
  readonly isBegun: boolean;
  /** Begins, once. */
  begin(): void;
  close(): void;
}

/** After a failure, such as a server that is down. */
const tryAgainMs = 15_000;

/** Begins nothing yet. A bug is thrown on; what the server refuses is tried again. */
export const createUpkeep = (context: StoreContext, tasks: readonly UpkeepTask[]): Upkeep => {
  let isBegun = false;
  let isClosed = false;
  const timers = new Set<NodeJS.Timeout>();
  const runAfter = (task: UpkeepTask, waitMs: number): void => {
    if (isClosed) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void run(task);
    }, waitMs).unref();
    timers.add(timer);
  };
  const run = async (task: UpkeepTask): Promise<void> => {
    try {
      await task.work(context, () => isClosed);
      runAfter(task, task.everyMs);
    } catch (error) {
      const { code } = faultOf(error, []);
      if (!isClosed) context.log.warn('upkeep of the store failed; trying again', { code });
      runAfter(task, tryAgainMs);
    }
  };
  return {
    get isBegun() {
      return isBegun;
    },
    begin: () => {
      if (isBegun) return;
      isBegun = true;
      void (async () => {
        for (const task of tasks) if (!isClosed) await run(task);
      })();
    },
    close: () => {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
};
