// Identities for tests: a whole one, changed where the test says.

import { ownApiToken } from '../../src/identity/authenticators.ts';
import type { Identity } from '../../src/decision/identity.ts';

/** Alice of Acme, by an API token that never expires, with `things:read`. */
export const anIdentity = (change: Partial<Identity>): Identity => ({
  authenticator: ownApiToken,
  sessionKind: 'api_token',
  issuer: 'https://tollgate.test',
  org: { id: 'acme', name: 'Acme' },
  user: { id: 'alice', name: 'Alice', roles: ['reader'] },
  scopes: new Set(['things:read']),
  tokenId: '3f0a6f0e-8f6b-4f43-9a55-000000000007',
  secretNumber: 0,
  sessionId: undefined,
  generation: { org: 1, user: 1 },
  issuedAtMs: 0,
  expiresAtMs: Infinity,
  ...change,
});
