// The state of a token at this moment: one that expires while the page is open is shown as expired.

import type { ApiToken } from '../api/shapes.ts';

export type TokenState = 'active' | 'expiring' | 'expired' | 'revoked';

const soonMs = 14 * 86_400_000;

export const tokenStateAt = (
  { state, expiresAt }: Pick<ApiToken, 'state' | 'expiresAt'>,
  nowMs: number,
): TokenState => {
  if (state !== 'active' || expiresAt === null) return state;
  const leftMs = Date.parse(expiresAt) - nowMs;
  if (leftMs <= 0) return 'expired';
  return leftMs <= soonMs ? 'expiring' : 'active';
};
