// What has been read of the change streams on one server, and the next read. Holds positions only; the follower connects, and
// decides what a gap means.

import type { Change } from '../records.ts';
import { parseLine } from './change-codec.ts';
import { type Continuity, type StreamSpan, continuityOf } from './continuity.ts';
import { RedisFault } from './fault.ts';
import { askFirst, type FeedSession } from './script.ts';

/** Of each stream; small enough for a server that limits its clients' output buffers. */
const linesPerRead = 100;

export interface LineEvents {
  changes(changes: readonly Change[]): void;
  unknownLine(stream: string, id: string): void;
}

export class StreamReader {
  readonly #streams: readonly string[];
  readonly #events: LineEvents;
  /** Stream -> where the next read goes on; empty: from the horizon. */
  readonly #positions = new Map<string, string>();
  /** Stream -> some of the lines read, the oldest first and always the last one; only lines, never the horizon. */
  readonly #seen = new Map<string, string[]>();
  /** Counts how often everything read was forgotten. */
  #beginnings = 0;

  constructor(streams: readonly string[], events: LineEvents) {
    this.#streams = streams;
    this.#events = events;
  }

  /** The next read begins at the horizon again; the reply of one under way counts for nothing. */
  forget(): void {
    this.#positions.clear();
    this.#seen.clear();
    this.#beginnings += 1;
  }

  /** Streams that have not been read yet are read from this time on, in ms of the server's clock. */
  beginAt(horizonMs: number): void {
    for (const stream of this.#streams)
      if (!this.#positions.has(stream)) this.#positions.set(stream, `${Math.max(0, horizonMs)}-0`);
  }

  /** Whether the server still has the lines read that are younger than `horizonMs`, of the server's clock. */
  continuity(session: FeedSession, horizonMs: number): Promise<Continuity> {
    const spans: StreamSpan[] = [];
    for (const [stream, ids] of this.#seen) {
      while (ids.length > 1 && msOf(ids[0] ?? '') < horizonMs) ids.shift();
      const [early] = ids;
      const last = ids.at(-1);
      if (early === undefined || last === undefined) continue;
      spans.push({ stream, last, early: msOf(early) < horizonMs ? undefined : early });
    }
    return continuityOf(session, spans);
  }

  /** Reads one batch and delivers it; `blockMs` undefined: does not wait. Returns the number of lines. */
  async read(session: FeedSession, blockMs?: number): Promise<number> {
    const streams = [...this.#positions.keys()];
    const ids = [...this.#positions.values()];
    const beginning = this.#beginnings;
    const { client } = session;
    askFirst(session);
    const reply = await (blockMs === undefined
      ? client.xread('COUNT', linesPerRead, 'STREAMS', ...streams, ...ids)
      : client.xread('COUNT', linesPerRead, 'BLOCK', blockMs, 'STREAMS', ...streams, ...ids));
    if (beginning !== this.#beginnings) throw readAgain();
    let count = 0;
    for (const [stream, lines] of reply ?? []) {
      const changes: Change[] = [];
      for (const [id, words] of lines) {
        const change = parseLine(words);
        if (change === undefined) this.#events.unknownLine(stream, id);
        else changes.push(change);
      }
      const [first, last] = [lines[0]?.[0], lines.at(-1)?.[0]];
      if (first === undefined || last === undefined) continue;
      this.#positions.set(stream, last);
      this.#note(stream, first, last);
      count += lines.length;
      if (changes.length > 0) this.#events.changes(changes);
    }
    return count;
  }

  /** Of the lines before the last one, one a second is enough: streams are trimmed from their beginning. */
  #note(stream: string, first: string, last: string): void {
    const ids = this.#seen.get(stream) ?? [];
    this.#seen.set(stream, ids);
    const before = ids.at(-2);
    if (before !== undefined && msOf(ids.at(-1) ?? '') - msOf(before) < 1000) ids.pop();
    if (ids.length === 0) ids.push(first);
    if (ids.at(-1) !== last) ids.push(last);
  }
}

/** An id is `<ms>-<number>`. */
const msOf = (id: string): number => Number(id.slice(0, id.indexOf('-')));

export const readAgain = (): RedisFault => new RedisFault('HISTORY_LOST', 'reading the change feed again');
