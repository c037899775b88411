// What a reload keeps. A part of the gate lives on as long as what it was made from stays the same, and with it what it
// has cached, counted and connected; when one of these changes, the part is made anew.

import { isDeepStrictEqual } from 'node:util';

interface Origin {
  readonly settings: unknown;
  readonly parts: readonly object[];
}

const origins = new WeakMap<object, Origin>();

/** The part that was made `before` from equal settings and the same other parts, or a new one. */
export const keep = <Part extends object>(
  before: Part | undefined,
  settings: unknown,
  parts: readonly object[],
  make: () => Part,
): Part => {
  const origin = before && origins.get(before);
  if (before !== undefined && origin !== undefined && isSame(origin, { settings, parts })) return before;
  const part = make();
  origins.set(part, { settings, parts });
  return part;
};

const isSame = (before: Origin, now: Origin): boolean =>
  before.parts.length === now.parts.length &&
  before.parts.every((part, index) => part === now.parts[index]) &&
  isDeepStrictEqual(before.settings, now.settings);
