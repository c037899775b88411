// Credential -> subject: one hash and one map look-up when the cache knows it, one shared look-up when it does not.
// Caches identities, never verdicts, and keys them by digest, never by the credential. Refused credentials are kept
// apart, so that no flood of them evicts a good identity.

import { LRUCache } from 'lru-cache';
import type { Credential } from '../decision/credential.ts';
import type { Identity, Standing } from '../decision/identity.ts';
import { renderIdentityHeaders } from '../decision/identity-headers.ts';
import type { Denial, Outage, Refusal } from '../decision/outcome.ts';
import { denial, isDenial, isOutage, isRefusal } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import type { TokenStore } from '../store/token-store.ts';
import { digestOf, isOwnShape, secretLengthMin } from '../tokens/api-token.ts';
import { lookUpApiToken } from './api-token-lookup.ts';
import { CachedSubject, renderedFor } from './cached-subject.ts';
import { admitExternal } from './external-account.ts';
import type { FeedState } from './feed-state.ts';
import type { Hit, Identifier, Subject } from './identifier.ts';
import { ImportsProbe } from './imports-probe.ts';
import { OrgCache } from './org-cache.ts';
import { SharedValues } from './shared-values.ts';
import { SingleFlight } from './single-flight.ts';
import type { UnknownTokenLimit } from './unknown-token-limit.ts';

export interface IdentifierDependencies {
  readonly store: Pick<TokenStore, 'findApiToken' | 'findOrg' | 'findUser' | 'hasImports'>;
  readonly settings: Pick<Settings, 'cache' | 'feed' | 'identity' | 'issuer'>;
  readonly feedState: FeedState;
  readonly unknownTokenLimit: UnknownTokenLimit;
  readonly verifyAccessToken: (token: string, nowMs: number) => Promise<Identity | Denial | Outage>;
  /** Compact JWT of an identity for one upstream: the `jwt` field of the identity headers. */
  readonly signIdentityJwt: (identity: Identity, upstreamName: string, nowMs: number) => string | Outage;
  /** Access token that stands in for the caller's credential. */
  readonly signAccessToken: (identity: Identity, upstreamName: string, nowMs: number) => string | Outage;
  /** Whether a signing key of ours has leaked and been revoked: what it signed is nobody's. */
  readonly isKeyRevoked?: (keyId: string) => boolean;
  /** Told of each API token that was read from the store and found good: once a cache life at most. Never throws. */
  readonly noteUse?: (tokenId: string, nowMs: number) => void;
  /** Never goes back; the age of what is cached must not depend on a clock somebody sets. */
  readonly monotonicMs?: () => number;
}

interface Refused {
  readonly denial: Denial;
  readonly untilMs: number;
}

/** While the store is out, an identity past its time asks again this often, not on every request. */
const outageRetryMs = 1_000;

export const createIdentifier = (deps: IdentifierDependencies): CountingIdentifier =>
  new CachingIdentifier(deps);

/** Counts since the start, and sizes now. */
export interface CacheReading {
  readonly hits: number;
  /** Look-ups and verifications begun, and requests that joined one under way. */
  readonly misses: number;
  readonly shared: number;
  /** Refused from memory, or by shape alone. */
  readonly unknownHits: number;
  /** Served past their time because the store was out. */
  readonly stale: number;
  readonly identities: number;
  readonly unknowns: number;
  readonly inFlight: number;
}

export interface CountingIdentifier extends Identifier {
  reading(): CacheReading;
  /** Forgets every identity, and what was rendered and signed for it. */
  drop(): void;
}

class CachingIdentifier implements CountingIdentifier {
  readonly #deps: IdentifierDependencies;
  readonly #monotonicMs: () => number;
  readonly #counts = { hits: 0, misses: 0, shared: 0, unknownHits: 0, stale: 0 };
  readonly #identities: LRUCache<string, CachedSubject>;
  readonly #refused: LRUCache<string, Refused>;
  readonly #flights = new SingleFlight<Subject | Refusal>();
  readonly #orgs: OrgCache;
  readonly #imports: ImportsProbe;
  readonly #shared = new SharedValues();
  readonly #headerMapping: readonly (readonly [string, Settings['identity']['headers'][string]])[];
  /** Grows when every cache must be dropped: what was asked for before is not kept. */
  #epoch = 0;
  /** Grows with every change of an account or the keys: a refusal asked for before it is not kept. */
  #changes = 0;

