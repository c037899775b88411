// Everything the lifecycle works on, for real: a SQLite store, its change feed, an identifier, keys. One clock that the
// test moves.

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { CachingIdentifier } from '../../src/identity/caching-identifier.ts';
import { FeedState } from '../../src/identity/feed-state.ts';
import { createUnknownTokenLimit } from '../../src/identity/unknown-token-limit.ts';
import { Accounts } from '../../src/lifecycle/accounts.ts';
import { ApiTokens } from '../../src/lifecycle/api-tokens.ts';
import { SigningKeys } from '../../src/lifecycle/signing-keys.ts';
import type { ServerStatus } from '../../src/observe/metrics.ts';
import { createExchange, type Exchange } from '../../src/lifecycle/exchange.ts';
import type { Identifier } from '../../src/identity/identifier.ts';
import type { Settings } from '../../src/settings/settings.ts';
import type { ApiTokenRecord } from '../../src/store/records.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { KeyRing } from '../../src/tokens/key-ring.ts';
import { isKeyFault, parseSigningKey } from '../../src/tokens/signing-key.ts';
import { createAccessTokenVerifiers } from '../../src/tokens/verify-access-token.ts';
import { type SettingsChange, settingsWith } from '../support/settings.ts';

export const minuteMs = 60_000;
/** Where a command came from, for tests that do not care. */
export const anywhere = { clientAddress: '', requestId: '' };

export const dayMs = 24 * 60 * minuteMs;

const settings = settingsWith({
  issuer: 'https://id.example',
  audience: 'https://api.example',
  identity: { headers: { 'X-Identity-User': 'user.id' } },
  oauth: { clients: [{ id: 'resource', secret: 's3cret+value:%', account: undefined }] },
  tokens: { clockLeewayMs: minuteMs },
  keys: { encryptionKeyFile: undefined, publishLeadMs: 10 * minuteMs },
  cache: { identitiesMax: 1000, unknownMax: 1000, unknownTtlMs: 10_000 },
  limits: {
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    unknownTokensPerMinute: 0,
    exchangesPerMinute: 0,
    commandsPerMinute: 0,
  },
});

/** The settings of a world unless a test changes them. */
export const worldSettings = settings;

/** For `createWorld`: with a sealing key, which commands with an idempotency key need. */
export const sealed = {
  keys: { ...settings.keys, encryptionKey: new Uint8Array(32).fill(7) },
} satisfies SettingsChange;

export interface World {
  readonly settings: Settings;
  readonly store: TokenStore;
  readonly keys: KeyRing;
  /** Of the store; what this world signs with is in `keys`. */
  readonly signingKeys: SigningKeys;
  readonly status: () => ServerStatus;
  readonly identifier: Identifier;
  readonly accounts: Accounts;
  readonly apiTokens: ApiTokens;
  readonly exchange: Exchange;
  /** Milliseconds since the epoch; the test may set it. */
  readonly clock: { nowMs: number };
  readonly now: () => number;
  /** An API token of acme/ann; fails the test when it is not created. */
  readonly token: (
    scopes?: readonly string[] | 'all',
    lifetimeMs?: number | null,
  ) => Promise<{ readonly secret: string; readonly record: ApiTokenRecord }>;
}

/** Of a process that has served nothing yet. */
const idleStatus: ServerStatus = {
  replica: 'a-replica',
  version: '1.2.3',
  startedAtMs: 1_800_000_000_000,
  requests: { forwarded: 0, refused: 0, failed: 0, refusals: [], p50Ms: undefined, p99Ms: undefined },
  sources: undefined,
};

/** Org acme with the roles reader and admin; user ann has both. */
export const createWorld = async (
  t: Test,
  change: SettingsChange = {},
  noteUse: (tokenId: string) => void = () => undefined,
): Promise<World> => {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const all = settingsWith(settings, change);
  const clock = { nowMs: Date.now() };
  const now = (): number => clock.nowMs;
  const store = createSqliteStore(
    { kind: 'sqlite', file: join(directory, 'store.db') },
    { retentionMs: 40 * minuteMs },
  );
  await store.open();
  t.teardown(() => store.close());
  const feedState = new FeedState({
    store,
    maxStalenessMs: all.feed.maxStalenessMs,
    retentionMs: 40 * minuteMs,
    clockLeewayMs: all.tokens.clockLeewayMs,
    now,
  });
  store.follow(feedState);
  await feedState.whenReady;
  const keys = new KeyRing();
  keys.replace([newKey()]);
  const identifier = new CachingIdentifier({
    store,
    settings: all,
    feedState,
    unknownTokenLimit: createUnknownTokenLimit(all.limits.unknownTokensPerMinute),
    accessTokens: createAccessTokenVerifiers({
      issuer: all.issuer,
      audience: all.audience,
      keyRing: keys,
      externalIssuers: [],
      clockLeewayMs: all.tokens.clockLeewayMs,
      tokenAgeMsMax: all.tokens.accessTokenLifetimeMs,
    }),
    noteUse,
    signIdentityJwt: () => 'not asked for here',
    signAccessToken: () => 'not asked for here',
  });
  const signingKeys = new SigningKeys({ store, settings: all, now });
  t.teardown(() => signingKeys.close());
  const accounts = new Accounts({ store, now });
  const apiTokens = new ApiTokens({ store, settings: all, now });
  await accounts.createOrg({
    id: 'acme',
    name: 'Acme Inc.',
    roles: {
      reader: ['things:read', 'reports:read'],
      admin: ['things:write', 'tollgate:introspect'],
    },
    tokenLifetimeMsMax: undefined,
  });
  await accounts.createUser({ orgId: 'acme', id: 'ann', name: 'Ann', roles: ['reader', 'admin'] });
  return {
    settings: all,
    store,
    keys,
    signingKeys,
    status: () => idleStatus,
    identifier,
    accounts,
    apiTokens,
    exchange: createExchange({ identifier, keys, settings: all, now }),
    clock,
    now,
    token: async (scopes = 'all', lifetimeMs) => {
      const made = await apiTokens.createApiToken({
        orgId: 'acme',
        userId: 'ann',
        name: 'ci',
        scopes,
        lifetimeMs,
        length: 65,
      });
      if (!('secret' in made)) throw new Error(`no token: ${JSON.stringify(made)}`);
      return made;
    },
  };
};

const newKey = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = parseSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }), 'test');
  if (isKeyFault(key)) throw new Error(key.message);
  return key;
};
