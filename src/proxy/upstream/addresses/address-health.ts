// Whether one address of an upstream is up: a circuit that opens after failures in a row, for this address alone. Pure: the
// time is a parameter (ms, of one clock). What a route is slow with or answers counts only where the settings name the status.

import type { UpstreamSettings } from '../../../settings/settings.ts';

type HealthRules = Pick<UpstreamSettings['health'], 'failuresMax' | 'pauseMs'>;

/**
 * `up`; `failing`: it can be connected to, but its probes fail, or it answered with statuses that count as failures;
 * `unreachable`: it cannot be connected to.
 */
export type AddressState = 'up' | 'failing' | 'unreachable';

export class AddressHealth {
  readonly #rules: HealthRules;
  #connectFailures = 0;
  #probeFailures = 0;
  #badStatuses = 0;
  /** From then on its statuses are judged anew: one more bad one takes it down again, a good one does not. */
  #statusesUntilMs = 0;
  #tryAgainAtMs = 0;
  /** Somebody connects to it to find out whether it is up again; one at a time. */
  isBeingTried = false;
  /** A connection to it was opened, or a probe succeeded, since it is known. */
  isProven = false;
  /** What failed last; undefined while nothing has since it was up. */
  fault: string | undefined;

  constructor(rules: HealthRules) {
    this.#rules = rules;
  }

  state(nowMs: number): AddressState {
    const { failuresMax } = this.#rules;
    if (this.#connectFailures >= failuresMax) return 'unreachable';
    if (this.#probeFailures >= failuresMax) return 'failing';
    return this.#badStatuses >= failuresMax && nowMs < this.#statusesUntilMs ? 'failing' : 'up';
  }

  /** It is unreachable, has been left alone for long enough, and nobody is trying it. */
  isDue(nowMs: number): boolean {
    return !this.isBeingTried && nowMs >= this.#tryAgainAtMs && this.state(nowMs) === 'unreachable';
  }

  connected(): void {
    this.isProven = true;
    this.#connectFailures = 0;
    if (this.#probeFailures + this.#badStatuses === 0) this.fault = undefined;
  }

  connectFailed(why: string, nowMs: number): void {
    this.#connectFailures += 1;
    this.#tryAgainAtMs = nowMs + this.#rules.pauseMs;
    this.fault = why;
  }

  /** A probe got the answer that was asked for, on a connection of its own. */
  probeSucceeded(): void {
    this.isProven = true;
    this.#connectFailures = 0;
    this.#probeFailures = 0;
    this.fault = undefined;
  }

  /** It was connected to, and did not answer as it should. */
  probeFailed(why: string): void {
    const { failuresMax } = this.#rules;
    // What was down does not come up by this.
    this.#probeFailures = this.#connectFailures >= failuresMax ? failuresMax : this.#probeFailures + 1;
    this.#connectFailures = 0;
    this.fault = why;
  }

  /** A response came whose status is one that counts as a failure. */
  answeredBadly(status: number, nowMs: number): void {
    this.#badStatuses += 1;
    this.#statusesUntilMs = nowMs + this.#rules.pauseMs;
    this.fault = `it answered ${this.#badStatuses} times in a row with a status that counts as a failure, last ${status}`;
  }

  /** Whether it was down for its answers before. */
  answeredWell(): boolean {
    const wasDown = this.#badStatuses >= this.#rules.failuresMax;
    this.#badStatuses = 0;
    return wasDown;
  }
}
