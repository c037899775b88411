// A message whose values are elements: names stand in <bdi>, so that one written from right to left leaves
// the sentence around it in order.

import type { ComponentChildren } from 'preact';
import { useWords } from '../session/preferences.tsx';
import { piecesOf } from '../words/message.ts';
import type { Key, NamesIn } from '../words/words.ts';

export interface RichProps<K extends Key> {
  readonly id: K;
  readonly values: Readonly<Record<NamesIn<K>, ComponentChildren>>;
}

export const Rich = <K extends Key>({ id, values }: RichProps<K>) => {
  const { form } = useWords();
  const elements = new Map<string, ComponentChildren>(Object.entries(values));
  return (
    <>
      {piecesOf(form(id, {})).map((piece) => (typeof piece === 'string' ? piece : elements.get(piece.name)))}
    </>
  );
};

/** A name that somebody gave: any script, shown as it is. */
export const Name = ({ children }: { readonly children: string }) => (
  <bdi class="name" dir="auto">
    {children}
  </bdi>
);
