// All signing keys a replica knows at one moment: which one signs, which ones verify, which are published. Replaced
// whole when the keys change; holds no clock and does no I/O.

import type { PublishedJwk } from './public-jwk.ts';
import type { SigningAlgorithm } from './signature.ts';
import { isSigningKey, type SigningKey, type VerificationKey } from './signing-key.ts';

export class KeyRing {
  #keys: ReadonlyMap<string, VerificationKey> = new Map();

  /** Replaces all known keys. Where a key comes twice, the first one counts. */
  replace(keys: readonly VerificationKey[]): void {
    const next = new Map<string, VerificationKey>();
    for (const key of keys) if (!next.has(key.kid)) next.set(key.kid, key);
    this.#keys = next;
  }

  /**
   * The key to sign with now; undefined when there is none. A mounted file comes before a key of the store, then the
   * one that became active last, then the first of the list. If none is active yet (this clock is behind the one that made
   * the first key), the earliest to come: it is published already.
   */
  signingKey(algorithm: SigningAlgorithm, nowMs: number): SigningKey | undefined {
    let best: SigningKey | undefined;
    for (const key of this.#keys.values()) {
      if (key.algorithm !== algorithm || !isSigningKey(key) || isRetired(key, nowMs)) continue;
      if (best === undefined || isBetter(key, best, nowMs)) best = key;
    }
    return best;
  }

  /** The key of a token's `kid`; undefined when unknown or retired. */
  verificationKey(kid: string, nowMs: number): VerificationKey | undefined {
    const key = this.#keys.get(kid);
    return key === undefined || isRetired(key, nowMs) ? undefined : key;
  }

  /** Every key that may verify now or will soon, as a JWK Set (RFC 7517 section 5); public members only. */
  jwks(nowMs: number): { readonly keys: readonly PublishedJwk[] } {
    return { keys: this.published(nowMs).map((key) => key.publicJwk) };
  }

  /** What `jwks` publishes, with algorithm and times, for the command line and metrics. */
  published(nowMs: number): readonly VerificationKey[] {
    return [...this.#keys.values()].filter((key) => !isRetired(key, nowMs));
  }
}

/** Nothing it signed may be believed any more. */
export const isRetired = (key: Pick<VerificationKey, 'retireAtMs'>, nowMs: number): boolean =>
  key.retireAtMs !== undefined && nowMs >= key.retireAtMs;

type Precedence = Pick<SigningKey, 'origin' | 'activeFromMs'>;

/** Whether `key` signs rather than `best`: the order of `KeyRing.signingKey`. */
export const isBetter = (key: Precedence, best: Precedence, nowMs: number): boolean => {
  if (key.origin !== best.origin) return key.origin === 'file';
  const isActive = key.activeFromMs <= nowMs;
  if (isActive !== best.activeFromMs <= nowMs) return isActive;
  return isActive ? key.activeFromMs > best.activeFromMs : key.activeFromMs < best.activeFromMs;
};
