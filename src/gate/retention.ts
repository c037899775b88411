// How long the change feed must remember: longer than any access token that it could speak against may live.

import type { Settings } from '../settings/settings.ts';

/** Beyond the longest life: clocks apart, a replica that starts, a write that waits. */
const marginMs = 5 * 60_000;

/** Milliseconds. Covers our own access tokens and those of every external issuer. */
export const feedRetentionMs = (settings: Pick<Settings, 'tokens' | 'issuers' | 'cache' | 'feed'>): number =>
  Math.max(
    settings.tokens.accessTokenLifetimeMs,
    settings.cache.identityTtlMs + settings.feed.maxStalenessMs,
    ...settings.issuers.map(({ tokenAgeMsMax }) => tokenAgeMsMax),
  ) +
  settings.tokens.clockLeewayMs +
  marginMs;