  constructor(deps: IdentifierDependencies) {
    const { cache } = deps.settings;
    this.#deps = deps;
    this.#monotonicMs = deps.monotonicMs ?? (() => performance.now());
    this.#identities = new LRUCache({ max: cache.identitiesMax });
    this.#refused = new LRUCache({ max: cache.unknownMax });
    this.#orgs = new OrgCache(deps.store, cache.identityTtlMs);
    this.#imports = new ImportsProbe(deps.store, this.#monotonicMs);
    this.#headerMapping = Object.entries(deps.settings.identity.headers);
    deps.feedState.onReset(() => this.drop());
    // A refusal may rest on a key not yet known, or on a state that has just changed.
    deps.feedState.onChange((changes) => {
      if (!changes.some(({ kind }) => kind !== 'token' && kind !== 'secret' && kind !== 'session')) return;
      this.#changes += 1;
      this.#refused.clear();
    });
  }

  identify(
    credential: Credential,
    nowMs: number,
    clientAddress?: string,
  ): Hit | Refusal | Promise<Subject | Refusal> {
    const digest = digestOf(credential.value);
    const subject = this.#identities.get(digest);
    const clockMs = this.#monotonicMs();
    if (subject !== undefined && clockMs < subject.freshUntilMs) {
      const { identity } = subject;
      const standing = this.#deps.feedState.standing(identity, nowMs);
      if (!speaksAgainst(standing)) {
        this.#counts.hits += 1;
        subject.standing = standing;
        return subject;
      }
      this.#identities.delete(digest);
      if (standing !== 'outdated') return this.#refuse(digest, goneDenial(identity, standing), clockMs);
    }
    // Whoever was good a while ago is not guessing.
    const limited = subject === undefined ? clientAddress : undefined;
    return this.#withoutCache(credential, digest, nowMs, clockMs, limited);
  }

  verify(accessToken: string, nowMs: number): Promise<Identity | Refusal> {
    return this.#deps.verifyAccessToken(accessToken, nowMs);
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
    const rendered = renderedFor(subject, upstreamName);
    if (rendered.headers !== undefined) return rendered.headers;
    const { identity } = subject;
    const needsJwt = this.#headerMapping.some(([, field]) => field === 'jwt');
    const jwt = needsJwt ? this.#deps.signIdentityJwt(identity, upstreamName, nowMs) : '';
    if (isOutage(jwt)) return jwt;
    // A copy has no spare room: it is kept 100,000 times.
    rendered.headers = renderIdentityHeaders(this.#headerMapping, identity, jwt).slice();
    return rendered.headers;
  }

  accessTokenFor(subject: Subject, upstreamName: string, nowMs: number): string | Outage {
    const rendered = renderedFor(subject, upstreamName);
    if (rendered.accessToken !== undefined) return rendered.accessToken;
    const signed = this.#deps.signAccessToken(subject.identity, upstreamName, nowMs);
    if (!isOutage(signed)) rendered.accessToken = signed;
    return signed;
  }

  reading(): CacheReading {
    return {
      ...this.#counts,
      identities: this.#identities.size,
      unknowns: this.#refused.size,
      inFlight: this.#flights.size,
    };
  }

  drop(): void {
    this.#epoch += 1;
    this.#identities.clear();
    this.#refused.clear();
    this.#orgs.clear();
  }

  #withoutCache(
    credential: Credential,
    digest: string,
    nowMs: number,
    clockMs: number,
    clientAddress: string | undefined,
  ): Denial | Promise<Subject | Refusal> {
    const { kind } = credential;
    const refused = this.#refused.get(digest);
    if (refused !== undefined && clockMs < refused.untilMs) {
      this.#counts.unknownHits += 1;
      return refused.denial;
    }
    const limit = this.#deps.unknownTokenLimit;
    const isGarbage = kind === 'api_token' && this.#isGarbage(credential.value);
    if (clientAddress !== undefined && limit.isBlocked(clientAddress))
      if (isGarbage || !limit.takeTurn(clientAddress)) return denial('rate_limited');
    if (isGarbage) {
      this.#counts.unknownHits += 1;
      if (clientAddress !== undefined) limit.penalize(clientAddress);
      const isShort = credential.value.length < secretLengthMin;
      return denial('token_unknown', isShort ? `fewer than ${secretLengthMin} characters` : undefined);
    }
    this.#counts.misses += 1;
    const isShared = this.#flights.has(digest);
    if (isShared) this.#counts.shared += 1;
    const flight = this.#flights.join(digest, () => this.#lookUp(credential, digest, nowMs));
    if (clientAddress === undefined || isShared) return flight;
    return flight.then((result) => {
      if (isDenial(result) && guesses.has(result.reason)) limit.penalize(clientAddress);
      return result;
    });
  }

