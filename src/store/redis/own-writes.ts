// What this process has revoked or changed and not read back from the feed yet. If the server is lost before, these lines are
// lost too, and no replica has read them: this process writes them back with the rest.

import { generationOf, subjectOf } from '../changes.ts';
import type { Change } from '../records.ts';

/** The feed delivers a line within milliseconds, and a lost connection of it is back within seconds. */
const keptMs = 300_000;
const keptMax = 10_000;

export class OwnWrites {
  readonly #unread = new Map<string, { readonly change: Change; readonly writtenMs: number }>();

  /** Once it is answered. */
  note(change: Change): void {
    const nowMs = performance.now();
    const subject = subjectOf(change);
    // Again at the end: the map is in the order of time.
    this.#unread.delete(subject);
    this.#unread.set(subject, { change, writtenMs: nowMs });
    for (const [oldest, { writtenMs }] of this.#unread) {
      if (this.#unread.size <= keptMax && nowMs - writtenMs < keptMs) break;
      this.#unread.delete(oldest);
    }
  }

  /** What the feed has delivered is known without us. */
  forget(changes: readonly Change[]): void {
    for (const change of changes) {
      const subject = subjectOf(change);
      const known = this.#unread.get(subject);
      if (known !== undefined && generationOf(known.change) <= generationOf(change))
        this.#unread.delete(subject);
    }
  }

  unread(): readonly Change[] {
    return [...this.#unread.values()].map(({ change }) => change);
  }
}
