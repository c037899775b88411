// Asks the store for leases, in the background where it can, and gives back what nobody used. Says for which of them the store is
// out: this replica then goes on by its share alone, and reports to the store what passed once that answers again.

import { setImmediate } from 'node:timers/promises';
import { isOutage, outage, type Outage } from '../decision/outcome.ts';
import type { Allowance, CountStore } from '../store/count-store.ts';
import type { Lease } from './lease.ts';
import type { Limit, Period } from './limit.ts';

export interface LedgerDeps {
  readonly store: Pick<CountStore, 'takeAllowance'>;
  /** The store's clock, in ms since the epoch. */
  readonly now: () => number;
  /** How many replicas there are, as far as is known. */
  readonly replicas: () => number;
  /** Hears when the store is out for limits (why), and when it answers again. */
  readonly onOutage: (outage: Outage | undefined) => void;
}

/** Leases of one limit that are to be settled, the first due first: those that were heard of, and those that are looked at again. */
interface Aging {
  readonly heard: Set<Lease>;
  readonly again: Set<Lease>;
}

/** How long requests wait for an answer at most; after it the store is taken to be out. */
const patienceMs = 250;
/** A store that is out is asked again at this interval, for each of its shards. */
const probeEveryMs = 1_000;
const settleEveryMs = 50;

export class Ledger {
  readonly #deps: LedgerDeps;
  /** Shards that are out, and when each was asked last. */
  readonly #outs = new Map<string, number>();
  readonly #aging = new Map<Limit, Aging>();
  #timer: NodeJS.Timeout | undefined;
  readonly #underWay = new Set<Promise<void>>();

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
  }

  begin(): void {
    this.#timer ??= setInterval(() => this.#settleDue(), settleEveryMs).unref();
  }

  get isOut(): boolean {
    return this.#outs.size > 0;
  }

  /** Whether nobody should wait for the store. Once in a while it is asked all the same, in the background. */
  isOutFor(lease: Lease, nowMs: number): boolean {
    const askedMs = this.#outs.get(lease.shard);
    if (askedMs === undefined) return false;
    if (nowMs - askedMs >= probeEveryMs) {
      this.#outs.set(lease.shard, nowMs);
      this.askAhead(lease);
    }
    return true;
  }

  /** For a request that waits. */
  ask(lease: Lease): Promise<void> {
    lease.waiting += 1;
    return (lease.asking ??= this.#ask(lease));
  }

  askAhead(lease: Lease): void {
    lease.asking ??= this.#ask(lease);
  }

  /** Gives back what a lease holds: it is not used any more. */
  giveBack(lease: Lease): void {
    lease.giveUp();
    this.#forget(lease);
    if (lease.settle(this.#deps.now(), this.#deps.replicas())) this.askAhead(lease);
  }

  /** After everything was given back; does not wait for a store that is out. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  #ask(lease: Lease): Promise<void> {
    const asking = this.#askOnce(lease);
    this.#underWay.add(asking);
    void asking.finally(() => this.#underWay.delete(asking));
    return asking;
  }

  async #askOnce(lease: Lease): Promise<void> {
    // The requests of one turn ask together.
    await setImmediate();
    const { store, now, replicas } = this.#deps;
    const nowMs = now();
    lease.state(nowMs);
    const { key, period, terms } = lease;
    const { spent, wanted } = lease.nextAsk(nowMs, replicas());
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#failed(lease, outage('store_unavailable', new Error('the store did not answer in time')));
      late.resolve();
    }, patienceMs);
    const answered = store
      .takeAllowance({ key, terms, spent, wanted }, nowMs)
      .catch((bug: unknown) => outage('store_unavailable', bug))
      .then((answer) => {
        clearTimeout(timer);
        lease.asking = undefined;
        this.#heard(lease, answer, { spent, wanted, period });
      });
    await Promise.race([answered, late.promise]);
  }

  #heard(
    lease: Lease,
    answer: Allowance | Outage,
    { spent, wanted, period }: { readonly spent: number; readonly wanted: number; readonly period: Period },
  ): void {
    const nowMs = this.#deps.now();
    this.#forget(lease);
    if (isOutage(answer)) {
      lease.unheard(spent, period, nowMs);
      this.#agingOf(lease).again.add(lease);
      this.#failed(lease, answer);
    } else {
      lease.heard(answer, wanted, period, nowMs);
      this.#agingOf(lease).heard.add(lease);
      if (this.#outs.delete(lease.shard) && this.#outs.size === 0) this.#deps.onOutage(undefined);
    }
  }

  #forget(lease: Lease): void {
    const { heard, again } = this.#agingOf(lease);
    heard.delete(lease);
    again.delete(lease);
  }

  #failed(lease: Lease, why: Outage): void {
    const isFirst = this.#outs.size === 0;
    this.#outs.set(lease.shard, this.#deps.now());
    if (isFirst) this.#deps.onOutage(why);
  }

  #agingOf({ limit }: Lease): Aging {
    const known = this.#aging.get(limit);
    if (known !== undefined) return known;
    const made = { heard: new Set<Lease>(), again: new Set<Lease>() };
    this.#aging.set(limit, made);
    return made;
  }

  #settleDue(): void {
    const nowMs = this.#deps.now();
    for (const { heard, again } of this.#aging.values())
      for (const aging of [heard, again])
        for (const lease of aging) {
          if (nowMs < lease.dueMs) break;
          aging.delete(lease);
          if (this.#settle(lease, nowMs)) again.add(lease);
        }
  }

  /** Whether it is to be looked at again. */
  #settle(lease: Lease, nowMs: number): boolean {
    if (this.isOutFor(lease, nowMs)) {
      lease.dueMs = nowMs + probeEveryMs;
      return true;
    }
    if (!lease.settle(nowMs, this.#deps.replicas())) return !lease.isOver(nowMs);
    // The answer puts it in its place.
    this.askAhead(lease);
    return false;
  }
}
