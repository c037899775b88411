// When this replica may be sent traffic, and who is told. Never flips on a blip that the cache can ride out; liveness is not its matter.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Readiness } from '../observe/ops-server.ts';

export interface ReadinessFacts {
  readonly isShuttingDown: boolean;
  /** The whole retention window of the change feed has been read once. */
  readonly isFeedRead: boolean;
  readonly isFeedStale: boolean;
  readonly servesWhenStale: boolean;
  readonly keys: 'ready' | Outage;
}

/** Pure: the facts of now, turned into reasons a person at a dashboard understands. */
export const readinessOf = (facts: ReadinessFacts): Readiness => {
  const reasons: string[] = [];
  if (facts.isShuttingDown) reasons.push('shutting down');
  if (!facts.isFeedRead) reasons.push('the change feed of the store has not been read yet: is the store up?');
  else if (facts.isFeedStale && !facts.servesWhenStale)
    reasons.push('the change feed has been silent for longer than feed.maxStaleness: is the store up?');
  if (isOutage(facts.keys)) {
    const { cause, reason } = facts.keys;
    reasons.push(`signing keys: ${cause instanceof Error ? cause.message : reason}`);
  }
  return { ready: reasons.length === 0, reasons };
};

const lookEveryMs = 50;

/** Tells each change of readiness, the first time it is reached included; returns how to stop. */
export const watchReadiness = (read: () => Readiness, tell: (readiness: Readiness) => void): (() => void) => {
  let wasReady = false;
  const look = (): void => {
    const readiness = read();
    if (readiness.ready === wasReady) return;
    wasReady = readiness.ready;
    tell(readiness);
  };
  const timer = setInterval(look, lookEveryMs).unref();
  return () => clearInterval(timer);
};
