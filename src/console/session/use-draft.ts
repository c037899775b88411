// A form whose value is a draft.

import { useCallback, useState } from 'preact/hooks';
import type { Draft } from './drafts.ts';

/** The form's value, how to change it, and how to begin anew the next time. */
export const useDraft = <T>(
  draft: Draft<T>,
  initial: T,
): readonly [value: T, change: (part: Partial<T>) => void, forget: () => void] => {
  const [value, setValue] = useState<T>(draft.value ?? initial);
  const change = useCallback(
    (part: Partial<T>): void =>
      setValue((before) => {
        const next = { ...before, ...part };
        draft.value = next;
        return next;
      }),
    [draft],
  );
  const forget = useCallback((): void => {
    draft.value = undefined;
  }, [draft]);
  return [value, change, forget];
};
