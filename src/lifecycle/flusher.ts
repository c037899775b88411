// Writes what is waiting in one go, a moment after the first of it came: one run at a time, and another planned where one
// left something. What is waiting, and where it goes, is its owner's business.

export interface Flusher {
  /** Has something waiting: it is written a moment later. Synchronous; holds no process open. */
  readonly plan: () => void;
  /** Waits for a run under way, then writes once more what is waiting; plans nothing afterwards. */
  readonly close: () => Promise<void>;
}

export interface FlusherOptions {
  readonly everyMs: number;
  /** Writes what is waiting, as far as it is taken. */
  readonly flush: () => Promise<void>;
  readonly isWaiting: () => boolean;
}

export const createFlusher = ({ everyMs, flush, isWaiting }: FlusherOptions): Flusher => {
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;

  const flushOnce = (): Promise<void> => {
    flushing ??= flush().finally(() => {
      flushing = undefined;
      if (isWaiting()) plan();
    });
    return flushing;
  };
  const plan = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void flushOnce();
    }, everyMs).unref();
  };
  return {
    plan,
    close: async () => {
      clearTimeout(timer);
      timer = undefined;
      await flushing;
      await flushOnce();
      clearTimeout(timer);
    },
  };
};
