// Records for tests: each valid by itself, each unlike the others.

import { randomUUID } from 'node:crypto';
import type { ApiTokenRecord, OrgRecord, SigningKeyRecord, UserRecord } from '../../src/store/records.ts';
import { shardOfAccount } from '../../src/tokens/shard.ts';
import { createSecret, createTokenId, digestOf } from '../../src/tokens/api-token.ts';

export const startMs = 1_800_000_000_000;

/** The generation of an account after so many changes, all of them at `startMs`. */
export const nthGeneration = (changes: number): number => startMs + changes - 1;

export const exampleOrg = (over: Partial<OrgRecord> = {}): OrgRecord => ({
  id: `org-${randomUUID()}`,
  name: 'Acme',
  state: 'active',
  roles: { reader: ['things:read'], admin: ['things:read', 'things:write', 'org:owner'] },
  tokenLifetimeMsMax: undefined,
  reminderThresholdsMs: undefined,
  generation: 0,
  tokenGenerationMin: 0,
  createdAtMs: startMs,
  ...over,
});

export const exampleUser = (orgId: string, over: Partial<UserRecord> = {}): UserRecord => ({
  orgId,
  id: `user-${randomUUID()}`,
  name: 'Ada',
  state: 'active',
  roles: ['reader'],
  generation: 0,
  tokenGenerationMin: 0,
  createdAtMs: startMs,
  passwordHash: undefined,
  email: undefined,
  ...over,
});

export interface ExampleToken {
  readonly token: ApiTokenRecord;
  readonly secret: string;
  readonly digest: string;
}

/** A token of a user, as `createToken` of the lifecycle would make it. */
export const exampleToken = (
  user: Pick<UserRecord, 'orgId' | 'id'>,
  over: Partial<ApiTokenRecord> = {},
): ExampleToken => {
  const shard = shardOfAccount(user.orgId, user.id);
  const secret = createSecret({ shard, length: 65 });
  const token: ApiTokenRecord = {
    id: createTokenId(shard),
    orgId: user.orgId,
    userId: user.id,
    name: 'ci',
    scopes: ['things:read'],
    origin: 'created',
    state: 'active',
    createdAtMs: startMs,
    expiresAtMs: undefined,
    renewedAtMs: undefined,
    revokedAtMs: undefined,
    generation: { org: 0, user: 0 },
    secretNumber: 0,
    previousSecretExpiresAtMs: undefined,
    lastUsedAtMs: undefined,
    openid: false,
    notifyBeforeExpiryMs: undefined,
    labels: [],
    allowFrom: undefined,
    ...over,
  };
  return { token, secret, digest: digestOf(secret) };
};

export const exampleKey = (over: Partial<SigningKeyRecord> = {}): SigningKeyRecord => {
  const kid = randomUUID();
  return {
    kid,
    algorithm: 'ES256',
    publicJwk: JSON.stringify({ kty: 'EC', kid }),
    sealedPrivateKey: 'c2VhbGVk',
    createdAtMs: startMs,
    activeFromMs: startMs,
    retireAtMs: undefined,
    ...over,
  };
};
