// What was typed into a form and not sent yet: kept in memory while the person looks elsewhere, or signs in again. Never
// for passwords. Forgotten when the form is done, on signing out, and when somebody else signs in.

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
