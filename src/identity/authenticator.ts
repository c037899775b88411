// What every authenticator does: says by its look whether a credential can be one it vouches for, and whom it names. Each
// has a file in `authenticators/`; authenticators.ts lists them. They cache no identity: that is the identifier's work.

import type { Credential } from '../decision/credential.ts';
import type { AuthenticatorId, Principal } from '../decision/identity.ts';
import { type Denial, denial, type Refusal } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import type { TokenStore } from '../store/token-store.ts';
import { digestOf, secretLengthMin } from '../tokens/api-token.ts';
import { type CompactJwt, parseCompactJwt } from '../tokens/compact-jwt.ts';
import type { AccessTokenVerifiers, JwtVerifier } from '../tokens/verify-access-token.ts';
import type { FeedState } from './feed-state.ts';
import type { ImportsProbe } from './imports-probe.ts';
import type { ReportIssuerFault } from './issuer-faults.ts';
import type { OrgCache } from './org-cache.ts';

export interface Authenticator {
  readonly id: AuthenticatorId;
  /** Whether it can vouch for a credential of this look. Synchronous, and costs no look-up. */
  claims(presented: PresentedCredential): boolean;
  /** Whom the credential names now. Never rejects. */
  authenticate(presented: PresentedCredential, nowMs: number): Promise<Principal | Refusal>;
  /**
   * Whom an access token names by its signature and claims alone, whatever has ended since. Undefined where nothing but a
   * question can tell.
   */
  readonly verify?: (presented: PresentedCredential, nowMs: number) => Promise<Principal | Refusal>;
  /** Each look-up is a question to somebody else, whom strangers must not flood through us. */
  readonly asksIssuer?: true;
  /** Undefined: what the settings of the cache say. */
  readonly cacheTimes?: (presented: PresentedCredential) => CacheTimes | undefined;
}

/** How long what an authenticator answers is remembered. */
export interface CacheTimes {
  readonly identityTtlMs: number;
  /** After that, while nobody can be asked. */
  readonly staleMs: number;
  /** Of a refusal. */
  readonly unknownTtlMs: number;
}

/** One row of the list: who vouches, and how it is made. */
export interface AuthenticatorKind extends AuthenticatorId {
  create(deps: AuthenticatorDeps): Authenticator;
}

/** The part of an authenticator that a verifier of JWTs does. */
export const claimsAndVerifies = (
  verifier: JwtVerifier,
): Required<Pick<Authenticator, 'claims' | 'verify'>> => ({
  claims: ({ issuer }) => issuer !== undefined && verifier.trusts(issuer),
  verify: async (presented, nowMs) =>
    presented.jwt === undefined ? presented.refusal() : verifier.verify(presented.jwt, nowMs),
});

export interface AuthenticatorDeps {
  readonly store: Pick<TokenStore, 'findApiToken' | 'findUser'>;
  readonly orgs: OrgCache;
  readonly imports: ImportsProbe;
  readonly feedState: Pick<FeedState, 'generationOf'>;
  readonly settings: Pick<Settings, 'issuer' | 'issuers' | 'tokens'>;
  readonly accessTokens: AccessTokenVerifiers;
  readonly onIssuerFault?: ReportIssuerFault | undefined;
  readonly monotonicMs: () => number;
}

/** A credential that is being looked up. A JWT is parsed once, and only when somebody asks. */
export class PresentedCredential {
  readonly value: string;
  readonly digest: string;
  readonly isJwt: boolean;
  /** Whether it was good when it was last looked up, so that nobody is guessing. */
  readonly isRenewal: boolean;
  readonly #bytesMax: number;
  #parsed: CompactJwt | string | undefined;

  /** `jwtBytesMax`: the longest JWT that is parsed. */
  constructor(
    { form, value }: Credential,
    jwtBytesMax: number,
    digest: string = digestOf(value),
    isRenewal: boolean = false,
  ) {
    this.value = value;
    this.digest = digest;
    this.isJwt = form === 'jwt';
    this.isRenewal = isRenewal;
    this.#bytesMax = jwtBytesMax;
  }

  /** Undefined when it is none, or a broken one. */
  get jwt(): CompactJwt | undefined {
    if (!this.isJwt) return undefined;
    const parsed = this.#parse();
    return typeof parsed === 'string' ? undefined : parsed;
  }

  /** The `iss` of a JWT, which nobody has verified yet. */
  get issuer(): string | undefined {
    return this.jwt?.claims.text('iss');
  }

  /** Why a credential that no authenticator claims is refused. */
  refusal(): Denial {
    if (!this.isJwt) {
      const isShort = this.value.length < secretLengthMin;
      return denial('token_unknown', isShort ? `fewer than ${secretLengthMin} characters` : undefined);
    }
    const parsed = this.#parse();
    const fault = typeof parsed === 'string' ? parsed : 'claim iss: not an issuer in the settings';
    return denial('token_invalid', fault);
  }

  #parse(): CompactJwt | string {
    this.#parsed ??= parseCompactJwt(this.value, this.#bytesMax);
    return this.#parsed;
  }
}
