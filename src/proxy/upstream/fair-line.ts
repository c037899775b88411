// The requests that wait for a connection to one upstream: served in turns, a request of each caller. When it is full, the caller
// that has most in it loses the newest. A caller that holds its whole share waits until it gives one back.

import { type Denial, denial, type Outage, outage } from '../../decision/outcome.ts';
import type { ShareClaim, Party } from './caller-shares.ts';

/** A request that waits. */
export interface LineMember {
  onRefused(reason: Denial | Outage): void;
}

/** A member whose turn it is. */
export interface Turn<T> {
  readonly member: T;
  readonly claim: ShareClaim;
}

interface Entry<T> extends Turn<T> {
  readonly timer: NodeJS.Timeout;
}

export class FairLine<T extends LineMember> {
  readonly #lengthMax: number;
  readonly #waitMs: number;
  /** The caller whose turn comes next is first; each one's requests oldest first. */
  readonly #byCaller = new Map<Party, Entry<T>[]>();
  readonly #byMember = new Map<T, Entry<T>>();

  constructor(lengthMax: number, waitMs: number) {
    this.#lengthMax = lengthMax;
    this.#waitMs = waitMs;
  }

  get length(): number {
    return this.#byMember.size;
  }

  /** Lets it wait; refuses it, or another one, when too many do. */
  add(member: T, claim: ShareClaim): void {
    if (this.length >= this.#lengthMax) {
      const longest = this.#longestLine();
      const own = this.#byCaller.get(claim.caller)?.length ?? 0;
      const newest = longest.at(-1);
      if (newest === undefined || longest.length <= own + 1) return member.onRefused(refusalOf(claim));
      this.remove(newest.member);
      newest.member.onRefused(refusalOf(newest.claim));
    }
    const timer = setTimeout(() => {
      this.remove(member);
      member.onRefused(refusalOf(claim));
    }, this.#waitMs);
    const entry: Entry<T> = { member, claim, timer };
    const own = this.#byCaller.get(claim.caller);
    if (own === undefined) this.#byCaller.set(claim.caller, [entry]);
    else own.push(entry);
    this.#byMember.set(member, entry);
    claim.caller.waiting += 1;
    claim.address.waiting += 1;
  }

  /** Takes the next one out, by turns, whose shares allow it; undefined when there is none. */
  next(): Turn<T> | undefined {
    for (const [caller, entries] of this.#byCaller) {
      if (caller.isAtShare) continue;
      const entry = entries.find(({ claim }) => !claim.isAtShare);
      if (entry === undefined) continue;
      this.remove(entry.member);
      // To the end of the round.
      if (this.#byCaller.delete(caller)) this.#byCaller.set(caller, entries);
      return entry;
    }
    return undefined;
  }

  /** Whether it was waiting. */
  remove(member: T): boolean {
    const entry = this.#byMember.get(member);
    if (entry === undefined) return false;
    clearTimeout(entry.timer);
    this.#byMember.delete(member);
    const { caller, address } = entry.claim;
    caller.waiting -= 1;
    address.waiting -= 1;
    const entries = this.#byCaller.get(caller) ?? [];
    entries.splice(entries.indexOf(entry), 1);
    if (entries.length === 0) this.#byCaller.delete(caller);
    return true;
  }

  /** Refuses everybody. */
  disperse(reason: Outage): void {
    for (const member of this.#byMember.keys()) {
      this.remove(member);
      member.onRefused(reason);
    }
  }

  #longestLine(): readonly Entry<T>[] {
    let longest: readonly Entry<T>[] = [];
    for (const entries of this.#byCaller.values()) if (entries.length > longest.length) longest = entries;
    return longest;
  }
}

const refusalOf = ({ usedUp }: ShareClaim): Denial | Outage =>
  usedUp === undefined ? outage('overloaded') : denial('share_used_up', usedUp);
