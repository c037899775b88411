// A follower of the change feed that writes down what it is told, so that a test can await it.

import { EventEmitter, once } from 'node:events';
import type { Change } from '../../src/store/records.ts';
import type { ChangeListener } from '../../src/store/token-store.ts';

export interface RecordedFeed extends ChangeListener {
  readonly lines: Change[];
  /** `caughtUp`, `connected`, `disconnected`, `reset:<reason>`, in order. */
  readonly events: string[];
  heardCount(): number;
  isConnected(): boolean;
  /** Resolves once `isTrue` holds; it is asked again whenever something is told. */
  until(isTrue: () => boolean): Promise<void>;
}

export const recordFeed = (): RecordedFeed => {
  const told = new EventEmitter();
  const lines: Change[] = [];
  const events: string[] = [];
  let heardCount = 0;
  let isConnected = false;
  const tell = (event?: string): void => {
    if (event !== undefined) events.push(event);
    told.emit('told');
  };
  return {
    lines,
    events,
    heardCount: () => heardCount,
    isConnected: () => isConnected,
    until: async (isTrue) => {
      // Followers do not keep a process alive; the one who waits does.
      const alive = setInterval(() => undefined, 1_000);
      while (!isTrue()) await once(told, 'told');
      clearInterval(alive);
    },
    changes: (changes) => {
      lines.push(...changes);
      tell();
    },
    heard: () => {
      heardCount += 1;
      tell();
    },
    caughtUp: () => tell('caughtUp'),
    reset: (reason) => tell(`reset:${reason}`),
    connected: (isUp) => {
      isConnected = isUp;
      tell(isUp ? 'connected' : 'disconnected');
    },
  };
};
