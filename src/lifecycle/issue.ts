// Makes the access token of a session, and its ID token where the API token behind it asks for one. Never wider in
// scope, audience or life than the identity it is made from; whether that identity is good is the caller's to judge.

import { randomUUID } from 'node:crypto';
import type { Identity } from '../decision/identity.ts';
import { denial, outage, type Refusal } from '../decision/outcome.ts';
import { ownSession } from '../identity/authenticators.ts';
import type { SessionLimit } from '../identity/session-limit.ts';
import type { Settings } from '../settings/settings.ts';
import type { SigningAlgorithm } from '../tokens/signature.ts';
import { type AccessTokenClaims, accessTokenClaims } from '../tokens/access-token-claims.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import { signAccessToken, signIdToken } from '../tokens/sign.ts';
import { isCommandError, type CommandError, commandError } from './command-error.ts';
import { grantedTo, type Owner, scopesBeyond } from './owner.ts';

type Claims = Readonly<Record<string, unknown>>;

/** How a dialect's clients expect tokens: signed with what, and which claims beside ours. None of them replaces ours. */
export interface TokenForm {
  readonly algorithm: SigningAlgorithm;
  /** `sub` in the dialect; the user's id then stands in `uid`. */
  readonly subject: (identity: Identity) => string;
  /** Who the user is: in the ID token too. */
  readonly profile: (identity: Identity) => Claims;
  /** Of the access token alone. */
  readonly claims: (identity: Identity, session: Session) => Claims;
}

export interface Session {
  readonly sessionId: string;
  /** Undefined: a client without a name. */
  readonly clientId: string | undefined;
}

export interface IssueCommand {
  readonly identity: Identity;
  /** Undefined: everything the identity may do now. */
  readonly scopes?: readonly string[] | undefined;
  /** Undefined or empty: our own. */
  readonly audiences?: readonly string[] | undefined;
  /** Shorter than the settings' life of an access token; longer is cut to it. */
  readonly validityMs?: number | undefined;
  /** The authenticated OAuth client, for the `client_id` claim. */
  readonly clientId?: string | undefined;
  /** `amr`: how the session began. */
  readonly methods: readonly string[];
}

export interface Issued {
  readonly accessToken: string;
  /** OpenID Connect Core section 2. */
  readonly idToken: string | undefined;
  readonly scopes: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** It was made from. */
  readonly identity: Identity;
}

export type IssueError = CommandError<
  'scope_too_wide' | 'audience_unknown' | 'session_foreign' | 'access_token_too_large'
>;

export type Issue = (command: IssueCommand) => Issued | IssueError | Refusal;

export interface IssueDeps {
  readonly keys: Pick<KeyRing, 'signingKey'>;
  readonly settings: Pick<Settings, 'issuer' | 'audience' | 'tokens' | 'credential'>;
  readonly now: () => number;
  /** Undefined: our own, signed with `tokens.algorithm`. */
  readonly form?: TokenForm | undefined;
  readonly sessionLimit?: SessionLimit | undefined;
}

const secondMs = 1000;

export const createIssue = (deps: IssueDeps): Issue => {
  const { settings, form } = deps;
  return (command) => {
    const { generation } = command.identity;
    if (generation === undefined)
      return commandError('session_foreign', 'An access token of another issuer cannot be exchanged here.');
    const scopes = narrowScopes(command.identity.scopes, command.scopes);
    if (isCommandError(scopes)) return scopes;
    const identity = narrowed(command.identity, scopes);
    const audience = chooseAudience(settings.audience, command.audiences ?? []);
    if (isCommandError(audience)) return audience;
    const nowMs = deps.now();
    // JWT times are whole seconds: down, so that nothing lives longer than what it is made from.
    const issuedAtMs = Math.floor(nowMs / secondMs) * secondMs;
    const lifeMs = Math.min(settings.tokens.accessTokenLifetimeMs, command.validityMs ?? Infinity);
    const expiresAtMs = Math.floor(Math.min(nowMs + lifeMs, identity.expiresAtMs) / secondMs) * secondMs;
    if (expiresAtMs <= nowMs) return denial('token_expired', identity.tokenId);
    const key = deps.keys.signingKey(form?.algorithm ?? settings.tokens.algorithm, nowMs);
    if (key === undefined) return outage('keys_unavailable', 'there is no key to sign with');
    if (deps.sessionLimit?.mayBegin(identity) === false)
      return denial('rate_limited', `access tokens of ${identity.tokenId ?? 'one session or user'}`);
    // A narrower token of a session ends with it; anything else begins a new one.
    const sessionId = identity.sessionId ?? randomUUID();
    const claims = accessTokenClaims({
      issuer: settings.issuer,
      audience,
      identity: { ...identity, generation },
      jti: randomUUID(),
      sessionId,
      clientId: command.clientId,
      methods: command.methods,
      issuedAtMs,
      expiresAtMs,
    });
    const accessToken = signAccessToken(key, form === undefined ? claims : inDialect(claims, identity, form));
    if (accessToken.length > settings.credential.accessTokenBytesMax)
      return commandError(
        'access_token_too_large',
        'With all these scopes the access token would be longer than requests may carry. Ask for fewer scopes.',
      );
    const idToken = identity.openid === true ? signIdToken(key, idClaims(claims, identity, form)) : undefined;
    return { accessToken, idToken, scopes, issuedAtMs, expiresAtMs, identity: command.identity };
  };
};

