// The public keys of one external issuer, fetched from its JWKS endpoint and kept through its outages, up to a bound.
// One fetch at a time, and never one per request: neither unknown kids nor a dead endpoint can make it storm.
//
// jose imports each key. Fetching and choosing are our own: createRemoteJWKSet rejects every token once its cache is past
// its age and the endpoint is down (reproduced in the tests), takes no private CA, and refuses a whole set for one entry
// it cannot read; createLocalJWKSet finds such a key only when a token asks for it.

import { type CryptoKey, importJWK } from 'jose';
import { isOutage, type Outage, outage } from '../decision/outcome.ts';
import { fetchJson, shownUrl } from './fetch-json.ts';
import { parsePublicMembers, type PublicMembers } from './public-jwk.ts';
import { rsaBitsMin } from './signature.ts';

export interface IssuerKeysSettings {
  readonly jwksUrl: string;
  /** PEM of a private CA; undefined: the system's. */
  readonly ca: string | undefined;
  /** A key is imported for each of these it fits. */
  readonly algorithms: readonly string[];
  /** How long keys may serve after they were fetched, while the endpoint is down. */
  readonly staleKeysMsMax: number;
}

export interface IssuerKeys {
  /**
   * Keys a token of this algorithm and kid may be signed with, at most four; none when the issuer has no such key.
   * Waits for a fetch only when what is known cannot answer.
   */
  find(algorithm: string, kid: string | undefined, nowMs: number): Promise<readonly CryptoKey[] | Outage>;
  /** Fetches the keys when none are known. */
  warm(nowMs: number): Promise<Outage | undefined>;
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
const keysMax = 100;

/** A published key as imported for one algorithm. */
interface IssuerKey {
  readonly kid: string | undefined;
  readonly algorithm: string;
  readonly key: CryptoKey;
}

export const createIssuerKeys = (settings: IssuerKeysSettings): IssuerKeys => new FetchedIssuerKeys(settings);

class FetchedIssuerKeys implements IssuerKeys {
  readonly #settings: IssuerKeysSettings;
  readonly #freshMs: number;
  #keys: readonly IssuerKey[] = [];
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  /** Of the last fetch; undefined when it went well. */
  #failure: Outage | undefined;
  #flight: Promise<void> | undefined;

  constructor(settings: IssuerKeysSettings) {
    this.#settings = settings;
    this.#freshMs = Math.min(freshMsMax, settings.staleKeysMsMax);
  }

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
    const { jwksUrl, ca } = this.#settings;
    const body = await fetchJson({ url: jwksUrl, ca });
    if (isOutage(body)) {
      this.#failure = body;
      return;
    }
    const entries = parseJwks(body);
    if (entries === undefined) {
      this.#failure = this.#outage('did not answer a JWK Set');
      return;
    }
    const keys = await importKeys(entries, this.#settings.algorithms);
    this.#keys = keys;
    this.#failure = undefined;
    this.#fetchedAtMs = nowMs;
    if (keys.length > 0) return;
    // Withdrawn keys are not served stale; but no key at all says nothing of a token, good or bad.
    this.#fetchedAtMs = Number.NEGATIVE_INFINITY;
    this.#failure = this.#outage(
      `publishes no key that can verify a signature (${this.#settings.algorithms.join(', ')})`,
    );
  }

  #outage(what: string): Outage {
    return outage('issuer_unavailable', new Error(`${shownUrl(this.#settings.jwksUrl)} ${what}`));
  }
}

interface JwksEntry {
  readonly kid: string | undefined;
  /** The only algorithm it is for; undefined: any that fits. */
  readonly algorithm: string | undefined;
  readonly members: PublicMembers;
}

/** Entries of a JWK Set for verifying (RFC 7517 section 5: what is not understood is ignored); undefined when it is none. */
const parseJwks = (body: unknown): readonly JwksEntry[] | undefined => {
  if (typeof body !== 'object' || body === null || !('keys' in body) || !Array.isArray(body.keys))
    return undefined;
  const entries: readonly unknown[] = body.keys.slice(0, keysMax);
  return entries.map(parseEntry).filter((entry) => entry !== undefined);
};

const parseEntry = (value: unknown): JwksEntry | undefined => {
  const members = parsePublicMembers(value);
  if (members === undefined || typeof value !== 'object' || value === null) return undefined;
  const given = new Map<string, unknown>(Object.entries(value));
  const use = given.get('use');
  if (use !== undefined && use !== 'sig') return undefined;
  const operations = given.get('key_ops');
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined;
  const kid = given.get('kid');
  const algorithm = given.get('alg');
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  if (algorithm !== undefined && typeof algorithm !== 'string') return undefined;
  return { kid, algorithm, members };
};

const importKeys = async (
  entries: readonly JwksEntry[],
  algorithms: readonly string[],
): Promise<readonly IssuerKey[]> => {
  const imports = entries.flatMap((entry) =>
    algorithms
      .filter((algorithm) => entry.algorithm === undefined || entry.algorithm === algorithm)
      .map((algorithm) => importKey(entry, algorithm)),
  );
  return (await Promise.all(imports)).filter((key) => key !== undefined);
};

/** Undefined when the key does not fit the algorithm: another type or curve, not on its curve, too few bits. */
const importKey = async ({ kid, members }: JwksEntry, algorithm: string): Promise<IssuerKey | undefined> => {
  try {
    const key = await importJWK({ ...members }, algorithm);
    if (key instanceof Uint8Array) return undefined;
    // jose would throw, but only when a token asks for the key.
    if ('modulusLength' in key.algorithm && Number(key.algorithm.modulusLength) < rsaBitsMin)
      return undefined;
    return { kid, algorithm, key };
  } catch {
    return undefined;
  }
};
