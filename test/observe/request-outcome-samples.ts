// A finished request to start from; each test changes what it is about.

import type { Identity } from '../../src/decision/identity.ts';
import type { RequestOutcome } from '../../src/observe/request-outcome.ts';

export const sampleIdentity: Identity = {
  authenticator: { name: 'api_token', credentialKind: 'api_token' },
  sessionKind: 'api_token',
  issuer: 'http://127.0.0.1:8080',
  org: { id: 'acme', name: 'Acme' },
  user: { id: 'ada', name: 'Ada', roles: ['reader'] },
  scopes: new Set(['things:read']),
  tokenId: '3f1c7ad2-93a5-4c52-8d4e-0b5f3a6f2ad7',
  secretNumber: 0,
  sessionId: undefined,
  generation: { org: 1, user: 1 },
  issuedAtMs: 0,
  expiresAtMs: Infinity,
};

export const sampleOutcome = (change: Partial<RequestOutcome> = {}): RequestOutcome => ({
  route: 'read-things',
  method: 'GET',
  path: '/things/1',
  status: 200,
  result: 'permit',
  reason: undefined,
  evidence: undefined,
  cause: undefined,
  credentialKind: 'api_token',
  identity: sampleIdentity,
  durationMs: 1.25,
  upstreamMs: 0.75,
  clientAddress: '127.0.0.1',
  requestId: '0123456789abcdef',
  ...change,
});
