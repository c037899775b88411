// Tells when an issuer cannot be asked about its tokens, and when it can again: once each, and of a new fault not before a
// minute has passed, so that an issuer that comes and goes does not fill the log.

import type { Outage } from '../decision/outcome.ts';
import { minuteMs } from './fixed-window.ts';

/** `fault`: why it cannot be asked; undefined: it can again. */
export type TellIssuerFault = (issuer: string, fault: Outage | undefined) => void;

export class IssuerFaults {
  readonly #issuer: string;
  readonly #tell: TellIssuerFault | undefined;
  readonly #monotonicMs: () => number;
  #isTold = false;
  #toldMs = -Infinity;

  constructor(issuer: string, tell: TellIssuerFault | undefined, monotonicMs: () => number) {
    this.#issuer = issuer;
    this.#tell = tell;
    this.#monotonicMs = monotonicMs;
  }

  /** What came of one question: a fault, or undefined. */
  note(fault: Outage | undefined): void {
    if ((fault !== undefined) === this.#isTold) return;
    const clockMs = this.#monotonicMs();
    if (fault !== undefined && clockMs - this.#toldMs < minuteMs) return;
    if (fault !== undefined) this.#toldMs = clockMs;
    this.#isTold = fault !== undefined;
    this.#tell?.(this.#issuer, fault);
  }
}
