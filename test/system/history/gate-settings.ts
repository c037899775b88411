// What every gate of a run is told: short bounds, no limits on callers, and an access line with the reason of each refusal.

import type { Bounds } from './history.ts';

export const maxStalenessMs = 2_000;

/** Generous: they hold on a slow, busy machine too. What was measured is in the table of the run. */
export const bounds: Bounds = {
  healthyMs: 2_000,
  cutOffMs: maxStalenessMs + 2_000,
  settleMs: 2_000,
  // A reading of the store's clock is wrong by half its round trip at most, which `store.readTimeout` (1 s) bounds.
  clockMs: 1_000,
};

export const gateSettings = (upstream: string, store: Readonly<Record<string, unknown>>) => ({
  upstream,
  store,
  surfaces: { management: { enabled: true } },
  routes: [
    { name: 'write', path: '/write', scopes: ['things:write'] },
    { name: 'things', path: '/*', scopes: ['things:read'] },
  ],
  limits: {
    exchangesPerMinute: 0,
    commandsPerMinute: 0,
    unknownTokensPerMinute: 0,
    signInFailuresPerAccount: 0,
    signInFailuresPerAddress: 0,
  },
  cache: { unknownTtl: '1s' },
  feed: { maxStaleness: `${maxStalenessMs}ms` },
  log: { access: 'all' },
});
