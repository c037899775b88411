// A request's body on its way to the upstream: counted against the route's limit, and cut loose from the caller's socket,
// which undici would otherwise destroy with the upstream's (the caller then never saw the 502 or the 413).

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** Told once, when the body cannot be sent whole. */
export interface BodyListener {
  onBodyTooLarge(): void;
  onBodyAborted(): void;
}

export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #bytesMax: number;
  readonly #listener: BodyListener;
  #bytes = 0;
  #isDiscarding = false;

  /** `bytesMax`: the route's limit, in bytes of content. */
  constructor(request: IncomingMessage, bytesMax: number, listener: BodyListener) {
    super({ highWaterMark: 65_536 });
    this.#request = request;
    this.#bytesMax = bytesMax;
    this.#listener = listener;
    request.on('data', (chunk: Buffer) => this.#onData(chunk));
    request.on('end', () => {
      if (!this.#isDiscarding) this.push(null);
    });
    request.on('error', () => this.#onAborted());
    request.on('close', () => {
      if (!request.complete) this.#onAborted();
    });
  }

  override _read(): void {
    this.#request.resume();
  }

  /** Nobody wants the rest: read it away, within bounds, so that the caller gets to read the answer. */
  override _destroy(_error: Error | null, callback: (error?: Error | null) => void): void {
    this.#isDiscarding = true;
    this.#request.resume();
    callback(null);
  }

  #onData(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#isDiscarding) {
      if (this.#bytes > this.#bytesMax + lingerBytesMax) this.#request.destroy();
    } else if (this.#bytes > this.#bytesMax) {
      this.#isDiscarding = true;
      this.#listener.onBodyTooLarge();
    } else if (!this.push(chunk)) this.#request.pause();
  }

  #onAborted(): void {
    if (!this.#isDiscarding && !this.readableEnded) this.#listener.onBodyAborted();
  }
}

/** What a caller may still send after its body was given up. */
const lingerBytesMax = 262_144;

/** Content-Length as received, `chunked`, or `none`. Ambiguous framing has been refused before. */
export const readRequestFraming = (rawHeaders: readonly string[]): string => {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const { length } = rawHeaders[at] ?? '';
    if (length === 14 && rawHeaders[at]?.toLowerCase() === 'content-length') {
      const value = rawHeaders[at + 1] ?? '';
      return Number(value) === 0 ? 'none' : value;
    }
    if (length === 17 && rawHeaders[at]?.toLowerCase() === 'transfer-encoding') return 'chunked';
  }
  return 'none';
};
