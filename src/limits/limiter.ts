// Judges one request by the limits of its rule: it passes when every one of them has room for it. A request that leases cover costs
// a look-up for each limit; one that finds none in hand waits for the store, together with all that ask for the same.

import { LRUCache } from 'lru-cache';
import type { Identity } from '../decision/identity.ts';
import { type Denial, denial } from '../decision/outcome.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import type { CountStore } from '../store/count-store.ts';
import { Lease, type LeaseState } from './lease.ts';
import { Ledger, type LedgerDeps } from './ledger.ts';
import { appliesTo, type Limit, limitsOf, type LimitSettings, subjectOf } from './limit.ts';
import { limitPairs, type Shown } from './rate-limit-fields.ts';
import { Replicas } from './replicas.ts';

/** What limits come to. */
export interface LimitVerdict {
  /** Undefined: it may pass. */
  readonly refusal: Denial | undefined;
  /** Raw pairs for its answer, whichever that is. */
  readonly pairs: readonly string[];
}

/** How often a limit was asked since the start, by what it said. */
export interface LimitReading {
  readonly limit: string;
  readonly permitted: number;
  readonly refused: number;
  /** Of these, how many were judged by this replica's share alone. */
  readonly alone: number;
}

export interface LimiterDeps extends Omit<LedgerDeps, 'store' | 'replicas'> {
  readonly store: Pick<CountStore, 'takeAllowance' | 'noteReplica'>;
}

export interface LimiterSettings extends LimitSettings {
  readonly rateLimitHeaders: boolean;
}

/** How many callers a replica remembers for each limit; of others it gives back what it holds. */
const leasesMax = 50_000;
/** How many times a request waits for the store before it is refused: each time others took what the store gave. */
const roundsMax = 4;

class CountedLimit {
  readonly limit: Limit;
  readonly leases: LRUCache<string, Lease>;
  readonly numbers: { permitted: number; refused: number; alone: number };

  constructor(limit: Limit, ledger: Ledger, before: LimitReading | undefined) {
    this.limit = limit;
    const { permitted = 0, refused = 0, alone = 0 } = before ?? {};
    this.numbers = { permitted, refused, alone };
    this.leases = new LRUCache({ max: leasesMax, dispose: (lease) => ledger.giveBack(lease) });
  }

  leaseOf(subject: string, nowMs: number): Lease {
    const known = this.leases.get(subject);
    if (known !== undefined) return known;
    const lease = new Lease(this.limit, subject, nowMs);
    this.leases.set(subject, lease);
    return lease;
  }
}

interface Counted {
  readonly of: CountedLimit;
  readonly lease: Lease;
}

export class Limiter {
  readonly #now: () => number;
  readonly #replicas: Replicas;
  readonly #ledger: Ledger;
  readonly #limits: readonly CountedLimit[];
  readonly #showsFields: boolean;
  readonly #byRoute = new Map<string, readonly CountedLimit[]>();