  /** No look-up can find it, or none may: a secret so short could be guessed, though somebody has imported its digest. */
  #isGarbage(secret: string): boolean {
    if (secret.length < secretLengthMin) return true;
    return !isOwnShape(secret) && this.#imports.areKnownAbsent();
  }

  /** Asks until the answer is not older than what the feed has told meanwhile, twice at most, and keeps it. */
  async #lookUp(credential: Credential, digest: string, nowMs: number): Promise<Subject | Refusal> {
    let epoch = this.#epoch;
    let changes = this.#changes;
    let result = await this.#ask(credential, digest, nowMs);
    if (this.#epoch !== epoch || this.#isOutdated(result, nowMs)) {
      epoch = this.#epoch;
      changes = this.#changes;
      result = await this.#ask(credential, digest, nowMs);
    }
    const clockMs = this.#monotonicMs();
    if (isOutage(result)) return this.#staleSubject(digest, nowMs, clockMs) ?? result;
    if (isDenial(result)) {
      this.#identities.delete(digest);
      const isCurrent = epoch === this.#epoch && changes === this.#changes;
      return isCurrent ? this.#refuse(digest, result, clockMs) : result;
    }
    const standing = this.#deps.feedState.standing(result, nowMs);
    if (standing === 'revoked' || standing === 'ended')
      return this.#refuse(digest, goneDenial(result, standing), clockMs);
    if (credential.kind === 'api_token' && result.tokenId !== undefined)
      this.#deps.noteUse?.(result.tokenId, nowMs);
    const subject = new CachedSubject(this.#withSharedValues(result));
    if (standing !== 'outdated' && epoch === this.#epoch) this.#keep(digest, subject, nowMs, clockMs);
    return subject;
  }

  async #ask(credential: Credential, digest: string, nowMs: number): Promise<Identity | Denial | Outage> {
    const { store, settings, feedState, verifyAccessToken } = this.#deps;
    if (credential.kind === 'access_token') {
      const verified = await verifyAccessToken(credential.value, nowMs);
      const isExternal = !isRefusal(verified) && verified.generation === undefined;
      return isExternal ? admitExternal({ store, orgs: this.#orgs, feedState }, verified) : verified;
    }
    if (!isOwnShape(credential.value)) {
      const hasImports = await this.#imports.exist();
      if (isOutage(hasImports)) return hasImports;
      if (!hasImports) return denial('token_unknown');
    }
    return lookUpApiToken({ store, orgs: this.#orgs, feedState, issuer: settings.issuer }, digest, nowMs);
  }

  #isOutdated(result: Identity | Refusal, nowMs: number): boolean {
    return !isRefusal(result) && this.standing(result, nowMs) === 'outdated';
  }

  #keep(digest: string, subject: CachedSubject, nowMs: number, clockMs: number): void {
    const { cache, feed } = this.#deps.settings;
    const leftMs = subject.identity.expiresAtMs - nowMs;
    this.#refused.delete(digest);
    subject.freshUntilMs = Math.floor(clockMs + Math.min(cache.identityTtlMs, leftMs));
    subject.usableUntilMs = Math.floor(clockMs + Math.min(cache.identityTtlMs + feed.maxStalenessMs, leftMs));
    this.#identities.set(digest, subject);
  }

  #refuse(digest: string, refusal: Denial, clockMs: number): Denial {
    this.#refused.set(digest, { denial: refusal, untilMs: clockMs + this.#deps.settings.cache.unknownTtlMs });
    return refusal;
  }

  /** What the cache knew, while the store is out and the bound allows; never one the feed speaks against. */
  #staleSubject(digest: string, nowMs: number, clockMs: number): Subject | undefined {
    const subject = this.#identities.get(digest);
    if (subject === undefined || clockMs >= subject.usableUntilMs) return undefined;
    const standing = this.standing(subject.identity, nowMs);
    if (speaksAgainst(standing)) return undefined;
    subject.freshUntilMs = Math.min(Math.floor(clockMs) + outageRetryMs, subject.usableUntilMs);
    this.#counts.stale += 1;
    return subject;
  }

  #withSharedValues(identity: Identity): Identity {
    const { org, user } = identity;
    return {
      ...identity,
      org: this.#shared.org(org),
      user: { id: user.id, name: user.name, roles: this.#shared.roles(user.roles) },
      scopes: this.#shared.scopes(identity.scopes),
    };
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
