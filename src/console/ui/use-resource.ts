// Loading what a page shows: its states, again on demand, again when the person comes back to the tab, and by itself while
// the store or the server is down.

import { useCallback, useEffect, useState } from 'preact/hooks';
import { isOutage, isProblem, type Problem } from '../api/problem.ts';
import type { Outcome } from '../api/request.ts';

export type Resource<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly problem: Problem }
  /** `isStale`: it is being loaded again, or that failed and `problem` says why. */
  | { readonly kind: 'ready'; readonly value: T; readonly isStale: boolean; readonly problem?: Problem };

export interface Loaded<T> {
  readonly resource: Resource<T>;
  readonly reload: () => void;
  /** Puts in what a command answered. */
  readonly put: (value: T) => void;
}

const retryMs = 10_000;

/** `key`: what the answer depends on. With another key the value shown before is not shown any more. */
export const useResource = <T>(
  key: string,
  load: (signal: AbortSignal) => Promise<Outcome<T>>,
  everyMs?: number,
): Loaded<T> => {
  const [held, setHeld] = useState<{ readonly key: string; readonly resource: Resource<T> }>({
    key,
    resource: { kind: 'loading' },
  });
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    setHeld((before) => ({
      key,
      resource: before.key === key ? aged(before.resource) : { kind: 'loading' },
    }));
    load(abort.signal).then(
      (outcome) => {
        if (abort.signal.aborted) return;
        setHeld((before) => ({ key, resource: settled(before.resource, outcome) }));
        const waitMs = isProblem(outcome) && isOutage(outcome) ? retryMs : everyMs;
        // In a tab that nobody sees it waits for the person to come back.
        if (waitMs !== undefined && document.visibilityState === 'visible')
          timer = window.setTimeout(reload, waitMs);
      },
      (error: unknown) => {
        if (!abort.signal.aborted) throw error;
      },
    );
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
    // `load` is made anew with each render; `key` says when it asks for something else.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [key, turn, reload, everyMs]);
  useReturn(reload);
  const put = useCallback(
    (value: T) => setHeld({ key, resource: { kind: 'ready', value, isStale: false } }),
    [key],
  );
  return { resource: held.key === key ? held.resource : { kind: 'loading' }, reload, put };
};

const aged = <T>(resource: Resource<T>): Resource<T> =>
  resource.kind === 'ready' ? { kind: 'ready', value: resource.value, isStale: true } : resource;

const settled = <T>(before: Resource<T>, outcome: Outcome<T>): Resource<T> => {
  if (!isProblem(outcome)) return { kind: 'ready', value: outcome, isStale: false };
  return before.kind === 'ready' && isOutage(outcome)
    ? { kind: 'ready', value: before.value, isStale: true, problem: outcome }
    : { kind: 'failed', problem: outcome };
};

/** Another tab may have changed what this one shows. */
const useReturn = (reload: () => void): void => {
  useEffect(() => {
    const look = (): void => {
      if (document.visibilityState === 'visible') reload();
    };
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, [reload]);
};
