// A cached identity, how long it is believed, and what was rendered from it. As small as it can be: 100,000 are kept.

import type { Identity } from '../decision/identity.ts';
import type { Subject } from './identifier.ts';

/** What is rendered from an identity for one upstream; a list of these, for most have one. */
interface Rendered {
  readonly upstreamName: string;
  headers: readonly string[] | undefined;
  accessToken: string | undefined;
}

/** What the cache keeps. */
export class CachedSubject implements Subject {
  readonly identity: Identity;
  /** Until then it is served without asking; both by the monotonic clock. */
  freshUntilMs = 0;
  /** Until then it is served while the store is out. */
  usableUntilMs = 0;
  #rendered: Rendered[] | undefined;

  constructor(identity: Identity) {
    this.identity = identity;
  }

  renderedFor(upstreamName: string): Rendered {
    const known = this.#rendered?.find((rendered) => rendered.upstreamName === upstreamName);
    if (known !== undefined) return known;
    const rendered: Rendered = { upstreamName, headers: undefined, accessToken: undefined };
    if (this.#rendered === undefined) this.#rendered = [rendered];
    else this.#rendered.push(rendered);
    return rendered;
  }
}

/** Throws for a subject that some other identifier made: a bug. */
export const renderedFor = (subject: Subject, upstreamName: string): Rendered => {
  if (!(subject instanceof CachedSubject)) throw new TypeError('a subject of another identifier');
  return subject.renderedFor(upstreamName);
};
