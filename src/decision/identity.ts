// Who a request is: the vocabulary every room shares. No I/O, no clock.

import type { AddressRule } from './address-rule.ts';

/** What a caller proves who they are with: a secret that the store knows, or a token that stands for a session. */
export type CredentialKind = 'api_token' | 'access_token';

/** Ids of orgs and users in the store: no `/`, because a user's full name is `org/user`. */
export const accountIdGrammar = /^[A-Za-z0-9][A-Za-z0-9._@~-]{0,127}$/;

/** Who vouches for a credential. One for each file in `identity/authenticators/`. */
export interface AuthenticatorId {
  /** For metrics and logs. */
  readonly name: string;
  readonly credentialKind: CredentialKind;
}

/** How the session began: a person signed in, or an API token was presented or exchanged. */
export type SessionKind = 'interactive' | 'api_token';

/**
 * Counters that only grow. An access token dies when either counter of its user or org has passed the one it was
 * made in; an API token is read again from the store. No clock is compared.
 */
export interface Generation {
  readonly org: number;
  readonly user: number;
}

/** Whom a credential names, and what they may do. */
export interface Principal {
  readonly sessionKind: SessionKind;
  /** `iss` of the access token; our own issuer for API tokens. */
  readonly issuer: string;
  readonly org: { readonly id: string; readonly name: string };
  /** Roles: of a token narrower than its user only those that lie within its scopes. */
  readonly user: { readonly id: string; readonly name: string; readonly roles: readonly string[] };
  /** Effective scopes: the token's, intersected with what the user's roles grant. */
  readonly scopes: ReadonlySet<string>;
  /** The API token behind the session; undefined for password sessions and external issuers. */
  readonly tokenId: string | undefined;
  /** Which of that token's secrets (0 is the first); undefined without an API token. */
  readonly secretNumber: number | undefined;
  /** `sid` of our access tokens; `<iss> <jti>` of an external one; undefined for an API token presented directly. */
  readonly sessionId: string | undefined;
  /** The API token was made to have an ID token with each exchange. */
  readonly openid?: boolean;
  /** The API token may do whatever its user's roles grant. */
  readonly allScopes?: boolean;
  /** From where the API token, and what is made from it, may be used; undefined: from anywhere. */
  readonly allowFrom?: AddressRule | undefined;
  /** `kid` of our key that signed the access token; undefined for API tokens and external issuers. */
  readonly keyId?: string | undefined;
  /** Undefined for external issuers, whose tokens are compared by `issuedAtMs` instead. */
  readonly generation: Generation | undefined;
  readonly issuedAtMs: number;
  /** Milliseconds since the epoch; Infinity when it never expires. */
  readonly expiresAtMs: number;
}

/** A principal that an authenticator vouches for. */
export interface Identity extends Principal {
  readonly authenticator: AuthenticatorId;
}

/** Whether the caller brought an access token, of whatever form: it is passed on, ends with its session, and is not swapped. */
export const isByAccessToken = ({ authenticator }: Pick<Identity, 'authenticator'>): boolean =>
  authenticator.credentialKind === 'access_token';

/** Whether the caller's session was made here, not by another issuer. */
export const isOwnSession = ({ sessionId, generation }: Identity): boolean =>
  sessionId !== undefined && generation !== undefined;

/**
 * What the change feed knows of an identity right now.
 * `live`: nothing against it. `revoked`: its API token was. `ended`: its session was, or its generation has passed.
 * `outdated`: an API token whose user or org has changed since it was read; read it again.
 * `unknown`: the feed has been silent for longer than allowed.
 * `unread`: the feed has never been read to its end, so whatever was revoked before is not known either.
 */
export type Standing = 'live' | 'revoked' | 'ended' | 'outdated' | 'unknown' | 'unread';
