// The part of the port that limits need: what callers of all replicas together may still do, and what they did. A replica takes
// leases of an allowance and adds up what it counts in batches: no request waits for the store each time.

import type { Bucket } from '../decision/bucket.ts';
import type { Outage } from '../decision/outcome.ts';

/** By what an allowance is reckoned. */
export type AllowanceTerms =
  | ({ readonly kind: 'rate' } & Bucket)
  /** So many requests until the period ends. */
  | { readonly kind: 'quota'; readonly requests: number; readonly untilMs: number };

export interface AllowanceAsk {
  /** What is counted, and for whom. Its last character, a hex digit, names its shard. */
  readonly key: string;
  readonly terms: AllowanceTerms;
  /** Requests that passed without a grant; negative: granted ones that nobody used. */
  readonly spent: number;
  /** Most that is to be granted. With nothing spent and nothing wanted nothing is written. */
  readonly wanted: number;
}

export interface Allowance {
  readonly granted: number;
  /** How many more could be granted now. */
  readonly left: number;
  /** Until one more can be granted, in ms; 0 where `left` is more than 0. */
  readonly retryAfterMs: number;
  /** Until everything can be granted again, in ms. */
  readonly fullAfterMs: number;
}

/** Of a quota nothing comes back before its period ends. */
export const allowanceOfQuota = (
  { untilMs }: Extract<AllowanceTerms, { kind: 'quota' }>,
  granted: number,
  left: number,
  nowMs: number,
): Allowance => {
  const endsAfterMs = Math.max(1, untilMs - nowMs);
  return { granted, left, retryAfterMs: left > 0 ? 0 : endsAfterMs, fullAfterMs: endsAfterMs };
};

/** What one replica has counted since it last said so. */
export interface TallyPart {
  /** As that of an allowance. */
  readonly key: string;
  /** Negative: taken back. */
  readonly delta: number;
  /** The count ends so long after its first. */
  readonly windowMs: number;
}

/** What all replicas have counted together. */
export interface TallyTotal {
  readonly total: number;
  readonly endsAfterMs: number;
}

/** Redis goes by its server's clock, and by `nowMs` only for the periods of quotas. */
export interface CountStore {
  takeAllowance(ask: AllowanceAsk, nowMs: number): Promise<Allowance | Outage>;
  /** Answers in the order of what was asked. After an unknown outcome a part may count twice. */
  addTallies(parts: readonly TallyPart[], nowMs: number): Promise<readonly TallyTotal[] | Outage>;
  /** Says that a replica lives, for `forMs` from now, and answers how many do. */
  noteReplica(replica: string, nowMs: number, forMs: number): Promise<number | Outage>;
}