/**
 * The identity of a session of the owner that begins here, with all that the roles grant. The owner was read before the
 * caller was let in: a change since then, such as of the password, ends the session at once.
 */
export const sessionIdentity = (
  owner: Owner,
  { settings, now }: Pick<IssueDeps, 'settings' | 'now'>,
  session: Pick<Identity, 'sessionKind' | 'sessionId' | 'openid' | 'allScopes'>,
): Identity => {
  const { org, user } = owner;
  return {
    ...session,
    authenticator: ownSession,
    issuer: settings.issuer,
    org: { id: org.id, name: org.name },
    user: { id: user.id, name: user.name, roles: user.roles },
    scopes: grantedTo(owner),
    tokenId: undefined,
    secretNumber: undefined,
    generation: { org: org.generation, user: user.generation },
    issuedAtMs: now(),
    expiresAtMs: Infinity,
  };
};

/** What the gate reads must not depend on a dialect: ours win, but for `sub`. */
const inDialect = (claims: AccessTokenClaims, identity: Identity, form: TokenForm) => ({
  ...form.profile(identity),
  ...form.claims(identity, { sessionId: claims.sid, clientId: claims.client_id }),
  ...claims,
  sub: form.subject(identity),
  uid: claims.sub,
});

/** `aud` of an ID token for a client without a name. Not the API: an ID token is no access token. */
const namelessClient = 'public-client';

const idClaims = (claims: AccessTokenClaims, identity: Identity, form: TokenForm | undefined): Claims => ({
  ...form?.profile(identity),
  iss: claims.iss,
  sub: form?.subject(identity) ?? claims.sub,
  aud: claims.client_id ?? namelessClient,
  exp: claims.exp,
  iat: claims.iat,
  jti: randomUUID(),
  sid: claims.sid,
  name: claims.name,
  org: claims.org,
  org_name: claims.org_name,
});

/** With fewer scopes than it had, and then without roles: what a role grants is not known here, and may be more. */
const narrowed = (identity: Identity, scopes: readonly string[]): Identity => {
  if (scopes.length === identity.scopes.size) return { ...identity, scopes: new Set(scopes) };
  return { ...identity, scopes: new Set(scopes), user: { ...identity.user, roles: [] } };
};

/** RFC 6749 §6, RFC 8693 §2.1: at most what the credential may do. Sorted. */
const narrowScopes = (
  held: ReadonlySet<string>,
  asked: readonly string[] | undefined,
): readonly string[] | IssueError => {
  if (asked === undefined) return [...held].sort();
  const beyond = scopesBeyond(held, asked);
  return beyond === undefined
    ? [...new Set(asked)].sort()
    : commandError('scope_too_wide', `The token does not carry ${beyond}.`);
};

/** RFC 8693 §2.1, RFC 8707 §2: a target we do not serve is refused, never ignored. */
const chooseAudience = (own: string, asked: readonly string[]): string | IssueError =>
  asked.every((audience) => audience === own)
    ? own
    : commandError('audience_unknown', `Tokens are issued for ${own} only.`);
