// The part of the port that counts the use of API tokens: sums for each token, user and org, and each day of UTC. Replicas add
// in batches. A batch is added once, however often it is sent: its writer numbers its batches, and sends the next one only when
// the one before is taken.

import type { Outage } from '../decision/outcome.ts';

export interface UsageSum {
  readonly requests: number;
  /** Of these, refused by Tollgate for a fault of the caller. */
  readonly refused: number;
  /** Of request bodies. */
  readonly bytesIn: number;
  /** Of response bodies. */
  readonly bytesOut: number;
}

export interface TokenUsage extends UsageSum {
  readonly tokenId: string;
  readonly orgId: string;
  readonly userId: string;
}

export interface UsageBatch {
  /** The process that writes it. */
  readonly writer: string;
  /** Greater than that of each earlier batch of the writer. */
  readonly number: number;
  /** `2026-11-27`, of UTC. */
  readonly day: string;
  /** For how many days after that the sums are kept, at least. */
  readonly keepDays: number;
  /** Each token once. */
  readonly sums: readonly TokenUsage[];
}

/** What is summed: one API token, all of a user, or with `userId` undefined all of an org. */
export type UsageSubject =
  | { readonly tokenId: string }
  | { readonly orgId: string; readonly userId: string | undefined };

/** Days of UTC, both included. */
export interface DayRange {
  readonly from: string;
  readonly to: string;
}

export interface DayUsage extends UsageSum {
  readonly day: string;
}

export interface UsageStore {
  /** May be lost in a failover, or with the machine's power; never counted twice. Ids that cannot be one are passed over. */
  addUsage(batch: UsageBatch): Promise<'done' | Outage>;
  /** Days with any use, the earliest first. */
  readUsage(subject: UsageSubject, days: DayRange): Promise<readonly DayUsage[] | Outage>;
}

/** How long it is remembered which batch of a writer was the last: longer than any writer tries. */
export const writerKeptMs = 7 * 24 * 3600 * 1000;

export const dayMs = 24 * 3600 * 1000;

/** The day of UTC of a time in ms since the epoch. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const addDays = (day: string, days: number): string => dayOf(Date.parse(day) + days * dayMs);

export const isWithin = (day: string, { from, to }: DayRange): boolean => from <= day && day <= to;

export const addSums = (one: UsageSum, other: UsageSum): UsageSum => ({
  requests: one.requests + other.requests,
  refused: one.refused + other.refused,
  bytesIn: one.bytesIn + other.bytesIn,
  bytesOut: one.bytesOut + other.bytesOut,
});

export const noUsage: UsageSum = { requests: 0, refused: 0, bytesIn: 0, bytesOut: 0 };

/** What tokens add to each subject by its name, that of users and orgs too. */
export const sumsBySubject = (
  sums: readonly TokenUsage[],
  nameOf: (subject: UsageSubject) => string,
): ReadonlyMap<string, UsageSum> => {
  const found = new Map<string, UsageSum>();
  for (const sum of sums) {
    const { tokenId, orgId, userId } = sum;
    for (const subject of [{ tokenId }, { orgId, userId }, { orgId, userId: undefined }]) {
      const name = nameOf(subject);
      found.set(name, addSums(found.get(name) ?? noUsage, sum));
    }
  }
  return found;
};
