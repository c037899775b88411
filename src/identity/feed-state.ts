// What this replica knows from the change feed: tombstones, whether the feed is fresh and unbroken, and who wants to
// hear of changes. Listens to the store's feed; reads nothing itself. Keeps every tombstone through a reset of the
// feed and writes them back to the store, so that a replica that has seen a revocation never un-sees it.

import type { Generation, Identity, Standing } from '../decision/identity.ts';
import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Change } from '../store/records.ts';
import type { ChangeListener, TokenStore } from '../store/token-store.ts';
import { Tombstones } from './tombstones.ts';

/** Told of what breaks the feed's continuity, for the log. None may throw. */
export interface FeedObserver {
  readonly reset?: (reason: 'trimmed' | 'server_replaced') => void;
  /** Lines written back after a reset; an outage is tried again. */
  readonly reapplied?: (count: number, result: 'done' | Outage) => void;
}

/** In milliseconds. */
export interface FeedBounds {
  /** The longest access-token life and a margin. */
  readonly retentionMs: number;
  /** How long the feed may be silent. */
  readonly maxStalenessMs: number;
  /** How far ahead the clocks of other issuers may be. */
  readonly clockLeewayMs: number;
}

const pruneEveryMs = 60_000;
const reapplyRetryMs = 1_000;

interface FeedStateDeps extends FeedBounds {
  readonly store: Pick<TokenStore, 'reapply'>;
  /** The clock that tokens are judged by. */
  readonly now: () => number;
  /** Never goes back: the feed's age must not depend on a clock somebody sets. */
  readonly monotonicMs?: () => number;
  readonly observe?: FeedObserver;
}

export class FeedState implements ChangeListener {
  readonly whenReady: Promise<void>;
  readonly #deps: FeedStateDeps;
  #maxStalenessMs: number;
  #retentionMs: number;
  readonly #monotonicMs: () => number;
  readonly #tombstones: Tombstones;
  readonly #changeSubscribers = new Set<(changes: readonly Change[]) => void>();
  readonly #resetSubscribers = new Set<() => void>();
  readonly #becomeReady: () => void;
  #isReady = false;
  #isConnected = false;
  /** False from a reset until everything since has been delivered. */
  #isContinuous = false;
  #heardMs = -Infinity;
  #caughtUpAtMs = Infinity;
  #lag: { readonly count: number; readonly lastMs: number | undefined; readonly maxMs: number | undefined } =
    {
      count: 0,
      lastMs: undefined,
      maxMs: undefined,
    };
  #lastChangeAtMs: number | undefined;
  readonly #resets = { trimmed: 0, server_replaced: 0 };
  #prunedMs: number;
  #owesReapply = false;
  #isReapplying = false;
  #reapplyTriedMs = -Infinity;

  constructor(deps: FeedStateDeps) {
    this.#deps = deps;
    this.#maxStalenessMs = deps.maxStalenessMs;
    this.#retentionMs = deps.retentionMs;
    this.#tombstones = new Tombstones(deps.clockLeewayMs);
    this.#monotonicMs = deps.monotonicMs ?? (() => performance.now());
    this.#prunedMs = this.#monotonicMs();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.whenReady = promise;
    this.#becomeReady = resolve;
  }

  /** Whether the whole retention window has been read once. */
  get ready(): boolean {
    return this.#isReady;
  }

  // -- called by the store

