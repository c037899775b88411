// Says when the store is out for rate limits and quotas, and when it answers again: at most once a minute, so that a store that is
// now and then too slow does not fill the log.

import type { Outage } from '../decision/outcome.ts';
import type { Log } from '../observe/log.ts';

const sayEveryMs = 60_000;

/** Hears why the store is out; undefined: it answers. */
export const createOutageLog = (
  log: Pick<Log, 'info' | 'warn'>,
  monotonicMs: () => number = () => performance.now(),
): ((why: Outage | undefined) => void) => {
  let saidMs = -Infinity;
  let isSaid = false;
  return (why) => {
    if (why === undefined) {
      if (isSaid) log.info('the store answers for rate limits and quotas again');
      isSaid = false;
      return;
    }
    if (monotonicMs() - saidMs < sayEveryMs) return;
    saidMs = monotonicMs();
    isSaid = true;
    log.warn(
      'the store does not answer for rate limits and quotas: until it does, this replica lets its own share of them through, and tells the store afterwards',
      { err: why.cause, advice: adviceOf(why.cause) },
    );
  };
};

/** What the operator does about a fault of the store; undefined where there is nothing to do but to wait. */
export const adviceOf = (fault: unknown): string | undefined =>
  fault instanceof Error && 'advice' in fault && typeof fault.advice === 'string' ? fault.advice : undefined;
