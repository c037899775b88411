// The chunked coding of a response's body (RFC 9112 section 7.1), as its bytes come: sizes and extensions are read and bounded,
// data are handed on as they lie in the bytes, without a copy. It ends before the trailers. Pure: no I/O, no clock.

import { hexDigit } from '../../decision/http-text.ts';

type State = 'size' | 'extension' | 'line feed' | 'data' | 'data end' | 'data line feed' | 'over';

export class ChunkedBody {
  #state: State = 'size';
  #size = 0;
  #digits = 0;
  #extensionBytes = 0;

  /** The last chunk has come; what follows are the trailers. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Reads from `from` on; returns where it stopped, at the end of the bytes or of the last chunk, or what is wrong. */
  read(bytes: Buffer, from: number, onData: (piece: Buffer) => void): number | string {
    let at = from;
    while (at < bytes.length && this.#state !== 'over') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#size);
        onData(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
        this.#size -= end - at;
        at = end;
        if (this.#size === 0) this.#state = 'data end';
        continue;
      }
      const fault = this.#readFrame(bytes[at] ?? 0);
      if (fault !== undefined) return fault;
      at += 1;
    }
    return at;
  }

  /** One byte of what is around the data. */
  #readFrame(byte: number): string | undefined {
    switch (this.#state) {
      case 'size':
        return this.#readSize(byte);
      case 'extension':
        return this.#readExtension(byte);
      case 'line feed':
        if (byte !== lineFeed) return 'a bare CR in a chunk header';
        this.#state = this.#size === 0 ? 'over' : 'data';
        this.#digits = 0;
        return undefined;
      case 'data end':
        if (byte !== carriageReturn) return 'a chunk longer than its size';
        this.#state = 'data line feed';
        return undefined;
      case 'data line feed':
        if (byte !== lineFeed) return 'a chunk longer than its size';
        this.#state = 'size';
        this.#size = 0;
        return undefined;
      case 'data':
      case 'over':
        return undefined;
    }
  }

  #readSize(byte: number): string | undefined {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      this.#digits += 1;
      return this.#digits > sizeDigitsMax ? 'a chunk size without end' : undefined;
    }
    if (this.#digits === 0) return 'a chunk without a size';
    if (byte === carriageReturn) this.#state = 'line feed';
    // Blanks before CRLF: legacy servers fill the size up to a fixed width, and nginx and HAProxy take it.
    else if (byte === semicolon || byte === blank || byte === tab) this.#state = 'extension';
    else return 'a chunk size that is no hexadecimal number';
    return undefined;
  }

  #readExtension(byte: number): string | undefined {
    this.#extensionBytes += 1;
    if (this.#extensionBytes > extensionBytesMax) return 'chunk extensions without end';
    if (byte === carriageReturn) this.#state = 'line feed';
    else if ((byte < blank && byte !== tab) || byte === del)
      return 'a control character in a chunk extension';
    return undefined;
  }
}

/** 2 ** 52 bytes: still an exact number. */
const sizeDigitsMax = 13;
/** Of one body; Node's own bound. */
const extensionBytesMax = 16_384;

const tab = 9;
const lineFeed = 10;
const carriageReturn = 13;
const blank = 32;
const semicolon = 59;
const del = 127;