  /** `before`: what limits of the same names have counted. */
  constructor(settings: LimiterSettings, deps: LimiterDeps, before: readonly LimitReading[] = []) {
    this.#now = deps.now;
    this.#replicas = new Replicas(deps.store, deps.now);
    this.#ledger = new Ledger({ ...deps, replicas: () => this.#replicas.count });
    this.#showsFields = settings.rateLimitHeaders;
    this.#limits = limitsOf(settings).map(
      (limit) =>
        new CountedLimit(
          limit,
          this.#ledger,
          before.find((each) => each.limit === limit.name),
        ),
    );
  }

  /** It is in force: from here on replicas are counted, and what nobody uses is given back. */
  begin(): void {
    this.#replicas.begin();
    this.#ledger.begin();
  }

  /** Counts a request that may pass otherwise. Undefined: no limit is about it. A promise where the store must be asked. */
  judge(
    rule: RouteRule,
    identity: Identity | undefined,
    clientAddress: string,
    nowMs: number,
  ): LimitVerdict | undefined | Promise<LimitVerdict> {
    const limits = this.#limitsOf(rule);
    if (limits.length === 0) return undefined;
    const counted: Counted[] = [];
    for (const of of limits) {
      const subject = subjectOf(of.limit.per, rule.name, identity, clientAddress);
      if (subject !== undefined) counted.push({ of, lease: of.leaseOf(subject, nowMs) });
    }
    return counted.length === 0 ? undefined : this.#judge(counted, nowMs, roundsMax);
  }

  reading(): {
    readonly isAlone: boolean;
    readonly replicas: number;
    readonly limits: readonly LimitReading[];
  } {
    const limits = this.#limits.map(({ limit: { name }, numbers }) => ({ limit: name, ...numbers }));
    return { isAlone: this.#ledger.isOut, replicas: this.#replicas.count, limits };
  }

  /** Gives back all that is held. */
  async close(): Promise<void> {
    for (const { leases } of this.#limits) leases.clear();
    await this.#ledger.close();
    await this.#replicas.close();
  }

  #limitsOf(rule: RouteRule): readonly CountedLimit[] {
    const known = this.#byRoute.get(rule.name);
    if (known !== undefined) return known;
    const limits = this.#limits.filter(({ limit }) => appliesTo(limit, rule));
    this.#byRoute.set(rule.name, limits);
    return limits;
  }

  #judge(counted: readonly Counted[], nowMs: number, rounds: number): LimitVerdict | Promise<LimitVerdict> {
    let isUnknown = false;
    let isEmpty = false;
    for (const { lease } of counted) {
      const state = this.#stateOf(lease, nowMs);
      if (state === 'empty') isEmpty = true;
      else if (state === 'unknown') isUnknown = true;
    }
    if (isEmpty || (isUnknown && rounds === 0)) return this.#refuse(counted, nowMs);
    return isUnknown ? this.#wait(counted, nowMs, rounds) : this.#permit(counted, nowMs);
  }

  async #wait(counted: readonly Counted[], nowMs: number, rounds: number): Promise<LimitVerdict> {
    const unknown = counted.filter(({ lease }) => this.#stateOf(lease, nowMs) === 'unknown');
    await Promise.all(unknown.map(({ lease }) => this.#ledger.ask(lease)));
    return this.#judge(counted, this.#now(), rounds - 1);
  }

  #stateOf(lease: Lease, nowMs: number): LeaseState {
    const state = lease.state(nowMs);
    return state === 'unknown' && this.#ledger.isOutFor(lease, nowMs)
      ? lease.stateAlone(nowMs, this.#replicas.count)
      : state;
  }

  #permit(counted: readonly Counted[], nowMs: number): LimitVerdict {
    for (const { of, lease } of counted) {
      of.numbers.permitted += 1;
      if (lease.state(nowMs) === 'held') {
        if (lease.pass(nowMs)) this.#ledger.askAhead(lease);
      } else {
        of.numbers.alone += 1;
        lease.passAlone(nowMs, this.#replicas.count);
      }
    }
    return {
      refusal: undefined,
      pairs: this.#showsFields ? limitPairs(shownOf(counted, nowMs), undefined) : noPairs,
    };
  }

  /** By the limit that is closed for the longest: before it opens, nothing passes. */
  #refuse(counted: readonly Counted[], nowMs: number): LimitVerdict {
    const replicas = this.#replicas.count;
    // Where none is known to be empty, others took all that came each time.
    const empty = counted.filter(({ lease }) => this.#stateOf(lease, nowMs) === 'empty');
    let [worst] = empty.length === 0 ? counted : empty;
    let retryAfterMs = 1;
    for (const each of empty) {
      const isAlone = each.lease.state(nowMs) === 'unknown';
      const afterMs = each.lease.retryAfterMs(nowMs, isAlone, replicas);
      each.of.numbers.refused += 1;
      if (isAlone) each.of.numbers.alone += 1;
      if (afterMs <= retryAfterMs) continue;
      worst = each;
      retryAfterMs = afterMs;
    }
    const limit = worst?.of.limit;
    const reason = limit?.kind === 'quota' ? 'quota_exceeded' : 'limit_exceeded';
    const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
    const refused = { limit: limit?.name ?? '', seconds };
    const shown = this.#showsFields ? shownOf(counted, nowMs) : [];
    return { refusal: denial(reason, limit?.name), pairs: limitPairs(shown, refused) };
  }
}

const noPairs: readonly string[] = [];

const shownOf = (counted: readonly Counted[], nowMs: number): readonly Shown[] =>
  counted.map(({ of: { limit }, lease }) => ({
    limit,
    policy: lease.policy,
    remaining: lease.remaining(nowMs),
    resetAfterMs: lease.resetAfterMs(nowMs),
  }));
