// A message whose values are elements: names stand in <bdi>, so that one written from right to left leaves
// the sentence around it in order.

import type { ComponentChildren } from 'preact';
import { useWords } from '../session/preferences.tsx';
import { piecesOf } from '../words/message.ts';
import type { Key } from '../words/words.ts';

export interface RichProps {
  readonly id: Key;
  /** Numbers are written as the language does; `count` chooses the plural form. */
  readonly values: Readonly<Record<string, ComponentChildren>>;
}

export const Rich = ({ id, values }: RichProps) => {
  const { form, number } = useWords();
  const { count } = values;
  const pieces = piecesOf(form(id, typeof count === 'number' ? { count } : {}));
  return (
    <>
      {pieces.map((piece) => {
        if (typeof piece === 'string') return piece;
        const value = values[piece.name];
        return typeof value === 'number' ? number(value) : value;
      })}
    </>
  );
};

/** A name that somebody gave: any script, shown as it is. */
export const Name = ({ children }: { readonly children: string }) => (
  <bdi class="name" dir="auto">
    {children}
  </bdi>
);
