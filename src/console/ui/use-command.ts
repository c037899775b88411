// Giving a command: one at a time, and what went wrong with it.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isProblem, type Problem } from '../api/problem.ts';
import type { Outcome } from '../api/request.ts';

export interface Command {
  readonly isBusy: boolean;
  readonly problem: Problem | undefined;
  readonly run: <T>(work: () => Promise<Outcome<T>>, done: (value: T) => void) => void;
  readonly clear: () => void;
}

export const useCommand = (): Command => {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const running = useRef(false);
  const isGone = useRef(false);
  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
    };
  }, []);
  const run = useCallback(<T>(work: () => Promise<Outcome<T>>, done: (value: T) => void): void => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setProblem(undefined);
    const finish = async (): Promise<void> => {
      const outcome = await work();
      running.current = false;
      if (isGone.current) return;
      setBusy(false);
      if (isProblem(outcome)) setProblem(outcome);
      else done(outcome);
    };
    void finish();
  }, []);
  return { isBusy, problem, run, clear: useCallback(() => setProblem(undefined), []) };
};
