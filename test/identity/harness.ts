// An identifier on a real store, with a clock the test moves, look-ups it counts and answers it may hold back.

import { join } from 'node:path';
import type { Test } from 'tap';
import { ownSession } from '../../src/identity/authenticators.ts';
import type { Identity, Principal } from '../../src/decision/identity.ts';
import { type Denial, denial, isRefusal } from '../../src/decision/outcome.ts';
import { CachingIdentifier, type IdentifierDependencies } from '../../src/identity/caching-identifier.ts';
import { FeedState } from '../../src/identity/feed-state.ts';
import type { Subject } from '../../src/identity/identifier.ts';
import { createUnknownTokenLimit } from '../../src/identity/unknown-token-limit.ts';
import type { CompactJwt } from '../../src/tokens/compact-jwt.ts';
import { measureCalls } from '../../src/observe/measure-calls.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { type SettingsChange, settingsWith } from '../support/settings.ts';
import { exampleOrg, exampleToken, exampleUser } from '../contract/examples.ts';

export const issuer = 'https://gate.example';
const foreignIssuer = 'https://login.example';
export const ttlMs = 60_000;
export const maxStalenessMs = 10_000;
export const unknownTtlMs = 5_000;
export const clockLeewayMs = 30_000;

export interface Clock {
  nowMs: number;
}

type LookUp = 'findApiToken' | 'findOrg';

/** The same store, whose answers to a look-up may be held back after the store has given them. */
const withHold = (store: TokenStore): { store: TokenStore; hold: (lookUp: LookUp) => () => void } => {
  const held = new Map<string, Promise<void>>();
  const holding = new Proxy(store, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        const answer: unknown = await Reflect.apply(member, target, args);
        if (typeof property === 'string') await held.get(property);
        return answer;
      };
    },
  });
  return {
    store: holding,
    hold: (lookUp) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(lookUp, promise);
      return () => {
        held.delete(lookUp);
        resolve();
      };
    },
  };
};

export const openHarness = async (
  t: Test,
  over: Partial<IdentifierDependencies['settings']['cache']> = {},
  more: SettingsChange = {},
) => {
  const file = join(t.testdir(), 'tollgate.db');
  const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
  await store.open();
  t.teardown(() => store.close());
  const clock: Clock = { nowMs: 1_000_000 };
  const monotonicMs = (): number => clock.nowMs;
  const calls = new Map<string, number>();
  const { store: holding, hold } = withHold(store);
  const counted = measureCalls(holding, (name) => calls.set(name, (calls.get(name) ?? 0) + 1));
  const feedState = new FeedState({
    store,
    maxStalenessMs,
    retentionMs: 3_600_000,
    clockLeewayMs,
    now: Date.now,
    monotonicMs,
  });
  const subscription = store.follow(feedState);
  t.teardown(() => subscription.close());
  const accessTokens = new Map<string, Identity>();
  const verified: string[] = [];
  const signed: string[] = [];
  const revokedKeys = new Set<string>();
  const faults: string[] = [];
  const verifyNamed = async ({ claims }: CompactJwt): Promise<Principal | Denial> => {
    const token = claims.text('name');
    verified.push(token);
    return accessTokens.get(token) ?? denial('token_invalid');
  };
  const deps: IdentifierDependencies = {
    store: counted,
    feedState,
    unknownTokenLimit: createUnknownTokenLimit(3, monotonicMs),
    settings: settingsWith(
      {
        cache: { identitiesMax: 100, identityTtlMs: ttlMs, unknownMax: 10, unknownTtlMs, ...over },
        feed: { maxStalenessMs, whenStale: 'refuse' },
        identity: { headers: { 'X-Identity': 'jwt', 'X-Identity-User': 'user.id' } },
        issuer,
      },
      more,
    ),
    accessTokens: {
      own: { trusts: (name) => name === issuer, verify: verifyNamed },
      external: { trusts: (name) => name === foreignIssuer, verify: verifyNamed },
      trusted: new Map(),
      warm: async () => undefined,
    },
    signIdentityJwt: (identity, upstreamName) => {
      signed.push(`identity for ${upstreamName}`);
      return `jwt-${identity.user.id}-${upstreamName}`;
    },
    signAccessToken: (_identity, upstreamName) => {
      signed.push(`access token for ${upstreamName}`);
      return `access-${upstreamName}`;
    },
    onIssuerFault: (name, fault) => faults.push(fault === undefined ? `${name} again` : name),
    isKeyRevoked: (keyId) => revokedKeys.has(keyId),
    monotonicMs,
  };
  const identifier = new CachingIdentifier(deps);
  const org = exampleOrg();
  const user = exampleUser(org.id, { roles: ['reader'] });
  const made = exampleToken(user, { scopes: 'all' });
  await store.createOrg(org);
  await store.createUser(user);
  await store.createToken(made.token, made.digest);
  return {
    store,
    clock,
    calls,
    hold,
    feedState,
    identifier,
    accessTokens,
    verified,
    signed,
    revokedKeys,
    /** Issuers that could not be asked, and could again. */
    faults,
    org,
    user,
    made,
    lookUps: () => calls.get('findApiToken') ?? 0,
    /** Asks as a request would; an answer that is no subject comes back as its reason. */
    ask: (secret: string, nowMs = Date.now(), address?: string) =>
      askOf(identifier, { form: 'opaque', value: secret }, nowMs, address),
    /** Asks with a JWT of this issuer that nobody has signed. */
    askAs: (name: string, iss: string) =>
      askOf(identifier, { form: 'jwt', value: jwtNamed(name, iss) }, Date.now()),
    askWith: (token: string, nowMs = Date.now()) =>
      askOf(identifier, { form: 'jwt', value: jwtNamed(token, issuerOf(accessTokens.get(token))) }, nowMs),
  };
};

/** A JWT that nobody has signed, which has a name. */
const jwtNamed = (name: string, iss: string): string =>
  [{ alg: 'ES256' }, { iss, name }, {}]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');

/** Who would have made a token of this identity. */
const issuerOf = (identity: Identity | undefined): string =>
  identity !== undefined && identity.generation === undefined ? foreignIssuer : issuer;

/** The subject of an answer that must be one. */
export const subjectOf = (answer: Subject | string): Subject => {
  if (typeof answer === 'string') throw new Error(`refused: ${answer}`);
  return answer;
};

const askOf = async (
  identifier: CachingIdentifier,
  credential: { form: 'opaque' | 'jwt'; value: string },
  nowMs: number,
  address?: string,
): Promise<Subject | string> => {
  const answer = await identifier.identify(credential, nowMs, address);
  return isRefusal(answer) ? answer.reason : answer;
};

/** Scopes of an answer, or its reason. */
export const scopesOf = (answer: Subject | string): readonly string[] | string =>
  typeof answer === 'string' ? answer : [...answer.identity.scopes].sort();

/** An identity as the verifier gives for our own access tokens. */
export const sessionIdentity = (over: Partial<Identity> = {}): Identity => ({
  authenticator: ownSession,
  sessionKind: 'api_token',
  issuer,
  org: { id: 'acme', name: 'Acme' },
  user: { id: 'ada', name: 'Ada', roles: ['reader'] },
  scopes: new Set(['things:read']),
  tokenId: 'token-1',
  secretNumber: 0,
  sessionId: 'session-1',
  generation: { org: 2, user: 3 },
  issuedAtMs: 1_000,
  expiresAtMs: Infinity,
  ...over,
});
