// What a reload leaves as it is: the store, its clock, the change feed with what has been heard through it, and the times
// of last use. Opened once from the settings of the start; serves no request by itself.

import { setTimeout as delay } from 'node:timers/promises';
import type { Outage } from '../decision/outcome.ts';
import { FeedState } from '../identity/feed-state.ts';
import { Tallies } from '../identity/shared-window.ts';
import { createLastUsed, type LastUsed } from '../lifecycle/last-used.ts';
import type { Log } from '../observe/log.ts';
import { measureCalls } from '../observe/measure-calls.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Settings } from '../settings/settings.ts';
import { openStore } from '../store/open-store.ts';
import type { ChangeListener, Subscription, TokenStore } from '../store/token-store.ts';
import { feedRetentionMs } from './retention.ts';
import { createStoreClock, type StoreClock } from './store-clock.ts';
import { type StoreWatch, watchStore } from './store-watch.ts';

export interface Foundation {
  readonly store: TokenStore;
  readonly clock: StoreClock;
  readonly lookups: Pick<StoreWatch, 'state'>;
  readonly feedState: FeedState;
  /** Why the change feed is not connected; undefined while it is, and until something has failed. */
  readonly feedFault: () => Outage | undefined;
  readonly lastUsed: LastUsed;
  /** What callers do at all replicas together. */
  readonly tallies: Tallies;
  /** Waits for the store and its clock, by which tokens are judged, then follows the feed. False when closed meanwhile. */
  start(): Promise<boolean>;
  /** Where tokens live longer by the next settings, reads the feed again from further back, or says why it cannot. */
  prepare(settings: Settings): Promise<string | undefined>;
  /** Settings have been put in force. */
  adjust(settings: Settings): void;
  close(): Promise<void>;
}

/** How long a reload may wait for the feed to be read again. */
const readAgainMsMax = 10_000;

/** Rejects when the SQLite file cannot be used, with what to do about it. */
export const openFoundation = async (settings: Settings, log: Log, metrics: Metrics): Promise<Foundation> => {
  const clock = createStoreClock();
  const { now } = clock;
  const unmeasured = await openStore(settings.store, {
    retentionMs: feedRetentionMs(settings),
    log,
    now,
    checksPages: true,
  });
  const store = measureCalls(unmeasured, (command, durationMs, failed) =>
    metrics.storeCommand(command, durationMs, failed),
  );
  const feedState = new FeedState({ store, ...boundsOf(settings), now, observe: feedObserver(log) });
  const bounds = { silentMsMax: settings.feed.maxStalenessMs };
  const lookups = watchStore({
    store: unmeasured,
    clock,
    silentMsMax: () => bounds.silentMsMax,
    isFeedStale: () => feedState.isStale(),
  });
  const [lastUsed, tallies] = [createLastUsed(store, log), new Tallies({ store, now })];
  let subscription: Subscription | undefined;
  let isClosed = false;
  /** How far back the feed has been read. */
  let readMs = feedRetentionMs(settings);

  return {
    store,
    clock,
    lookups,
    feedState,
    feedFault: () => subscription?.fault(),
    lastUsed,
    tallies,
    start: async () => {
      await lookups.whenAnswered;
      if (isClosed) return false;
      subscription = store.follow(feedState);
      return true;
    },
    prepare: async (next) => {
      const retentionMs = feedRetentionMs(next);
      if (retentionMs <= readMs) return undefined;
      if (subscription === undefined) return cannotReadAgain;
      const caughtUp = Promise.withResolvers<'read'>();
      await subscription.close();
      if (isClosed) return cannotReadAgain;
      const listener = listenerOf(feedState, () => caughtUp.resolve('read'));
      subscription = store.follow(listener, retentionMs);
      const late = delay(readAgainMsMax, 'late', { ref: false });
      if ((await Promise.race([caughtUp.promise, late])) === 'late') return cannotReadAgain;
      readMs = retentionMs;
      return undefined;
    },
    adjust: (next) => {
      // What has been read once is remembered: other replicas' tokens may still need it.
      readMs = Math.max(readMs, feedRetentionMs(next));
      feedState.adjust({ ...boundsOf(next), retentionMs: readMs });
      bounds.silentMsMax = next.feed.maxStalenessMs;
    },
    close: async () => {
      isClosed = true;
      await lookups.close();
      await subscription?.close();
      await lastUsed.close();
      await tallies.close();
      await store.close();
    },
  };
};

const cannotReadAgain =
  'the change feed must be read from further back, because tokens may live longer now (tokens.accessTokenLifetime, ' +
  'issuers[].tokenAgeMax, cache.identityTtl, feed.maxStaleness), and the store did not give it in time; is it up?';

const boundsOf = (settings: Settings) => ({
  maxStalenessMs: settings.feed.maxStalenessMs,
  retentionMs: feedRetentionMs(settings),
  clockLeewayMs: settings.tokens.clockLeewayMs,
});

/** The feed's state as a listener that also says when the feed has been read to its end. */
const listenerOf = (feedState: FeedState, onCaughtUp: () => void): ChangeListener => ({
  changes: (changes) => feedState.changes(changes),
  heard: () => feedState.heard(),
  caughtUp: () => {
    feedState.caughtUp();
    onCaughtUp();
  },
  reset: (reason) => feedState.reset(reason),
  handedOver: () => feedState.handedOver(),
  connected: (isConnected) => feedState.connected(isConnected),
});

const feedObserver = (log: Log) => ({
  reset: (reason: keyof typeof resetMessages): void => log.warn(resetMessages[reason], { reason }),
  reapplied: (count: number, result: 'done' | Outage): void =>
    log.warn('what this replica knew was written back to the store', { count, result }),
});

const restored =
  'Every cache was dropped, and what this replica knows of revocations is written back. If callers with good API tokens ' +
  'are told 401 (token_unknown), the store was emptied and its tokens are gone: restore a backup.';

/** What happened, and what an operator does about it. */
const resetMessages: Readonly<Record<'trimmed' | 'server_replaced', string>> = {
  trimmed: `the change feed lost its thread: lines this replica had read are gone, as after FLUSHALL. ${restored}`,
  server_replaced: `the change feed lost its thread: another server, or another history, is behind the address of the store. ${restored}`,
};
