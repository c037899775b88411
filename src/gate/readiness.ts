// When this replica may be sent traffic, and who is told. Never flips on a blip that the cache can ride out; liveness is not its matter.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Readiness } from '../observe/ops-server.ts';

export interface ReadinessFacts {
  readonly isShuttingDown: boolean;
  /** The whole retention window of the change feed has been read once. */
  readonly isFeedRead: boolean;
  readonly isFeedStale: boolean;
  /** Stale for lost continuity, not for silence. */
  readonly isFeedBroken: boolean;
  readonly servesWhenStale: boolean;
  readonly keys: 'ready' | Outage;
}

/** Pure: the facts of now, turned into reasons a person at a dashboard understands. */
export const readinessOf = (facts: ReadinessFacts): Readiness => {
  const reasons: string[] = [];
  if (facts.isShuttingDown) reasons.push('shutting down');
  const ask = adviceOf(facts.keys) ?? 'is the store up?';
  if (!facts.isFeedRead) reasons.push(`the change feed of the store has not been read yet: ${ask}`);
  else if (facts.isFeedStale && !facts.servesWhenStale)
    reasons.push(
      facts.isFeedBroken
        ? 'the change feed lost its thread (the store was flushed, replaced or trimmed) and is being read again'
        : `the change feed has been silent for longer than feed.maxStaleness: ${ask}`,
    );
  if (isOutage(facts.keys)) {
    const { cause, reason } = facts.keys;
    reasons.push(`signing keys: ${cause instanceof Error ? cause.message : reason}`);
  }
  return { ready: reasons.length === 0, reasons };
};

/** An adapter's error says in `advice`, without a secret, what an operator does about it. */
const adviceOf = (state: 'ready' | Outage): string | undefined => {
  let cause = isOutage(state) ? state.cause : undefined;
  while (cause instanceof Error) {
    if ('advice' in cause && typeof cause.advice === 'string') return cause.advice;
    cause = cause.cause;
  }
  return undefined;
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
