// The two signatures the request path needs, bound to this gate's keys and names. Synchronous; caches nothing.

import { randomUUID } from 'node:crypto';
import { outage } from '../decision/outcome.ts';
import type { RenderingDeps } from '../identity/rendering.ts';
import type { Settings } from '../settings/settings.ts';
import { accessTokenClaims } from '../tokens/access-token-claims.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import { signAccessToken, signIdentityJwt } from '../tokens/sign.ts';

export const signersOf = (
  settings: Pick<Settings, 'issuer' | 'audience' | 'tokens' | 'identity' | 'upstreams'>,
  ring: KeyRing,
): Pick<RenderingDeps, 'signIdentityJwt' | 'signAccessToken'> => {
  const { issuer, tokens } = settings;
  const keyNow = (nowMs: number) => ring.signingKey(tokens.algorithm, nowMs);
  return {
    signIdentityJwt: (identity, upstreamName, nowMs) => {
      const key = keyNow(nowMs);
      if (key === undefined) return outage('keys_unavailable', 'there is no key to sign the identity with');
      return signIdentityJwt(key, {
        issuer,
        audience: audienceOf(settings, upstreamName),
        identity,
        nowMs,
        lifetimeMs: settings.identity.jwtLifetimeMs,
      });
    },
    signAccessToken: (identity, _upstreamName, nowMs) => {
      const key = keyNow(nowMs);
      if (key === undefined)
        return outage('keys_unavailable', 'there is no key to sign an access token with');
      const { generation } = identity;
      if (generation === undefined)
        throw new Error('an access token of another issuer is never exchanged, only passed on');
      const claims = accessTokenClaims({
        issuer,
        audience: settings.audience,
        identity: { ...identity, generation },
        jti: randomUUID(),
        sessionId: identity.sessionId ?? randomUUID(),
        clientId: undefined,
        methods: [identity.sessionKind === 'interactive' ? 'pwd' : 'api_token'],
        issuedAtMs: nowMs,
        expiresAtMs: Math.min(nowMs + tokens.accessTokenLifetimeMs, identity.expiresAtMs),
      });
      return signAccessToken(key, claims);
    },
  };
};

/** Sockets share one origin; each has its own path, so that no API can show another what it was sent. */
const audienceOf = (settings: Pick<Settings, 'upstreams'>, upstreamName: string): string => {
  const upstream = settings.upstreams[upstreamName];
  if (upstream === undefined) throw new Error(`no upstream is named ${upstreamName}`);
  return upstream.socketPath === undefined ? upstream.origin : `unix:${upstream.socketPath}`;
};
