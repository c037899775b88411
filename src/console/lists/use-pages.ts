// Going through a list page by page: the cursors of the pages seen so far, so that one can go back.

import { useState } from 'preact/hooks';

export interface Pages {
  /** Of the page that is shown; undefined: the first. */
  readonly cursor: string | undefined;
  /** How many pages lie before it. */
  readonly before: number;
  readonly next: (cursor: string) => void;
  readonly previous: () => void;
}

/** `key`: of what the list is asked for; another one begins at the first page. */
export const usePages = (key: string): Pages => {
  const [held, setHeld] = useState<{ readonly key: string; readonly cursors: readonly string[] }>({
    key,
    cursors: [],
  });
  const cursors = held.key === key ? held.cursors : [];
  return {
    cursor: cursors.at(-1),
    before: cursors.length,
    next: (cursor) => setHeld({ key, cursors: [...cursors, cursor] }),
    previous: () => setHeld({ key, cursors: cursors.slice(0, -1) }),
  };
};
