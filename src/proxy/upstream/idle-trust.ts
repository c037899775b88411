// How long a connection may have been idle and still be trusted with a request that cannot be sent twice. Learned from the
// upstream: the shortest idle age at which it closed a connection. It keeps no clock.

export class IdleTrust {
  #shortestMs = Number.POSITIVE_INFINITY;
  #learnedAtMs = 0;

  /** The upstream closed a connection that had been idle for `idleMs`. */
  learn(idleMs: number, nowMs: number): void {
    if (idleMs > this.#expectedMs(nowMs)) return;
    this.#shortestMs = Math.max(idleMs, shortestMs);
    this.#learnedAtMs = nowMs;
  }

  /** Whether a connection idle for `idleMs` is younger than the upstream's closes, with a margin for the way there. */
  trusts(idleMs: number, nowMs: number): boolean {
    return idleMs < this.#expectedMs(nowMs) * margin;
  }

  /** One close may have been a restart: what was learned is believed less and less, unless it is seen again. */
  #expectedMs(nowMs: number): number {
    return this.#shortestMs * 2 ** ((nowMs - this.#learnedAtMs) / doublingMs);
  }
}

const margin = 0.5;
const doublingMs = 10_000;
/** Lower ages are noise of the clock and the event loop. */
const shortestMs = 1;
