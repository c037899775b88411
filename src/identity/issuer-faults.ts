// Reports when an issuer cannot be asked about its tokens, and when it can again: once each, and of a new fault not before a
// minute has passed, so that an issuer that comes and goes does not fill the log.

import type { Outage } from '../decision/outcome.ts';
import { minuteMs } from './fixed-window.ts';

/** `fault`: why it cannot be asked; undefined: it can again. */
export type ReportIssuerFault = (issuer: string, fault: Outage | undefined) => void;

/** Takes what came of each question: a fault, or undefined. */
export const createIssuerFaults = (
  issuer: string,
  report: ReportIssuerFault | undefined,
  monotonicMs: () => number,
): ((fault: Outage | undefined) => void) => {
  let isReported = false;
  let reportedMs = -Infinity;
  return (fault) => {
    if ((fault !== undefined) === isReported) return;
    const clockMs = monotonicMs();
    if (fault !== undefined && clockMs - reportedMs < minuteMs) return;
    if (fault !== undefined) reportedMs = clockMs;
    isReported = fault !== undefined;
    report?.(issuer, fault);
  };
};
