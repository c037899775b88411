// What the identifier remembers: identities by the digest of their credential, and refused credentials apart from them, so
// that no flood of bad ones pushes out a good one. Asks nobody and judges nothing. Times are of the monotonic clock.

import { LRUCache } from 'lru-cache';
import type { Denial } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import type { CacheTimes } from './authenticator.ts';
import type { CachedSubject } from './cached-subject.ts';

/** What the identifier counts. Counts go on when a reload puts another identifier in its place. */
export const newCacheCounts = () => ({
  hits: 0,
  /** Look-ups and verifications begun, and requests that joined one under way. */
  misses: 0,
  shared: 0,
  /** Refused from memory, or by shape alone. */
  unknownHits: 0,
  /** Served past their time because the store was out. */
  stale: 0,
});
export type CacheCounts = ReturnType<typeof newCacheCounts>;

interface Refused {
  readonly denial: Denial;
  readonly untilMs: number;
}

export class IdentityCache {
  readonly #identities: LRUCache<string, CachedSubject>;
  readonly #refused: LRUCache<string, Refused>;
  readonly #identityTtlMsMax: number;

  constructor({ identitiesMax, unknownMax, identityTtlMs }: Settings['cache']) {
    this.#identities = new LRUCache({ max: identitiesMax });
    this.#refused = new LRUCache({ max: unknownMax });
    this.#identityTtlMsMax = identityTtlMs;
  }

  /** However old it is. */
  find(digest: string): CachedSubject | undefined {
    return this.#identities.get(digest);
  }

  /** No longer than it lives, and than the settings of the cache allow to anybody. */
  keep(
    digest: string,
    subject: CachedSubject,
    nowMs: number,
    clockMs: number,
    { identityTtlMs, staleMs }: CacheTimes,
  ): void {
    const leftMs = subject.identity.expiresAtMs - nowMs;
    const freshMs = Math.min(identityTtlMs, this.#identityTtlMsMax);
    this.#refused.delete(digest);
    subject.freshUntilMs = Math.floor(clockMs + Math.min(freshMs, leftMs));
    subject.usableUntilMs = Math.floor(clockMs + Math.min(freshMs + staleMs, leftMs));
    this.#identities.set(digest, subject);
  }

  delete(digest: string): void {
    this.#identities.delete(digest);
  }

  refuse(digest: string, refusal: Denial, clockMs: number, { unknownTtlMs }: CacheTimes): Denial {
    this.#refused.set(digest, { denial: refusal, untilMs: clockMs + unknownTtlMs });
    return refusal;
  }

  /** While it is remembered. */
  refusalOf(digest: string, clockMs: number): Denial | undefined {
    const refused = this.#refused.get(digest);
    return refused !== undefined && clockMs < refused.untilMs ? refused.denial : undefined;
  }

  forgetRefusals(): void {
    this.#refused.clear();
  }

  clear(): void {
    this.#identities.clear();
    this.#refused.clear();
  }

  sizes(): { readonly identities: number; readonly unknowns: number } {
    return { identities: this.#identities.size, unknowns: this.#refused.size };
  }
}
