// How long a refused caller should wait: the same on every surface as on the proxied path.

import type { Refusal } from '../decision/outcome.ts';
import { classifyRefusal, retryAfterSecondsOf } from '../decision/refusal-class.ts';

/** A `Retry-After` header where the refusal may pass by itself; else none. */
export const retryAfterOf = (refusal: Refusal): Readonly<Record<string, string>> => {
  const seconds = retryAfterSecondsOf(classifyRefusal(refusal));
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
};

/** The same of an error met outside the endpoints, by its status: a 503 may pass by itself. */
export const retryAfterFault = (status: number): Readonly<Record<string, string>> =>
  status === 503 ? { 'retry-after': '1' } : {};
