// Credential -> subject: one hash and one map look-up when the cache knows it, one shared look-up when it does not.
// Caches identities, never verdicts, and keys them by digest, never by the credential. Refused credentials are kept
// apart, so that no flood of them evicts a good identity.

import type { Credential } from '../decision/credential.ts';
import { type Identity, isByAccessToken, type Standing } from '../decision/identity.ts';
import type { Denial, Outage, Refusal } from '../decision/outcome.ts';
import { denial, isDenial, isOutage, isRefusal } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import type { TokenStore } from '../store/token-store.ts';
import { digestOf, isOwnShape, secretLengthMin } from '../tokens/api-token.ts';
import type { AccessTokenVerifiers } from '../tokens/verify-access-token.ts';
import { type Authenticator, type CacheTimes, PresentedCredential } from './authenticator.ts';
import { authenticate, createAuthenticators } from './authenticators.ts';
import { CachedSubject } from './cached-subject.ts';
import type { FeedState } from './feed-state.ts';
import type { Hit, Identifier, Limited, Subject } from './identifier.ts';
import { type CacheCounts, IdentityCache, newCacheCounts } from './identity-cache.ts';
import { ImportsProbe } from './imports-probe.ts';
import type { ReportIssuerFault } from './issuer-faults.ts';
import { OrgCache } from './org-cache.ts';
import { Rendering, type RenderingDeps } from './rendering.ts';
import { SharedValues } from './shared-values.ts';
import { SingleFlight } from './single-flight.ts';
import type { UnknownTokenLimit } from './unknown-token-limit.ts';

export interface IdentifierDependencies extends RenderingDeps {
  readonly store: Pick<TokenStore, 'findApiToken' | 'findOrg' | 'findUser' | 'hasImports'>;
  readonly settings: Pick<
    Settings,
    'cache' | 'credential' | 'feed' | 'identity' | 'issuer' | 'issuers' | 'tokens'
  >;
  readonly feedState: FeedState;
  readonly unknownTokenLimit: UnknownTokenLimit;
  readonly accessTokens: AccessTokenVerifiers;
  /** Hears of issuers that cannot be asked about their tokens. Never throws. */
  readonly onIssuerFault?: ReportIssuerFault | undefined;
  /** Whether a signing key of ours has leaked and been revoked: what it signed is nobody's. */
  readonly isKeyRevoked?: (keyId: string) => boolean;
  /** Hears of each API token that was read from the store and found good: once a cache life at most. Never throws. */
  readonly noteUse?: (tokenId: string, nowMs: number) => void;
  /** What an identifier before it has counted, and goes on counting for what is under way on it. */
  readonly counts?: CacheCounts | undefined;
  /** Never goes back; the age of what is cached must not depend on a clock somebody sets. */
  readonly monotonicMs?: () => number;
}

export class CachingIdentifier implements Identifier {
  readonly #deps: IdentifierDependencies;
  readonly #monotonicMs: () => number;
  readonly #counts: CacheCounts;
  readonly #stops: readonly (() => void)[];
  #cache: IdentityCache;
  readonly #flights = new SingleFlight<Subject | Refusal>();
  readonly #orgs: OrgCache;
  readonly #imports: ImportsProbe;
  readonly #shared = new SharedValues();
  readonly #rendering: Rendering;
  readonly #authenticators: readonly Authenticator[];
  readonly #cacheTimes: CacheTimes;
  /** Grows when every cache must be dropped: what was asked for before is not kept. */
  #epoch = 0;
  /** Grows with every change of an account or the keys: a refusal asked for before it is not kept. */
  #changes = 0;