  changes(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const receivedMs = this.#monotonicMs();
    for (const change of changes) this.#tombstones.note(change, receivedMs);
    this.#lastChangeAtMs = Date.now();
    this.#noteLag(changes);
    for (const subscriber of this.#changeSubscribers) subscriber(changes);
  }

  heard(): void {
    const nowMs = this.#monotonicMs();
    this.#heardMs = nowMs;
    if (nowMs - this.#prunedMs >= pruneEveryMs) {
      this.#prunedMs = nowMs;
      this.#tombstones.prune(nowMs - this.#retentionMs, this.#deps.now());
    }
    if (this.#owesReapply && nowMs - this.#reapplyTriedMs >= reapplyRetryMs) void this.#giveBack(nowMs);
  }

  caughtUp(): void {
    this.#heardMs = this.#monotonicMs();
    this.#caughtUpAtMs = this.#deps.now();
    this.#isContinuous = true;
    this.#isReady = true;
    this.#becomeReady();
  }

  reset(reason: 'trimmed' | 'server_replaced'): void {
    this.#isContinuous = false;
    this.#resets[reason] += 1;
    this.#deps.observe?.reset?.(reason);
    for (const subscriber of this.#resetSubscribers) subscriber();
    this.#owesReapply = true;
    void this.#giveBack(this.#monotonicMs());
  }

  handedOver(): void {
    this.#owesReapply = true;
    void this.#giveBack(this.#monotonicMs());
  }

  connected(isConnected: boolean): void {
    this.#isConnected = isConnected;
  }

  /** Of lines that were written since the feed was caught up: what comes at the start is as old as it is. */
  #noteLag(changes: readonly Change[]): void {
    const nowMs = this.#deps.now();
    for (const { atMs } of changes) {
      if (!this.#isContinuous || atMs < this.#caughtUpAtMs) continue;
      const lastMs = Math.max(0, nowMs - atMs);
      const { count, maxMs = 0 } = this.#lag;
      this.#lag = { count: count + 1, lastMs, maxMs: Math.max(maxMs, lastMs) };
    }
  }

  // -- asked by the rest

  /** Synchronous; a clock read and a few map look-ups. `nowMs`: milliseconds since the epoch. */
  standing(identity: Identity, nowMs: number): Standing {
    const known = this.#tombstones.standingOf(identity, nowMs);
    if (known !== 'live' || !this.isStale()) return known;
    return this.#isReady ? 'unknown' : 'unread';
  }

  /** The newest generations in the feed; -1 where it has none. */
  generationOf(orgId: string, userId: string): Generation {
    return this.#tombstones.generationOf(orgId, userId);
  }

  /** Whether the feed has been silent too long, or its continuity was lost and is not yet restored. */
  isStale(): boolean {
    return !this.#isContinuous || this.#monotonicMs() - this.#heardMs > this.#maxStalenessMs;
  }

  /** Whether that is for lost continuity: the feed is live, but not yet read again. */
  isBroken(): boolean {
    return this.#isReady && !this.#isContinuous && this.#isConnected;
  }

  /** From here on. What is to be remembered for longer must be read again from the feed. */
  adjust({ retentionMs, maxStalenessMs, clockLeewayMs }: FeedBounds): void {
    this.#retentionMs = retentionMs;
    this.#maxStalenessMs = maxStalenessMs;
    this.#tombstones.clockLeewayMs = clockLeewayMs;
  }

  /** Calls back after each batch of lines has taken effect. Returns how to stop. */
  onChange(subscriber: (changes: readonly Change[]) => void): () => void {
    this.#changeSubscribers.add(subscriber);
    return () => void this.#changeSubscribers.delete(subscriber);
  }

  /** Calls back when every cache must be dropped. Returns how to stop. */
  onReset(subscriber: () => void): () => void {
    this.#resetSubscribers.add(subscriber);
    return () => void this.#resetSubscribers.delete(subscriber);
  }

  /** For the gauges. Wall-clock times are milliseconds since the epoch. */
  reading() {
    const counts = this.#tombstones.counts();
    const silentMs = this.#monotonicMs() - this.#heardMs;
    return {
      connected: this.#isConnected,
      lastHeardAtMs: Number.isFinite(silentMs) ? Date.now() - silentMs : undefined,
      lastChangeAtMs: this.#lastChangeAtMs,
      resets: { ...this.#resets },
      tombstones: counts.tokens + counts.secrets + counts.sessions + counts.users + counts.orgs,
      tombstoneCounts: counts,
      lag: this.#lag,
    };
  }

  /** Writes back what this replica knew. An outage leaves it owed: the next sign of life tries again. */
  async #giveBack(nowMs: number): Promise<void> {
    if (this.#isReapplying) return;
    this.#isReapplying = true;
    this.#owesReapply = false;
    this.#reapplyTriedMs = nowMs;
    const lines = this.#tombstones.lines();
    // The store may know of writes of this replica that the feed has not delivered yet.
    const result = await this.#deps.store.reapply(lines);
    this.#isReapplying = false;
    if (isOutage(result)) this.#owesReapply = true;
    this.#deps.observe?.reapplied?.(lines.length, result);
  }
}
