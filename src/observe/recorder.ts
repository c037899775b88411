// Turns the record of a finished request into numbers and, where the settings ask for it, one access line.
// It runs on every request: without a line it only increments.

import { accessLine } from './access-line.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { RecordOutcome, RequestOutcome } from './request-outcome.ts';

/** `access`: which requests get a line. A bug is always logged, with its cause. */
export const createRecorder = (
  metrics: Pick<Metrics, 'record'>,
  log: Log,
  access: 'off' | 'errors' | 'all',
): RecordOutcome => {
  const logsAll = access === 'all';
  const logsErrors = access !== 'off';
  return (outcome) => {
    metrics.record(outcome);
    if (outcome.result === 'bug') reportBug(log, outcome);
    if (logsAll || (logsErrors && isError(outcome))) log.line(accessLine(outcome, Date.now()));
  };
};

/** Refused, failed, or cut off; a permit whose upstream answered 5xx too, and what only shadow mode let through. */
const isError = (outcome: RequestOutcome): boolean =>
  outcome.result !== 'permit' ||
  outcome.reason !== undefined ||
  outcome.status >= 500 ||
  (outcome.shadow !== undefined && outcome.shadow !== 'permit');

const reportBug = (log: Log, outcome: RequestOutcome): void =>
  log.error('a bug broke a request', {
    requestId: outcome.requestId,
    route: outcome.route,
    status: outcome.status,
    err: outcome.cause,
  });