  constructor(deps: IdentifierDependencies) {
    const { cache } = deps.settings;
    this.#deps = deps;
    this.#cacheTimes = {
      identityTtlMs: cache.identityTtlMs,
      staleMs: deps.settings.feed.maxStalenessMs,
      unknownTtlMs: cache.unknownTtlMs,
    };
    this.#monotonicMs = deps.monotonicMs ?? (() => performance.now());
    this.#cache = new IdentityCache(cache);
    this.#orgs = new OrgCache(deps.store, cache.identityTtlMs);
    this.#imports = new ImportsProbe(deps.store, this.#monotonicMs);
    this.#rendering = new Rendering(deps);
    this.#authenticators = createAuthenticators({
      ...deps,
      orgs: this.#orgs,
      imports: this.#imports,
      monotonicMs: this.#monotonicMs,
    });
    this.#counts = deps.counts ?? newCacheCounts();
    this.#stops = [
      deps.feedState.onReset(() => this.drop()),
      // A refusal may rest on a key not yet known, or on a state that has just changed.
      deps.feedState.onChange((changes) => {
        if (!changes.some(({ kind }) => kind !== 'token' && kind !== 'secret' && kind !== 'session')) return;
        this.#changes += 1;
        this.#cache.forgetRefusals();
      }),
    ];
  }

  identify(
    credential: Credential,
    nowMs: number,
    clientAddress?: string,
    limited: Limited = 'look-ups',
  ): Hit | Refusal | Promise<Subject | Refusal> {
    const digest = digestOf(credential.value);
    const subject = this.#cache.find(digest);
    const clockMs = this.#monotonicMs();
    if (subject !== undefined && clockMs < subject.freshUntilMs) {
      const { identity } = subject;
      const standing = this.#deps.feedState.standing(identity, nowMs);
      if (!speaksAgainst(standing)) {
        this.#counts.hits += 1;
        subject.standing = standing;
        return subject;
      }
      this.#cache.delete(digest);
      if (standing !== 'outdated')
        return this.#cache.refuse(digest, goneDenial(identity, standing), clockMs, this.#cacheTimes);
    }
    const presented = this.#presented(credential, digest, subject);
    const isLimited = limited === 'look-ups' || this.#asksIssuer(presented);
    return this.#withoutCache(presented, nowMs, clockMs, isLimited ? clientAddress : undefined);
  }

  async verify(credential: Credential, nowMs: number): Promise<Identity | Refusal> {
    const presented = this.#presented(credential);
    const authenticator = this.#authenticators.find((each) => each.claims(presented));
    if (authenticator?.verify === undefined) return presented.refusal();
    const principal = await authenticator.verify(presented, nowMs);
    return isRefusal(principal) ? principal : { ...principal, authenticator: authenticator.id };
  }

  async mayBeApiToken(secret: string): Promise<boolean | Outage> {
    return isOwnShape(secret) || (secret.length >= secretLengthMin && this.#imports.exist());
  }

  /** What is cached needs no look at its key: the cache is dropped when one is revoked. */
  standing(identity: Identity, nowMs: number): Standing {
    if (identity.keyId !== undefined && this.#deps.isKeyRevoked?.(identity.keyId) === true) return 'ended';
    return this.#deps.feedState.standing(identity, nowMs);
  }

  headersFor(subject: Subject, upstreamName: string, nowMs: number): readonly string[] | Outage {
    return this.#rendering.headersFor(subject, upstreamName, nowMs);
  }

  accessTokenFor(subject: Subject, upstreamName: string, nowMs: number): string | Outage {
    return this.#rendering.accessTokenFor(subject, upstreamName, nowMs);
  }

  reading() {
    return { ...this.#counts, ...this.#cache.sizes(), inFlight: this.#flights.size };
  }

  /** Another one has taken its place: it caches for what is under way only, and hears of no more changes. */
  retire(): void {
    for (const stop of this.#stops) stop();
    this.drop();
    // A tunnel may hold on to it for days, and an empty cache is as large as a full one.
    this.#cache = new IdentityCache({ ...this.#deps.settings.cache, identitiesMax: 1, unknownMax: 1 });
  }

  /** Forgets every identity, and what was rendered and signed for it. */
  drop(): void {
    this.#epoch += 1;
    this.#cache.clear();
    this.#orgs.clear();
  }

  #withoutCache(
    presented: PresentedCredential,
    nowMs: number,
    clockMs: number,
    address: string | undefined,
  ): Denial | Promise<Subject | Refusal> {
    const { digest } = presented;
    const refusal = this.#cache.refusalOf(digest, clockMs);
    if (refusal !== undefined) {
      this.#counts.unknownHits += 1;
      return refusal;
    }
    const limit = this.#deps.unknownTokenLimit;
    // Who was good a while ago is not guessing.
    const clientAddress = presented.isRenewal ? undefined : address;
    // Told by its form alone. A JWT must be parsed first, and that is work which counts as a look-up.
    const isGarbage = !presented.isJwt && !this.#authenticators.some((each) => each.claims(presented));
    if (clientAddress !== undefined && limit.isBlocked(clientAddress))
      if (isGarbage || !limit.takeTurn(clientAddress)) return denial('rate_limited');
    if (isGarbage) {
      this.#counts.unknownHits += 1;
      if (clientAddress !== undefined) limit.penalize(clientAddress);
      return presented.refusal();
    }
    this.#counts.misses += 1;
    const isShared = this.#flights.has(digest);
    if (isShared) this.#counts.shared += 1;
    const flight = this.#flights.join(digest, () => this.#lookUp(presented, nowMs));
    if (clientAddress === undefined || isShared) return flight;
    return flight.then((result) => {
      if (isDenial(result) && guesses.has(result.reason)) limit.penalize(clientAddress);
      return result;
    });
  }

  #asksIssuer(presented: PresentedCredential): boolean {
    return this.#authenticators.some((each) => each.asksIssuer === true && each.claims(presented));
  }

  /** `known`: what the cache has of it, however old. */
  #presented(credential: Credential, digest?: string, known?: CachedSubject): PresentedCredential {
    const { accessTokenBytesMax } = this.#deps.settings.credential;
    return new PresentedCredential(credential, accessTokenBytesMax, digest, known !== undefined);
  }

  /** Asks again, once, when the answer is older than what the feed has brought meanwhile; then keeps it. */
  async #lookUp(presented: PresentedCredential, nowMs: number): Promise<Subject | Refusal> {
    const { digest } = presented;
    let epoch = this.#epoch;
    let changes = this.#changes;
    let { result, times } = await this.#ask(presented, nowMs);
    if (this.#epoch !== epoch || this.#isOutdated(result, nowMs)) {
      epoch = this.#epoch;
      changes = this.#changes;
      ({ result, times } = await this.#ask(presented, nowMs));
    }
    const clockMs = this.#monotonicMs();
    if (isOutage(result)) return this.#staleSubject(digest, nowMs, clockMs) ?? result;
    if (isDenial(result)) {
      this.#cache.delete(digest);
      const isCurrent = epoch === this.#epoch && changes === this.#changes;
      return isCurrent ? this.#cache.refuse(digest, result, clockMs, times) : result;
    }
    const standing = this.#deps.feedState.standing(result, nowMs);
    if (standing === 'revoked' || standing === 'ended')
      return this.#cache.refuse(digest, goneDenial(result, standing), clockMs, times);
    if (!isByAccessToken(result) && result.tokenId !== undefined) this.#deps.noteUse?.(result.tokenId, nowMs);
    const subject = new CachedSubject(result);
    if (standing !== 'outdated' && epoch === this.#epoch)
      this.#cache.keep(digest, subject, nowMs, clockMs, times);
    return subject;
  }

  async #ask(
    presented: PresentedCredential,
    nowMs: number,
  ): Promise<{ readonly result: Identity | Refusal; readonly times: CacheTimes }> {
    const { outcome, by } = await authenticate(this.#authenticators, presented, nowMs);
    const times = by?.cacheTimes?.(presented) ?? this.#cacheTimes;
    return { result: isRefusal(outcome) ? outcome : this.#shared.identity(outcome), times };
  }

  #isOutdated(result: Identity | Refusal, nowMs: number): boolean {
    return !isRefusal(result) && this.standing(result, nowMs) === 'outdated';
  }

  /** What the cache knew, while the store is out and the bound allows; never one the feed speaks against. */
  #staleSubject(digest: string, nowMs: number, clockMs: number): Subject | undefined {
    const subject = this.#cache.find(digest);
    if (subject === undefined || clockMs >= subject.usableUntilMs) return undefined;
    const standing = this.standing(subject.identity, nowMs);
    if (speaksAgainst(standing)) return undefined;
    subject.prolong(clockMs);
    this.#counts.stale += 1;
    return subject;
  }
}

/** Refusals that count against an address: what guessing looks like. */
const guesses: ReadonlySet<string> = new Set(['token_unknown', 'token_invalid']);

type Against = Extract<Standing, 'revoked' | 'ended' | 'outdated'>;

/** What is merely unknown is judged by `authorize`, as the settings say. */
const speaksAgainst = (standing: Standing): standing is Against =>
  standing === 'revoked' || standing === 'ended' || standing === 'outdated';

const goneDenial = (identity: Identity, standing: 'revoked' | 'ended'): Denial =>
  standing === 'revoked'
    ? denial('token_revoked', identity.tokenId)
    : denial('session_ended', identity.sessionId);
