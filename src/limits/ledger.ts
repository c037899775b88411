// Asks the store for leases, in the background where it can, and gives back what nobody used. Says for which of them the store is
// out: this replica then goes on by its share alone, and tells the store what passed once that answers again.

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

/** How long requests wait for an answer at most; after it the store is taken to be out. */
const patienceMs = 250;
/** A store that is out is asked again so often, for each of its shards. */
const probeEveryMs = 1_000;
const settleEveryMs = 50;

export class Ledger {
  readonly #deps: LedgerDeps;
  /** Shards that are out, and when each was asked last. */
  readonly #outs = new Map<string, number>();
  /** Leases of each limit, in the order in which they are to be settled. */
  readonly #aging = new Map<Limit, Set<Lease>>();
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
    this.#agingOf(lease).delete(lease);
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
    if (isOutage(answer)) {
      lease.unheard(spent, period, nowMs);
      this.#failed(lease, answer);
    } else {
      lease.heard(answer, wanted, period, nowMs);
      if (this.#outs.delete(lease.shard) && this.#outs.size === 0) this.#deps.onOutage(undefined);
    }
    const aging = this.#agingOf(lease);
    aging.delete(lease);
    aging.add(lease);
  }

  #failed(lease: Lease, why: Outage): void {
    const isFirst = this.#outs.size === 0;
    this.#outs.set(lease.shard, this.#deps.now());
    if (isFirst) this.#deps.onOutage(why);
  }

  #agingOf({ limit }: Lease): Set<Lease> {
    const known = this.#aging.get(limit);
    if (known !== undefined) return known;
    const made = new Set<Lease>();
    this.#aging.set(limit, made);
    return made;
  }

  #settleDue(): void {
    const [nowMs, replicas] = [this.#deps.now(), this.#deps.replicas()];
    for (const aging of this.#aging.values())
      for (const lease of aging) {
        if (nowMs < lease.dueMs) break;
        aging.delete(lease);
        if (this.isOutFor(lease, nowMs)) {
          lease.dueMs = nowMs + probeEveryMs;
          aging.add(lease);
        } else if (lease.settle(nowMs, replicas)) this.askAhead(lease);
        else if (!lease.isOver(nowMs)) aging.add(lease);
      }
  }
}
