// What a reload keeps. A part of the gate lives on as long as what it was made from stays the same, and with it what it
// has cached, counted and connected; when one of these changes, the part is made anew.

import { isDeepStrictEqual } from 'node:util';

/** A part, and what it was made from. */
export interface Kept<Part> {
  readonly part: Part;
  readonly settings: unknown;
  readonly parts: readonly object[];
}

/**
 * The part that was made before from equal settings and the same other parts, or a new one. `before` itself stays as it
 * is, so a reload that fails half-way has changed nothing.
 */
export const keep = <Part>(
  before: Kept<Part> | undefined,
  settings: unknown,
  parts: readonly object[],
  make: () => Part,
): Kept<Part> =>
  before !== undefined &&
  before.parts.length === parts.length &&
  before.parts.every((part, index) => part === parts[index]) &&
  isDeepStrictEqual(before.settings, settings)
    ? before
    : { part: make(), settings, parts };
