// How long the change feed must remember: longer than any access token that it could speak against may live.

import type { Settings } from '../settings/settings.ts';
import { surfaceSessionMs } from '../settings/surface-paths.ts';

/** Beyond the longest life: clocks apart, a replica that starts, a write that waits. */
const marginMs = 5 * 60_000;

/** Milliseconds. Covers our own access tokens, those of every external issuer, and the sessions of the console. */
export const feedRetentionMs = (
  settings: Pick<Settings, 'tokens' | 'issuers' | 'cache' | 'feed' | 'oauth' | 'surfaces'>,
): number =>
  Math.max(
    settings.tokens.accessTokenLifetimeMs,
    settings.cache.identityTtlMs + settings.feed.maxStalenessMs,
    // The cookie of a session that was ended is prolonged no more, once this replica has heard of the end.
    surfaceSessionMs(settings) + settings.feed.maxStalenessMs,
    ...settings.issuers.map(({ tokenAgeMsMax }) => tokenAgeMsMax),
  ) +
  settings.tokens.clockLeewayMs +
  marginMs;
