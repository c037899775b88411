// What answers say about limits: RateLimit-Policy and RateLimit as structured fields (draft-ietf-httpapi-ratelimit-headers-10
// sections 3 and 4), and Retry-After (RFC 9110 section 10.2.3) of a refusal. Names of limits need no escaping: they are tokens. Pure.

import type { Limit, Period } from './limit.ts';

/** One limit as its caller sees it. */
export interface Shown {
  readonly limit: Pick<Limit, 'name'>;
  /** By `policyOf`. */
  readonly policy: string;
  /** `r`: how many more may pass. */
  readonly remaining: number;
  /** Until all of it may pass again. */
  readonly resetAfterMs: number;
}

/** The part of RateLimit-Policy that is about one limit. */
export const policyOf = (
  { name, requests, windowMs }: Pick<Limit, 'name' | 'requests' | 'windowMs'>,
  { startMs, endMs }: Period,
): string => `"${name}";q=${requests};w=${(windowMs ?? endMs - startMs) / 1_000}`;

export interface RefusedBy {
  readonly limit: string;
  /** Until the request may pass. */
  readonly seconds: number;
}

/** Raw pairs. Of the limit that refuses, `t` is the time of Retry-After. Nothing shown: Retry-After alone. */
export const limitPairs = (shown: readonly Shown[], refused: RefusedBy | undefined): readonly string[] => {
  const pairs: string[] = [];
  if (shown.length > 0) {
    let policies = '';
    let state = '';
    for (const { limit, policy, remaining, resetAfterMs } of shown) {
      const comma = policies === '' ? '' : ', ';
      const isRefusing = refused?.limit === limit.name;
      const seconds = isRefusing ? refused.seconds : Math.ceil(resetAfterMs / 1_000);
      policies += comma + policy;
      state += `${comma}"${limit.name}";r=${isRefusing ? 0 : remaining};t=${seconds}`;
    }
    pairs.push('RateLimit-Policy', policies, 'RateLimit', state);
  }
  if (refused !== undefined) pairs.push('Retry-After', String(refused.seconds));
  return pairs;
};
