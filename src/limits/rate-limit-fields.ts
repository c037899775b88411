// What callers are told of limits: RateLimit-Policy and RateLimit as structured fields (draft-ietf-httpapi-ratelimit-headers-10
// sections 3 and 4), and Retry-After (RFC 9110 section 10.2.3) of a refusal. Names of limits need no escaping: they are tokens. Pure.

import type { Limit, Period } from './limit.ts';

/** One limit as its caller sees it. */
export interface Shown {
  readonly limit: Pick<Limit, 'name' | 'requests' | 'windowMs'>;
  readonly period: Period;
  /** `r`: how many more may pass. */
  readonly remaining: number;
  /** Until all of it may pass again. */
  readonly resetAfterMs: number;
}

export interface RefusedBy {
  readonly limit: string;
  /** Until the request may pass. */
  readonly seconds: number;
}

/** Raw pairs. Of the limit that refuses, `t` is the time of Retry-After. Nothing shown: Retry-After alone. */
export const limitPairs = (shown: readonly Shown[], refused: RefusedBy | undefined): readonly string[] => {
  const pairs: string[] = [];
  if (shown.length > 0) {
    let policy = '';
    let state = '';
    for (const { limit, period, remaining, resetAfterMs } of shown) {
      const comma = policy === '' ? '' : ', ';
      const isRefusing = refused?.limit === limit.name;
      const windowMs = limit.windowMs ?? period.endMs - period.startMs;
      const seconds = isRefusing ? refused.seconds : Math.ceil(resetAfterMs / 1_000);
      policy += `${comma}"${limit.name}";q=${limit.requests};w=${windowMs / 1_000}`;
      state += `${comma}"${limit.name}";r=${isRefusing ? 0 : remaining};t=${seconds}`;
    }
    pairs.push('RateLimit-Policy', policy, 'RateLimit', state);
  }
  if (refused !== undefined) pairs.push('Retry-After', String(refused.seconds));
  return pairs;
};
