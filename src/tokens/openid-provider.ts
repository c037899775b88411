// An OpenID provider where people sign in: authorization code with PKCE, by openid-client. The ID token is verified with the
// provider's keys, its issuer and nonce are compared, and so is the issuer that the answer names (RFC 9207). Requests go
// through fetch-json.ts. The library's errors end here: what a person or their browser did is `refused`, all else an outage.

import * as openid from 'openid-client';
import { type Denial, denial, type Outage, outage } from '../decision/outcome.ts';
import { boundedFetch } from './fetch-json.ts';
import { isLoopbackUrl } from './outgoing-proxy.ts';

export interface OpenidProviderSettings {
  readonly issuer: string;
  /** PEM of a private CA; undefined: the system's. */
  readonly ca: string | undefined;
  readonly clientId: string;
  /** Undefined: a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  readonly clockLeewayMs: number;
}

/** What one sign-in is known by; none of it is the caller's to choose. */
export interface OpenidFlow {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
}

export interface OpenidProvider {
  /** Where the browser goes. */
  begin(flow: OpenidFlow): Promise<URL | Outage>;
  /** The claims about who has signed in. `query`: of the request by which the browser came back. */
  finish(flow: OpenidFlow, query: string): Promise<object | Denial | Outage>;
}

export const newFlow = (redirectUri: string): OpenidFlow => ({
  state: openid.randomState(),
  nonce: openid.randomNonce(),
  verifier: openid.randomPKCECodeVerifier(),
  redirectUri,
});

/** Metadata and keys are asked for again after this. */
const metadataMs = 3_600_000;

/** `monotonicMs`: never goes back. */
export const createOpenidProvider = (
  settings: OpenidProviderSettings,
  monotonicMs: () => number = () => performance.now(),
): OpenidProvider => {
  let known: { readonly configuration: Promise<openid.Configuration>; readonly atMs: number } | undefined;
  const configure = async (): Promise<openid.Configuration> => {
    if (known === undefined || monotonicMs() - known.atMs >= metadataMs) {
      const asked = { configuration: discover(settings), atMs: monotonicMs() };
      known = asked;
      // Whoever comes next asks again.
      asked.configuration.catch(() => {
        if (known === asked) known = undefined;
      });
    }
    return known.configuration;
  };
  return {
    begin: async ({ state, nonce, verifier, redirectUri }) => {
      try {
        return openid.buildAuthorizationUrl(await configure(), {
          redirect_uri: redirectUri,
          scope: settings.scopes.join(' '),
          state,
          nonce,
          code_challenge: await openid.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        });
      } catch (error) {
        return unavailable(settings, error);
      }
    },
    finish: async ({ state, nonce, verifier, redirectUri }, query) => {
      try {
        const configuration = await configure();
        const tokens = await openid.authorizationCodeGrant(
          configuration,
          new URL(`${redirectUri}?${query}`),
          {
            expectedState: state,
            expectedNonce: nonce,
            pkceCodeVerifier: verifier,
            idTokenExpected: true,
          },
        );
        const claims = tokens.claims();
        if (claims === undefined) return refused('no ID token');
        if (configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
        // Many providers put only `sub` into the ID token, and the rest here.
        return { ...(await openid.fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims };
      } catch (error) {
        return refusalOf(error) ?? unavailable(settings, error);
      }
    },
  };
};

const discover = async ({
  issuer,
  ca,
  clientId,
  clientSecret,
  clockLeewayMs,
}: OpenidProviderSettings): Promise<openid.Configuration> => {
  const client = { [openid.clockTolerance]: Math.ceil(clockLeewayMs / 1000) };
  const authentication = clientSecret === undefined ? openid.None() : openid.ClientSecretBasic(clientSecret);
  const configuration = await openid.discovery(new URL(issuer), clientId, client, authentication, {
    [openid.customFetch]: (url, { method, headers, body }) =>
      boundedFetch(url, ca, { method, headers, body: textOf(body) }),
    execute: [
      openid.enableNonRepudiationChecks,
      ...(isLoopbackUrl(issuer) && issuer.startsWith('http:') ? [openid.allowInsecureRequests] : []),
    ],
  });
  return configuration;
};

const textOf = (body: openid.FetchBody): string | undefined =>
  typeof body === 'string' ? body : body instanceof URLSearchParams ? body.toString() : undefined;

/** Of a sign-in that came to nothing; undefined: it is not the person's doing. */
const refusalOf = (error: unknown): Denial | undefined => {
  if (error instanceof openid.AuthorizationResponseError) return refused(error.error);
  // RFC 6749 section 5.2: a code that was used before, or is another client's.
  if (error instanceof openid.ResponseBodyError)
    return error.error === 'invalid_grant' ? refused(error.error) : undefined;
  if (error instanceof openid.ClientError && ofAnswer.has(error.code ?? '')) return refused(error.code ?? '');
  return undefined;
};

/** Codes of an answer, or an ID token in it, that is not the one that was waited for. */
const ofAnswer: ReadonlySet<string> = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_INVALID_REQUEST',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
]);

const refused = (evidence: string): Denial => denial('token_invalid', evidence.slice(0, 100));

const unavailable = ({ issuer }: OpenidProviderSettings, cause: unknown): Outage =>
  outage('issuer_unavailable', new Error(`nobody can sign in at ${issuer}`, { cause }));
