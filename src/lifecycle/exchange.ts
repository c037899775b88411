// Makes a short-lived access token from a credential: from an API token a new session, from an access token of ours a
// narrower one of the same session. Never wider in scope, audience or life than what it is made from. Reads no HTTP.

import { randomUUID } from 'node:crypto';
import type { Credential } from '../decision/credential.ts';
import type { Identity } from '../decision/identity.ts';
import { denial, isDenial, isOutage, outage, type Refusal } from '../decision/outcome.ts';
import type { Identifier } from '../identity/identifier.ts';
import type { Settings } from '../settings/settings.ts';
import { accessTokenClaims } from '../tokens/access-token-claims.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import { signAccessToken } from '../tokens/sign.ts';
import { createIdentifyLive } from './identify-live.ts';
import { isProblem, type Problem, problem } from './problem.ts';

export interface ExchangeOrder {
  readonly credential: Credential;
  /** Undefined: everything the credential may do now. */
  readonly scopes: readonly string[] | undefined;
  /** Empty: our own. */
  readonly audiences: readonly string[];
  /** Shorter than the settings' life of an access token; longer is cut to it. */
  readonly validityMs: number | undefined;
  /** The authenticated OAuth client, for the `client_id` claim. */
  readonly clientId: string | undefined;
  /** Held to the limit on unknown tokens. */
  readonly clientAddress: string | undefined;
}

export interface Exchanged {
  readonly accessToken: string;
  readonly scopes: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Of the credential it was made from. */
  readonly identity: Identity;
}

export interface ExchangeDeps {
  readonly identifier: Pick<Identifier, 'identify' | 'standing'>;
  readonly keys: Pick<KeyRing, 'signingKey'>;
  readonly settings: Pick<Settings, 'issuer' | 'audience' | 'tokens' | 'feed' | 'credential'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export type ExchangeProblem = Problem<
  'scope_too_wide' | 'audience_unknown' | 'session_foreign' | 'access_token_too_large'
>;

export type Exchange = (order: ExchangeOrder) => Promise<Exchanged | ExchangeProblem | Refusal>;

const secondMs = 1000;

export const createExchange = (deps: ExchangeDeps): Exchange => {
  const identifyLive = createIdentifyLive(deps);
  return async (order) => {
    const identity = await identifyLive(order.credential, order.clientAddress);
    if (isDenial(identity) || isOutage(identity)) return identity;
    const { generation } = identity;
    if (generation === undefined)
      return problem('session_foreign', 'An access token of another issuer cannot be exchanged here.');
    const scopes = narrowScopes(identity.scopes, order.scopes);
    if (isProblem(scopes)) return scopes;
    const audience = chooseAudience(deps.settings.audience, order.audiences);
    if (isProblem(audience)) return audience;
    const nowMs = deps.now();
    // JWT times are whole seconds: down, so that nothing lives longer than what it is made from.
    const issuedAtMs = Math.floor(nowMs / secondMs) * secondMs;
    const lifeMs = Math.min(deps.settings.tokens.accessTokenLifetimeMs, order.validityMs ?? Infinity);
    const expiresAtMs = Math.floor(Math.min(nowMs + lifeMs, identity.expiresAtMs) / secondMs) * secondMs;
    if (expiresAtMs <= nowMs) return denial('token_expired', identity.tokenId);
    const key = deps.keys.signingKey(deps.settings.tokens.algorithm, nowMs);
    if (key === undefined) return outage('keys_unavailable', 'there is no key to sign with');
    const claims = accessTokenClaims({
      issuer: deps.settings.issuer,
      audience,
      identity: { ...identity, generation, scopes: new Set(scopes) },
      jti: randomUUID(),
      // A narrower token of a session ends with it; an API token begins a new one.
      sessionId: identity.sessionId ?? randomUUID(),
      clientId: order.clientId,
      methods: [identity.sessionKind === 'interactive' ? 'pwd' : 'api_token'],
      issuedAtMs,
      expiresAtMs,
    });
    const accessToken = signAccessToken(key, claims);
    if (accessToken.length > deps.settings.credential.accessTokenBytesMax)
      return problem(
        'access_token_too_large',
        'With all these scopes the access token would be longer than requests may carry. Ask for fewer scopes.',
      );
    return { accessToken, scopes, issuedAtMs, expiresAtMs, identity };
  };
};

/** RFC 6749 §6, RFC 8693 §2.1: at most what the credential may do. Sorted. */
const narrowScopes = (
  held: ReadonlySet<string>,
  asked: readonly string[] | undefined,
): readonly string[] | ExchangeProblem => {
  if (asked === undefined) return [...held].sort();
  const beyond = asked.filter((scope) => !held.has(scope));
  return beyond.length === 0
    ? [...new Set(asked)].sort()
    : problem('scope_too_wide', `The token does not carry ${beyond.slice(0, 10).join(' ')}.`);
};

/** RFC 8693 §2.1, RFC 8707 §2: a target we do not serve is refused, never ignored. */
const chooseAudience = (own: string, asked: readonly string[]): string | ExchangeProblem =>
  asked.every((audience) => audience === own)
    ? own
    : problem('audience_unknown', `Tokens are issued for ${own} only.`);
