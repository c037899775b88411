// The part of the port that reminders need: which API tokens are to be looked at next, who sends, and what was sent. Every
// token that will expire has a time of its next look, so that finding what is due costs what is due, however many tokens
// there are. Types only.

import type { Outage } from '../decision/outcome.ts';

export const reminderChannels = ['mail', 'webhook'] as const;
export type ReminderChannel = (typeof reminderChannels)[number];

/** One reminder: of a token, so long before its expiry, by one way. */
export interface ReminderKey {
  readonly tokenId: string;
  readonly thresholdMs: number;
  readonly channel: ReminderChannel;
}

/** `sending` is written before, the others after. `failed` is tried again, `given_up` is not. */
export const reminderStates = ['sending', 'sent', 'failed', 'given_up'] as const;

export interface ReminderRecord extends Pick<ReminderKey, 'thresholdMs' | 'channel'> {
  readonly state: (typeof reminderStates)[number];
  /** How often it was begun. */
  readonly attempts: number;
  /** When it got this state. */
  readonly atMs: number;
  /** The process that wrote it. */
  readonly holder: string;
}

/** When a token is looked at next; undefined: never again. */
export interface ReminderLook {
  readonly tokenId: string;
  readonly atMs: number | undefined;
}

/** One process begins a reminder. */
export interface ReminderClaim {
  readonly holder: string;
  readonly nowMs: number;
  /** After this long, another process's `sending` is taken for that of one that died. */
  readonly staleMs: number;
  /** The record may go then. */
  readonly keepUntilMs: number;
  /** What was written before counts no more: it was about another expiry. */
  readonly sinceMs?: number | undefined;
}

export interface ReminderStore {
  /** Ids of API tokens whose look is due, the longest due first within what a shard holds. A new token is due at once. */
  listReminderLooks(nowMs: number, limit: number): Promise<readonly string[] | Outage>;
  /** Says when tokens are looked at next. Of those that are revoked or gone, nothing is kept. */
  planReminderLooks(looks: readonly ReminderLook[]): Promise<'done' | Outage>;
  /** Only one holder sends at a time, for `forMs` from now; again by the same holder: longer. 0: it lets go. */
  leaseReminders(holder: string, nowMs: number, forMs: number): Promise<'held' | 'taken' | Outage>;
  findReminders(tokenId: string): Promise<readonly ReminderRecord[] | Outage>;
  /**
   * Begins a reminder, or refuses to: `settled`: it was sent or given up, `busy`: another process is sending it.
   * `repeated`: it is begun, but another process began it before and did not say how that ended.
   */
  claimReminder(
    key: ReminderKey,
    claim: ReminderClaim,
  ): Promise<'claimed' | 'repeated' | 'busy' | 'settled' | Outage>;
  /** Says how a reminder that `holder` claimed ended. `sent` counts also where another has claimed it since. */
  settleReminder(
    key: ReminderKey,
    end: { readonly holder: string; readonly state: 'sent' | 'failed' | 'given_up'; readonly atMs: number },
  ): Promise<'done' | Outage>;
}
