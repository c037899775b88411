// A replica of the lifecycle's tests: a store of its own on a shared place, its feed, an identifier, commands; without HTTP.
// All of them sign with the same key, and share the clock that the test moves.

import { generateKeyPairSync } from 'node:crypto';
import type { Credential } from '../../src/decision/credential.ts';
import { CachingIdentifier } from '../../src/identity/caching-identifier.ts';
import { FeedState } from '../../src/identity/feed-state.ts';
import { createUnknownTokenLimit } from '../../src/identity/unknown-token-limit.ts';
import { Accounts } from '../../src/lifecycle/accounts.ts';
import { ApiTokens } from '../../src/lifecycle/api-tokens.ts';
import { createRevoke } from '../../src/lifecycle/revoke.ts';
import { createExchange } from '../../src/lifecycle/exchange.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { KeyRing } from '../../src/tokens/key-ring.ts';
import { isKeyFault, parseSigningKey } from '../../src/tokens/signing-key.ts';
import { createAccessTokenVerifiers } from '../../src/tokens/verify-access-token.ts';
import { anywhere, minuteMs, sealed, worldSettings } from './world.ts';

export const retentionMs = 40 * minuteMs;
const settings = { ...worldSettings, ...sealed };
/** Every replica's. */
export const replicaSettings = settings;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signingKey = parseSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }), 'test');
if (isKeyFault(signingKey)) throw new Error(signingKey.message);
const keys = new KeyRing();
keys.replace([signingKey]);

export type OpenStore = () => Promise<TokenStore>;

/** One more replica on a store; what it knows it knows from the store and its feed. */
export const openReplica = async (open: OpenStore, clock: { readonly nowMs: number }) => {
  const store = await open();
  const now = (): number => clock.nowMs;
  const { clockLeewayMs } = settings.tokens;
  const feedState = new FeedState({ store, maxStalenessMs: 10_000, retentionMs, clockLeewayMs, now });
  const subscription = store.follow(feedState);
  await feedState.whenReady;
  const identifier = new CachingIdentifier({
    store,
    settings,
    feedState,
    unknownTokenLimit: createUnknownTokenLimit(0),
    accessTokens: createAccessTokenVerifiers({
      issuer: settings.issuer,
      audience: settings.audience,
      keyRing: keys,
      externalIssuers: [],
      clockLeewayMs,
      tokenAgeMsMax: settings.tokens.accessTokenLifetimeMs,
    }),
    signIdentityJwt: () => 'not asked for here',
    signAccessToken: () => 'not asked for here',
  });
  const exchange = createExchange({ identifier, keys, settings, now });
  const look = async (value: string, form: Credential['form'] = 'opaque'): Promise<string> => {
    const found = await identifier.identify({ value, form }, now());
    if (!('identity' in found)) return found.reason;
    // A cached identity may have expired: `authorize` asks on every request.
    return now() >= found.identity.expiresAtMs ? 'token_expired' : identifier.standing(found.identity, now());
  };
  /** Resolves once the feed has told what makes it so. */
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    while (!(await isSo()))
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        const stop = feedState.onChange(() => {
          clearTimeout(timer);
          stop();
          resolve();
        });
      });
  };
  return {
    close: async (): Promise<void> => {
      await subscription.close();
      await store.close();
    },
    store,
    accounts: new Accounts({ store, now }),
    apiTokens: new ApiTokens({ store, settings, now }),
    look,
    until,
    revoke: createRevoke({ identifier, store, now }),
    /** The newest generations it has heard of. */
    generationOf: (orgId: string, userId: string) => feedState.generationOf(orgId, userId),
    session: async (secret: string): Promise<string> => {
      const made = await exchange({
        credential: { value: secret, form: 'opaque' },
        scopes: undefined,
        audiences: [],
        validityMs: undefined,
        clientId: undefined,
        origin: anywhere,
      });
      if (!('accessToken' in made)) throw new Error(JSON.stringify(made));
      return made.accessToken;
    },
  };
};

export type Replica = Awaited<ReturnType<typeof openReplica>>;
