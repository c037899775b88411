// A cached identity, how long it is believed, and what was rendered from it. As small as it can be: 100,000 are kept.

import type { Identity, Standing } from '../decision/identity.ts';
import type { Hit, Subject } from './identifier.ts';

/** What is rendered from an identity for one upstream. */
export interface Rendered {
  headers: readonly string[] | undefined;
  accessToken: string | undefined;
}

/** While the store is out, an identity past its time asks again this often, not on every request. */
const outageRetryMs = 1_000;

/** What the cache keeps. Times are whole milliseconds of the monotonic clock: V8 keeps those in the object itself. */
export class CachedSubject implements Hit, Rendered {
  readonly identity: Identity;
  standing: Standing = 'unread';
  /** Until then it is served without asking. */
  freshUntilMs = 0;
  /** Until then it is served while the store is out. */
  usableUntilMs = 0;
  /** Of the upstream it was first rendered for; most have but one. */
  headers: readonly string[] | undefined;
  accessToken: string | undefined;
  #upstreamName: string | undefined;
  #others: Map<string, Rendered> | undefined;

  constructor(identity: Identity) {
    this.identity = identity;
  }

  /** Serves it on for a moment, while the store is out: within its bound. */
  prolong(clockMs: number): void {
    this.freshUntilMs = Math.min(Math.floor(clockMs) + outageRetryMs, this.usableUntilMs);
  }

  renderedFor(upstreamName: string): Rendered {
    this.#upstreamName ??= upstreamName;
    if (this.#upstreamName === upstreamName) return this;
    this.#others ??= new Map();
    const known = this.#others.get(upstreamName);
    if (known !== undefined) return known;
    const rendered: Rendered = { headers: undefined, accessToken: undefined };
    this.#others.set(upstreamName, rendered);
    return rendered;
  }
}

/** Throws for a subject that some other identifier made: a bug. */
export const renderedFor = (subject: Subject, upstreamName: string): Rendered => {
  if (!(subject instanceof CachedSubject)) throw new TypeError('a subject of another identifier');
  return subject.renderedFor(upstreamName);
};
