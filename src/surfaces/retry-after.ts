// How long a refused caller should wait: the same on every surface as on the proxied path.

import type { Refusal } from '../decision/outcome.ts';
import { wireOf } from '../decision/refusal.ts';

/** A `Retry-After` header where the refusal may pass by itself; else none. */
export const retryAfterOf = (refusal: Refusal): Readonly<Record<string, string>> => {
  const { headers } = wireOf(refusal);
  const at = headers.indexOf('Retry-After');
  const seconds = at < 0 ? undefined : headers[at + 1];
  return seconds === undefined ? {} : { 'retry-after': seconds };
};
