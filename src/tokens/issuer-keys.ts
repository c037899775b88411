// The public keys of one external issuer, fetched from its JWKS endpoint and kept through its outages, up to a bound.
// One fetch at a time, and never one per request: neither unknown kids nor a dead endpoint can make it storm.
//
// Fetching is our own: jose's createRemoteJWKSet rejects every token once its cache is past its age and the endpoint is
// down (reproduced in the tests), and takes no private CA.

import type { CryptoKey } from 'jose';
import { isOutage, type Outage, outage } from '../decision/outcome.ts';
import { fetchJson, shownUrl } from './fetch-json.ts';
import { type IssuerKey, readJwks } from './jwks.ts';
import { createKeysLocator, type KeysLocation } from './issuer-metadata.ts';

export interface IssuerKeysSettings extends KeysLocation {
  /** A key is imported for each of these it fits. */
  readonly algorithms: readonly string[];
  /** How long keys may serve after they were fetched, while the endpoint is down. */
  readonly staleKeysMsMax: number;
}

/** Hears when a fetch fails that comes after a good one or is the first, and when one succeeds again (undefined). */
export type ReportFault = (fault: KeysFault | undefined) => void;

export interface KeysFault {
  readonly cause: unknown;
  /** Whether keys are known that serve meanwhile. */
  readonly hasKeys: boolean;
}

/**
 * Past half of this (or of `staleKeysMsMax`, where that is less), a request starts a fetch in the background; past all of
 * it, requests wait for one.
 */
const freshMsMax = 600_000;
/** A kid that is not among the keys is worth another fetch this long after the last one. */
const unknownKidCooldownMs = 30_000;
/** After a fetch that failed. */
const retryDelayMs = 1_000;
/** Bound on the work one token without a kid can cause. */
const candidatesMax = 4;

export class IssuerKeys {
  readonly #settings: IssuerKeysSettings;
  readonly #report: ReportFault;
  readonly #locator: ReturnType<typeof createKeysLocator>;
  readonly #freshMs: number;
  #keys: readonly IssuerKey[] = [];
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  /** Of the last fetch; undefined when it went well. */
  #failure: Outage | undefined;
  #flight: Promise<void> | undefined;

  constructor(settings: IssuerKeysSettings, report: ReportFault = () => undefined) {
    this.#settings = settings;
    this.#report = report;
    this.#locator = createKeysLocator(settings);
    this.#freshMs = Math.min(freshMsMax, settings.staleKeysMsMax);
  }

  /**
   * Keys a token of this algorithm and kid may be signed with, at most four; none when the issuer has no such key.
   * Waits for a fetch only when what is known cannot answer.
   */
  async find(
    algorithm: string,
    kid: string | undefined,
    nowMs: number,
  ): Promise<readonly CryptoKey[] | Outage> {
    await this.#renew(nowMs);
    if (!this.#isUsable(nowMs)) return this.#failure ?? outage('issuer_unavailable');
    const known = this.#candidates(algorithm, kid);
    if (known.length > 0) return known;
    if (this.#flight !== undefined || nowMs - this.#triedAtMs >= this.#cooldownMs()) await this.#fetch(nowMs);
    const found = this.#candidates(algorithm, kid);
    // The key may be a new one that cannot be had now: nobody can call the token bad.
    return found.length === 0 && this.#failure !== undefined ? this.#failure : found;
  }

  /** Fetches the keys when none are known; the outage when they cannot be had. */
  async warm(nowMs: number): Promise<Outage | undefined> {
    await this.#renew(nowMs);
    return this.#isUsable(nowMs) ? undefined : this.#failure;
  }

  /** Fetches when it is time: waits for it only when there is nothing fresh, and nothing stale to do with meanwhile. */
  async #renew(nowMs: number): Promise<void> {
    const ageMs = nowMs - this.#fetchedAtMs;
    if (ageMs < this.#freshMs / 2) return;
    const isTooSoon = this.#failure !== undefined && nowMs - this.#triedAtMs < retryDelayMs;
    if (isTooSoon && this.#flight === undefined) return;
    const flight = this.#fetch(nowMs);
    const canGoOn = this.#isUsable(nowMs) && (ageMs < this.#freshMs || this.#failure !== undefined);
    if (!canGoOn) await flight;
  }

  #isUsable(nowMs: number): boolean {
    return nowMs - this.#fetchedAtMs < this.#settings.staleKeysMsMax;
  }

  #cooldownMs(): number {
    return this.#failure === undefined ? unknownKidCooldownMs : retryDelayMs;
  }

  #candidates(algorithm: string, kid: string | undefined): readonly CryptoKey[] {
    return this.#keys
      .filter((key) => key.algorithm === algorithm && (kid === undefined || key.kid === kid))
      .slice(0, candidatesMax)
      .map(({ key }) => key);
  }

  #fetch(nowMs: number): Promise<void> {
    this.#flight ??= this.#fetchOnce(nowMs).finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  async #fetchOnce(nowMs: number): Promise<void> {
    this.#triedAtMs = nowMs;
    const before = this.#failure;
    const keys = await this.#fetchKeys(nowMs);
    if (!isOutage(keys)) {
      this.#keys = keys;
      this.#failure = undefined;
      this.#fetchedAtMs = nowMs;
      if (before !== undefined) this.#report(undefined);
      return;
    }
    this.#failure = keys;
    if (before === undefined) this.#report({ cause: keys.cause, hasKeys: this.#isUsable(nowMs) });
  }

  async #fetchKeys(nowMs: number): Promise<readonly IssuerKey[] | Outage> {
    const url = await this.#locator.find(nowMs);
    if (isOutage(url)) return url;
    const body = await fetchJson({ url, ca: this.#settings.ca });
    if (isOutage(body)) {
      this.#locator.doubt();
      return body;
    }
    const keys = await readJwks(body, this.#settings.algorithms);
    if (keys !== undefined && keys.length > 0) return keys;
    // Withdrawn keys are not served stale; but no key at all says nothing of a token, good or bad.
    if (keys !== undefined) this.#fetchedAtMs = Number.NEGATIVE_INFINITY;
    const what =
      keys === undefined
        ? 'did not answer a JWK Set'
        : `publishes no key that can verify a signature (${this.#settings.algorithms.join(', ')})`;
    return outage('issuer_unavailable', new Error(`${shownUrl(url)} ${what}`));
  }
}
