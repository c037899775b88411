// Reports when an issuer cannot be asked about its tokens, and when it can again: once each, and of a new fault not before a
// minute has passed, so that an issuer that comes and goes does not fill the log.

import type { Outage } from '../decision/outcome.ts';
import { minuteMs } from './fixed-window.ts';

/** `fault`: why it cannot be asked; undefined: it can again. */
export type ReportIssuerFault = (issuer: string, fault: Outage | undefined) => void;

export class IssuerFaults {
  readonly #issuer: string;
  readonly #report: ReportIssuerFault | undefined;
  readonly #monotonicMs: () => number;
  #isReported = false;
  #reportedMs = -Infinity;

  constructor(issuer: string, report: ReportIssuerFault | undefined, monotonicMs: () => number) {
    this.#issuer = issuer;
    this.#report = report;
    this.#monotonicMs = monotonicMs;
  }

  /** What came of one question: a fault, or undefined. */
  note(fault: Outage | undefined): void {
    if ((fault !== undefined) === this.#isReported) return;
    const clockMs = this.#monotonicMs();
    if (fault !== undefined && clockMs - this.#reportedMs < minuteMs) return;
    if (fault !== undefined) this.#reportedMs = clockMs;
    this.#isReported = fault !== undefined;
    this.#report?.(this.#issuer, fault);
  }
}
