// Collects the lines of a head, or of trailers, until the blank line that ends them, in whatever pieces they come: bounded, and
// no byte is looked at more than a few times. Pure: no I/O, no clock.

import type { LineEnd } from './response-head.ts';

export class SectionReader {
  /** How the first line ends, and so the section. */
  lineEnd: LineEnd = '\r\n';
  readonly #bytesMax: number;
  /** The pieces before this one, when there were some. */
  #store = noBytes;
  #stored = 0;
  #text = '';

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Reads from `from` on; returns where the section ends. `mayBeEmpty`: of trailers, there may be no line but the blank one. */
  read(bytes: Buffer, from: number, mayBeEmpty = false): number | 'more' | 'too_long' {
    const before = this.#stored;
    const all = before === 0 ? bytes : this.#keep(bytes, from);
    const start = before === 0 ? from : 0;
    const end = this.#findEnd(all, start, Math.max(start, before - endLengthMax), mayBeEmpty);
    if (end - start > this.#bytesMax) return 'too_long';
    if (end >= 0) {
      this.#text = all.toString('latin1', start, end - this.lineEnd.length);
      return before === 0 ? end : from + end - before;
    }
    if (all.length - start > this.#bytesMax) return 'too_long';
    if (before === 0) this.#keep(bytes, from);
    return 'more';
  }

  /** The lines, Latin-1, without the blank one; the next section may begin. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    this.#store = noBytes;
    this.#stored = 0;
    return text;
  }

  /** The first characters of a section that is still to end. */
  get beginning(): string {
    return this.#store.toString('latin1', 0, Math.min(this.#stored, 7));
  }

  /** Adds a piece to those before, no more than the bound and one byte; the store grows by doubling. Returns all of them. */
  #keep(bytes: Buffer, from: number): Buffer {
    const length = Math.min(this.#stored + bytes.length - from, this.#bytesMax + 1);
    if (length > this.#store.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#store.length));
      this.#store.copy(grown, 0, 0, this.#stored);
      this.#store = grown;
    }
    bytes.copy(this.#store, this.#stored, from, from + length - this.#stored);
    this.#stored = length;
    return this.#store.subarray(0, length);
  }

  #findEnd(all: Buffer, start: number, from: number, mayBeEmpty: boolean): number {
    if (mayBeEmpty) {
      this.lineEnd = '\r\n';
      if (all[start] === carriageReturn && all[start + 1] === lineFeed) return start + 2;
    } else {
      const first = all.indexOf(lineFeed, start);
      if (first < 0) return -1;
      this.lineEnd = first > start && all[first - 1] === carriageReturn ? '\r\n' : '\n';
    }
    if (this.lineEnd === '\r\n') return endOf(all, blankLineCrlf, from);
    const end = endOf(all, blankLineLf, from);
    // Lines that end in two ways are refused at the end of the head, and not waited for.
    return end < 0 ? endOf(all, blankLineMixed, from) : end;
  }
}

const lineFeed = 10;
const carriageReturn = 13;
const noBytes = Buffer.alloc(0);
const blankLineCrlf = Buffer.from('\r\n\r\n');
const blankLineLf = Buffer.from('\n\n');
const blankLineMixed = Buffer.from('\n\r\n');

const endOf = (all: Buffer, blankLine: Buffer, from: number): number => {
  const at = all.indexOf(blankLine, from);
  return at < 0 ? -1 : at + blankLine.length;
};

/** So much of a blank line may have come before. */
const endLengthMax = 3;
