// What one replica may let through of one limit for one caller: requests it was granted, what it knows of the rest, and what it may
// do alone while the store is out. Counts only: who asks the store, and when, is in ledger.ts. No I/O, no clock.

import { type Bucket, takeFromBucket } from '../decision/bucket.ts';
import type { Allowance, AllowanceTerms } from '../store/count-store.ts';
import { countKey, digestOfSubject, type Limit, type Period } from './limit.ts';
import { policyOf } from './rate-limit-fields.ts';

/** `held`: one may pass at once. `empty`: none is left. `unknown`: the store must be asked. */
export type LeaseState = 'held' | 'empty' | 'unknown';

/** All replicas together may keep this share of what there is in hand, for callers who come now and then. */
const keptShare = 20;
/** And each takes at most this share ahead of what it needs in one lease. */
const aheadShare = 8;
/** A caller that has sent nothing for this long is not expected any more. */
const idleMsMin = 10_000;
/** What is kept in hand is checked again after this time. */
const settleMsMin = 1_000;
/** Between two questions of a replica about what is used up. */
const pauseMs = 5;
/** Others may give something back long before the next one comes. */
const recheckMs = 1_000;
/** Of a quota that was never asked about, a replica alone gives its share of this share. */
const unheardShare = 10;

export class Lease {
  readonly limit: Limit;
  /** Whom it is about. */
  readonly #digest: string;
  #period: Period;
  #terms: AllowanceTerms;
  #policy: string | undefined;
  /** Granted, and not used yet. */
  #held = 0;
  /** When it is to be settled. */
  dueMs = 0;
  /** Passed without a grant, less what was granted and is given back: the next question says so. */
  #owed = 0;
  /** Until then nothing is left: the store is not asked. */
  #emptyUntilMs = 0;
  /** When one more may pass, as the store said. */
  #nextAtMs = 0;
  /** As the store said: how many more it could have granted; undefined: it was not asked in this period. */
  #left: number | undefined;
  /** By the store's last answer. */
  #fullAtMs = 0;
  /** Of the share of this replica alone, while the store is out: as in a bucket; of a quota, how many passed. */
  #aloneFullAtMs: number | undefined;
  #aloneUsed = 0;
  /** Passed since the last question, which was then. */
  #passed = 0;
  #askedMs = 0;
  #passedMs = 0;
  /** How many are to be in hand. */
  #target = 0;
  /** Requests that wait for the next answer. */
  waiting = 0;
  /** The question under way: resolves when the store has answered, or counts as out. */
  asking: Promise<void> | undefined;

  constructor(limit: Limit, subject: string, nowMs: number) {
    this.limit = limit;
    this.#digest = digestOfSubject(subject);
    this.#period = limit.periodOf(nowMs);
    this.#terms = limit.termsOf(this.#period);
    this.#askedMs = nowMs;
  }

