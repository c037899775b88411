// What was typed into a form and not sent yet: kept in memory while the person looks elsewhere, or signs in again. Never
// for passwords. Forgotten when the form is done, on signing out, and when somebody else signs in.

import { useCallback, useState } from 'preact/hooks';

export interface Draft<T> {
  value: T | undefined;
}

const drafts = new Set<Draft<unknown>>();

export const createDraft = <T>(): Draft<T> => {
  const draft: Draft<T> = { value: undefined };
  drafts.add(draft);
  return draft;
};

export const forgetDrafts = (): void => {
  for (const draft of drafts) draft.value = undefined;
};

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
