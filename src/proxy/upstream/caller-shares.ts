// What each caller may hold of one upstream's connections: a share per caller (the user of its credential; without one, its
// address) and a share per address for all its callers together. It only counts.

import type { Permit } from '../../decision/authorize.ts';
import type { UpstreamSettings } from '../../settings/settings.ts';

/** Shares from 0 to 1 of `connectionsMax`; at least one connection is everybody's. */
type ShareSettings = Pick<UpstreamSettings, 'connectionsMax' | 'callerShare' | 'addressShare'>;

/** Who asks for a connection. */
export interface Claimant {
  readonly permit: Pick<Permit, 'identity'>;
  /** The caller's address, IPv6 as its /64 (address-block.ts); `unknown` on a unix socket. */
  readonly addressBlock: string;
}

/** One caller, or one address, and how many connections it holds. */
export class Party {
  held = 0;
  /** Requests in the line; a party with some is not forgotten. */
  waiting = 0;
  readonly heldMax: number;

  constructor(heldMax: number) {
    this.heldMax = heldMax;
  }

  get isAtShare(): boolean {
    return this.held >= this.heldMax;
  }

  get isBelowHalf(): boolean {
    return this.held < this.heldMax / 2;
  }
}

/** One request's claim to a connection, counted against its caller and its address. */
export class ShareClaim {
  readonly caller: Party;
  readonly address: Party;

  constructor(caller: Party, address: Party) {
    this.caller = caller;
    this.address = address;
  }

  get isAtShare(): boolean {
    return this.usedUp !== undefined;
  }

  get isBelowHalf(): boolean {
    return this.caller.isBelowHalf && this.address.isBelowHalf;
  }

  /** The setting that holds it back; undefined while none does. */
  get usedUp(): 'callerShare' | 'addressShare' | undefined {
    if (this.caller.isAtShare) return 'callerShare';
    return this.address.isAtShare ? 'addressShare' : undefined;
  }

  take(): void {
    this.caller.held += 1;
    this.address.held += 1;
  }

  giveBack(): void {
    this.caller.held -= 1;
    this.address.held -= 1;
  }
}

export class CallerShares {
  readonly #callers: Parties;
  readonly #addresses: Parties;
  /** Callers on a unix socket: nothing tells one address from another. */
  readonly #nowhere = new Party(Infinity);

  constructor({ connectionsMax, callerShare, addressShare }: ShareSettings) {
    this.#callers = new Parties(shareOf(connectionsMax, callerShare));
    this.#addresses = new Parties(shareOf(connectionsMax, addressShare));
  }

  /** Two look-ups. The claim must be taken, or wait, before another is asked for. */
  claimOf({ permit: { identity }, addressBlock }: Claimant): ShareClaim {
    // No id and no address holds a blank.
    const name = identity === undefined ? addressBlock : `${identity.org.id} ${identity.user.id}`;
    const address = addressBlock === 'unknown' ? this.#nowhere : this.#addresses.of(addressBlock);
    return new ShareClaim(this.#callers.of(name), address);
  }

  /** Callers and addresses remembered. */
  get size(): number {
    return this.#callers.size + this.#addresses.size;
  }

  /** Callers that hold all they may. */
  countAtShare(): number {
    return this.#callers.countAtShare();
  }
}

/** Infinity for a share that is all: who is refused then meets an upstream in use, not its own share. */
const shareOf = (connectionsMax: number, share: number): number => {
  const heldMax = Math.max(1, Math.ceil(connectionsMax * share));
  return heldMax < connectionsMax ? heldMax : Infinity;
};

/** Parties by key. Those that hold nothing are forgotten all at once, when there are many: the end of a request needs no look-up. */
class Parties {
  readonly #heldMax: number;
  readonly #byKey = new Map<string, Party>();
  /** Twice those that cannot be forgotten, so that forgetting costs each newcomer little. */
  #sizeMax = partiesMin;

  constructor(heldMax: number) {
    this.#heldMax = heldMax;
  }

  of(key: string): Party {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= this.#sizeMax) this.#forgetIdle();
    const party = new Party(this.#heldMax);
    this.#byKey.set(key, party);
    return party;
  }

  get size(): number {
    return this.#byKey.size;
  }

  countAtShare(): number {
    let count = 0;
    for (const party of this.#byKey.values()) if (party.isAtShare) count += 1;
    return count;
  }

  #forgetIdle(): void {
    for (const [key, { held, waiting }] of this.#byKey)
      if (held === 0 && waiting === 0) this.#byKey.delete(key);
    this.#sizeMax = Math.max(partiesMin, 2 * this.#byKey.size);
  }
}

const partiesMin = 4_096;
