// The credentials that a run has made so far, by name and with their values, and which of them are believed good. The
// belief only steers what is tried next; it judges nothing.

import type { Credential } from './history.ts';

export class Pool {
  readonly credentials = new Map<string, Credential>();
  readonly #values = new Map<string, string>();
  readonly #live = new Set<string>();

  add(credential: Credential, value: string): void {
    this.credentials.set(credential.id, credential);
    this.#values.set(credential.id, value);
    this.#live.add(credential.id);
  }

  /** What is sent to the replicas. */
  value(id: string): string {
    const value = this.#values.get(id);
    if (value === undefined) throw new Error(`no credential ${id}`);
    return value;
  }

  bury(isDead: (credential: Credential) => boolean): void {
    for (const id of this.#live) {
      const credential = this.credentials.get(id);
      if (credential !== undefined && isDead(credential)) this.#live.delete(id);
    }
  }

  /** `fraction` from 0 to 1: the newest are picked most; undefined when there is none of the kind. */
  pick(kind: 'secret' | 'session' | 'any', among: 'live' | 'any', fraction: number): Credential | undefined {
    const candidates = [...this.credentials.values()].filter(
      (credential) =>
        (kind === 'any' || credential.kind === kind) && (among === 'any' || this.#live.has(credential.id)),
    );
    return candidates[Math.floor((1 - fraction ** 2) * (candidates.length - 1e-9))];
  }
}
