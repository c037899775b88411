// The part of the gate that finds out who is calling: store, change feed, signing keys, identifier. Built here from
// settings; serves no request by itself.

import type { Outage } from '../decision/outcome.ts';
import { type CountingIdentifier, createIdentifier } from '../identity/create-identifier.ts';
import { createFeedState, type FeedState } from '../identity/feed-state.ts';
import { createUnknownTokenLimit } from '../identity/unknown-token-limit.ts';
import { createLastUsed } from '../lifecycle/last-used.ts';
import { algorithmsOf, SigningKeys } from '../lifecycle/signing-keys.ts';
import { summarizeError } from '../observe/describe-error.ts';
import type { Log } from '../observe/log.ts';
import { measureCalls } from '../observe/measure-calls.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Settings } from '../settings/settings.ts';
import { openStore } from '../store/open-store.ts';
import type { Subscription, TokenStore } from '../store/token-store.ts';
import type { KeysFault } from '../tokens/issuer-keys.ts';
import { createAccessTokenVerifiers } from '../tokens/verify-access-token.ts';
import { feedRetentionMs } from './retention.ts';
import { signersOf } from './signers.ts';
import type { StoreClock } from './store-clock.ts';
import { type StoreWatch, watchStore } from './store-watch.ts';

export interface Identification {
  readonly store: TokenStore;
  readonly lookups: Pick<StoreWatch, 'state'>;
  readonly feedState: FeedState;
  /** Why the change feed is not connected; undefined while it is, and until something has failed. */
  readonly feedFault: () => Outage | undefined;
  readonly signingKeys: SigningKeys;
  readonly identifier: CountingIdentifier;
  /**
   * Waits for the store and its clock, then follows the feed, reads keys and warms issuers; what cannot be had now is
   * tried again by itself. Before the feed has been read nobody is let in, so no token is made or judged by another clock.
   */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Rejects when the SQLite file cannot be used, with what to do about it. */
export const openIdentification = async (
  settings: Settings,
  log: Log,
  metrics: Metrics,
  clock: StoreClock,
): Promise<Identification> => {
  const { now } = clock;
  const retentionMs = feedRetentionMs(settings);
  const unmeasured = await openStore(settings.store, { retentionMs, log, now, checksPages: true });
  const store = measureCalls(unmeasured, (command, durationMs, failed) =>
    metrics.storeCommand(command, durationMs, failed),
  );
  const feedState = createFeedState({
    store,
    maxStalenessMs: settings.feed.maxStalenessMs,
    retentionMs,
    clockLeewayMs: settings.tokens.clockLeewayMs,
    now,
    observe: {
      reset: (reason) => log.warn(resetMessages[reason], { reason }),
      reapplied: (count, result) =>
        log.warn('what this replica knew was written back to the store', { count, result }),
    },
  });
  const signingKeys = new SigningKeys({
    store,
    settings,
    now,
    log,
    algorithms: algorithmsOf(settings),
    onRevoked: () => {
      log.warn('a signing key was revoked: its tokens are refused, and every cache was dropped');
      identifier.drop();
    },
  });
  const accessTokens = createAccessTokenVerifiers({
    issuer: settings.issuer,
    audience: settings.audience,
    keyRing: signingKeys.ring,
    externalIssuers: settings.issuers.filter(({ introspection }) => introspection === undefined),
    clockLeewayMs: settings.tokens.clockLeewayMs,
    tokenAgeMsMax: settings.tokens.accessTokenLifetimeMs,
    onIssuerFault: (issuer, fault) => {
      if (fault === undefined) log.info(`the keys of the issuer ${issuer} can be had again`);
      else log.warn(adviceOn(issuer, fault));
    },
  });
  const lastUsed = createLastUsed(store, log);
  const identifier = createIdentifier({
    store,
    settings,
    feedState,
    unknownTokenLimit: createUnknownTokenLimit(settings.limits.unknownTokensPerMinute),
    accessTokens,
    isKeyRevoked: (kid) => signingKeys.isRevoked(kid),
    noteUse: (tokenId, nowMs) => lastUsed.note(tokenId, nowMs),
    ...signersOf(settings, signingKeys.ring),
  });
  feedState.onChange((changes) => {
    if (changes.some(({ kind }) => kind === 'keys')) void signingKeys.reload();
  });
  // A store that lost its history may have lost its keys: known ones are written back before another replica makes new ones.
  feedState.onReset(() => void signingKeys.reload());
  const lookups = watchStore({
    store: unmeasured,
    clock,
    silentMsMax: settings.feed.maxStalenessMs,
    isFeedStale: () => feedState.isStale(),
  });
  let subscription: Subscription | undefined;
  let isClosed = false;
  return {
    store,
    lookups,
    feedState,
    feedFault: () => subscription?.fault(),
    signingKeys,
    identifier,
    start: async () => {
      await lookups.whenAnswered;
      if (isClosed) return;
      subscription = store.follow(feedState);
      await Promise.all([signingKeys.start(), accessTokens.warm(now())]);
    },
    close: async () => {
      isClosed = true;
      signingKeys.close();
      await lookups.close();
      await subscription?.close();
      await lastUsed.close();
      await store.close();
    },
  };
};

/** One line, for an issuer that is down or set up wrongly. */
const adviceOn = (issuer: string, { cause, hasKeys }: KeysFault): string =>
  `the keys of the issuer ${issuer} cannot be had: ${summarizeError(cause)}. ` +
  (hasKeys
    ? 'Its known keys serve for its `staleKeysMax`, then its tokens are answered 503; '
    : 'Its tokens are answered 503 until they can; ') +
  'check `issuer` and `jwks` of it, and the way there from this machine (HTTPS_PROXY, NO_PROXY).';

const restored =
  'Every cache was dropped, and what this replica knows of revocations is written back. If callers with good API tokens ' +
  'are told 401 (token_unknown), the store was emptied and its tokens are gone: restore a backup.';

/** What happened, and what an operator does about it. */
const resetMessages: Readonly<Record<'trimmed' | 'server_replaced', string>> = {
  trimmed: `the change feed lost its thread: lines this replica had read are gone, as after FLUSHALL. ${restored}`,
  server_replaced: `the change feed lost its thread: another server, or another history, is behind the address of the store. ${restored}`,
};
