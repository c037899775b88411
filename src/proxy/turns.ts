// Turns of the event loop. A caller that sends many requests in one piece (RFC 9112 section 9.3.2) would have them all begun,
// and those that are refused all answered, before anybody else is read: Node's parser hands on a whole piece of input at once.
// So a connection begins one request in a turn; what else it has sent waits for a later one, behind all connections that wait.

/** A connection that has requests waiting. */
export interface TurnTaker {
  /** The turn in which it last began a request by itself; kept here. */
  lastTurn: number;
  /** Begins one request. */
  onTurn(): void;
}

/** Requests of those that wait begun in one turn, of all connections together: about a millisecond of refusals. */
const perTurnMax = 16;

export class Turns {
  #turn = 1;
  #isArmed = false;
  /** The first has waited longest. */
  readonly #waiting = new Set<TurnTaker>();

  /** Whether the connection has begun no request in this turn. */
  isFree(taker: TurnTaker): boolean {
    return taker.lastTurn !== this.#turn;
  }

  /** Uses the connection's turn. */
  take(taker: TurnTaker): void {
    taker.lastTurn = this.#turn;
    this.#arm();
  }

  /** Calls `onTurn` once, in a later turn, after those that wait already. */
  wait(taker: TurnTaker): void {
    this.#waiting.add(taker);
    this.#arm();
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(this.#onTurn);
  }

  /** Between two times that input is read: what begins here belongs to the turn that ends. */
  readonly #onTurn = (): void => {
    let left = Math.min(perTurnMax, this.#waiting.size);
    try {
      for (const taker of this.#waiting) {
        if (left === 0) break;
        left -= 1;
        this.#waiting.delete(taker);
        taker.onTurn();
      }
    } finally {
      this.#turn += 1;
      this.#isArmed = false;
      if (this.#waiting.size > 0) this.#arm();
    }
  };
}