  /** Where the store counts it in the present period. */
  get key(): string {
    return countKey(this.limit, this.#digest, this.#period);
  }

  /** Of the store, where its counts are. */
  get shard(): string {
    return this.#digest.slice(-1);
  }

  /** What answers say that it allows. */
  get policy(): string {
    return (this.#policy ??= policyOf(this.limit, this.#period));
  }

  get period(): Period {
    return this.#period;
  }

  get terms(): AllowanceTerms {
    return this.#terms;
  }

  state(nowMs: number): LeaseState {
    if (nowMs >= this.#period.endMs) this.#beginPeriod(nowMs);
    if (this.#held > 0) return 'held';
    return nowMs < this.#emptyUntilMs ? 'empty' : 'unknown';
  }

  /** One passes that is held. True: it is time to ask for more. */
  pass(nowMs: number): boolean {
    this.#held -= 1;
    this.#notePassed(nowMs);
    return this.#held * 2 < this.#target && nowMs >= this.#emptyUntilMs;
  }

  /** Whether one may pass by this replica's share alone, of `replicas`. */
  stateAlone(nowMs: number, replicas: number): 'held' | 'empty' {
    if (this.#terms.kind === 'quota')
      return this.#aloneUsed < this.#shareOfQuota(replicas) ? 'held' : 'empty';
    const bucket = shareOf(this.#terms, replicas);
    this.#aloneFullAtMs ??=
      nowMs + Math.max(0, bucket.capacity - this.#leftAt(nowMs) / replicas) * bucket.intervalMs;
    return takeFromBucket(bucket, this.#aloneFullAtMs, nowMs, 0, 0).left > 0 ? 'held' : 'empty';
  }

  passAlone(nowMs: number, replicas: number): void {
    this.#owed += 1;
    this.#notePassed(nowMs);
    if (this.#terms.kind === 'quota') this.#aloneUsed += 1;
    else {
      const bucket = shareOf(this.#terms, replicas);
      this.#aloneFullAtMs = takeFromBucket(bucket, this.#aloneFullAtMs ?? nowMs, nowMs, 1, 0).fullAtMs;
    }
  }

  /** What the store is asked now: everything owed, and as many as are waited for and will soon be needed. */
  nextAsk(nowMs: number, replicas: number): { readonly spent: number; readonly wanted: number } {
    const perMs = this.#passed / Math.max(1, nowMs - this.#askedMs);
    const ahead = Math.min(Math.ceil(perMs * this.limit.leaseMs), Math.floor(this.#room / aheadShare));
    this.#target = this.#isIdle(nowMs) ? 0 : Math.max(ahead, this.#keptOf(replicas));
    const wanted = this.waiting + Math.max(0, this.#target - this.#held);
    const spent = this.#owed;
    this.#owed = 0;
    this.#passed = 0;
    this.#askedMs = nowMs;
    this.waiting = 0;
    return { spent, wanted };
  }

  /** `period`: the one that was asked about. */
  heard(
    { granted, left, retryAfterMs, fullAfterMs }: Allowance,
    wanted: number,
    period: Period,
    nowMs: number,
  ): void {
    if (period !== this.#period) return;
    this.#held += granted;
    // What passed alone while a late answer was on its way is paid with what that brings.
    const paid = Math.max(0, Math.min(this.#owed, this.#held));
    this.#held -= paid;
    this.#owed -= paid;
    this.dueMs = nowMs + this.limit.leaseMs;
    this.#left = left;
    this.#fullAtMs = nowMs + fullAfterMs;
    this.#aloneFullAtMs = undefined;
    this.#aloneUsed = 0;
    this.#nextAtMs = nowMs + retryAfterMs;
    const isEmpty = granted < wanted;
    this.#emptyUntilMs = isEmpty ? nowMs + Math.min(Math.max(pauseMs, retryAfterMs), recheckMs) : 0;
  }

  /**
   * The question was not answered, though the store may have heard it: what passed is owed still, and may be charged twice. What
   * was given back is not said again: more would pass than is allowed.
   */
  unheard(spent: number, period: Period, nowMs: number): void {
    this.dueMs = nowMs + settleMsMin;
    if (period === this.#period && spent > 0) this.#owed += spent;
  }

  /** At `dueMs`: what is held for too long is owed back. True: the store must hear of it. */
  settle(nowMs: number, replicas: number): boolean {
    if (nowMs >= this.#period.endMs) this.#beginPeriod(nowMs);
    if (this.#held > 0) {
      const kept = this.#isIdle(nowMs) ? 0 : Math.min(this.#held, this.#keptOf(replicas));
      this.#owed -= this.#held - kept;
      this.#held = kept;
    }
    this.dueMs = nowMs + Math.max(settleMsMin, this.limit.leaseMs);
    return this.#owed !== 0;
  }

  /** Gives everything back. */
  giveUp(): void {
    this.#owed -= this.#held;
    this.#held = 0;
    this.#target = 0;
    this.#passedMs = 0;
  }

  /** Nothing is held or owed, and the caller has stopped sending. */
  isOver(nowMs: number): boolean {
    return this.#held === 0 && this.#owed === 0 && this.#isIdle(nowMs);
  }

  /** Until one more may pass, at least a moment. */
  retryAfterMs(nowMs: number, isAlone: boolean, replicas: number): number {
    if (this.#terms.kind === 'quota') return Math.max(1, this.#period.endMs - nowMs);
    if (!isAlone) return Math.max(1, this.#nextAtMs - nowMs);
    const bucket = shareOf(this.#terms, replicas);
    return Math.max(1, takeFromBucket(bucket, this.#aloneFullAtMs ?? nowMs, nowMs, 0, 0).retryAfterMs);
  }

  /** How many more may pass, as far as is known here. */
  remaining(nowMs: number): number {
    return this.#held + this.#leftAt(nowMs);
  }

  /** Until everything is there again. */
  resetAfterMs(nowMs: number): number {
    const endMs = this.#terms.kind === 'quota' ? this.#period.endMs : this.#fullAtMs;
    return Math.max(1, endMs - nowMs);
  }

  #leftAt(nowMs: number): number {
    if (this.#terms.kind === 'quota')
      return Math.max(0, (this.#left ?? this.limit.requests) - this.#aloneUsed);
    return takeFromBucket(this.#terms, this.#fullAtMs, nowMs, 0, 0).left;
  }

  #shareOfQuota(replicas: number): number {
    const { requests } = this.limit;
    const share = this.#left === undefined ? requests / replicas / unheardShare : this.#left / replicas;
    return Math.max(this.#left === undefined ? 1 : 0, Math.floor(share));
  }

  /** Most that there can be, as far as is known here. */
  get #room(): number {
    return this.#terms.kind === 'rate' ? this.#terms.capacity : (this.#left ?? 0);
  }

  #keptOf(replicas: number): number {
    return Math.floor(this.#room / keptShare / replicas);
  }

  #isIdle(nowMs: number): boolean {
    return this.waiting === 0 && nowMs - this.#passedMs > Math.max(idleMsMin, this.limit.leaseMs);
  }

  #notePassed(nowMs: number): void {
    this.#passed += 1;
    this.#passedMs = nowMs;
  }

  /** Nothing of the period before counts; what others have used of the new one is nothing yet, or little. */
  #beginPeriod(nowMs: number): void {
    this.#period = this.limit.periodOf(nowMs);
    this.#terms = this.limit.termsOf(this.#period);
    this.#policy = undefined;
    this.#held = 0;
    this.#owed = 0;
    this.#emptyUntilMs = 0;
    this.#left = this.limit.requests;
    this.#aloneUsed = 0;
  }
}

/** What one of so many replicas may let through alone. */
const shareOf = ({ intervalMs, capacity }: Bucket, replicas: number): Bucket => ({
  intervalMs: intervalMs * replicas,
  capacity: Math.max(1, Math.floor(capacity / replicas)),
});
