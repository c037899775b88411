// The caller's side of an exchange: head, body and trailers onto the response, with backpressure and a limit to how long
// a caller may read nothing. Once a head is out, failure is a visibly broken connection. It knows no upstream.

import { type IncomingMessage, ServerResponse } from 'node:http';
import { type Outage, outage } from '../../decision/outcome.ts';
import type { Exchange } from './exchange.ts';
import type { ResponseHead } from './response-head.ts';
import { addOwn, type OwnFields, readTrailers } from './response-headers.ts';

export interface WriterListener {
  /** After `write` asked for a pause: the caller has read, go on. */
  onDrained(): void;
  /** After `end`: every byte is on its way. Called once, perhaps before `end` returns. */
  onFlushed(): void;
  /** The caller has read nothing for too long. */
  onClientGone(): void;
}

export class ResponseWriter {
  /** Status of the head written; 0: none yet. */
  status = 0;
  /** Bytes of the body written. */
  bytes = 0;
  /** The caller has heard that it may send its body. */
  #hasContinued = false;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #own: OwnFields;
  readonly #expectsContinue: boolean;
  readonly #stallTimeoutMs: number;
  readonly #listener: WriterListener;
  #interimCount = 0;
  /** Of a Content-Length body: bytes still to come; -1 when the end is known otherwise. */
  #remainingBytes = -1;
  #isBodyEnded = false;
  #isWaiting = false;
  #stallTimer: NodeJS.Timeout | undefined;

  constructor(
    exchange: Pick<Exchange, 'request' | 'response' | 'expectsContinue'> & OwnFields,
    stallTimeoutMs: number,
    listener: WriterListener,
  ) {
    this.#request = exchange.request;
    this.#response = exchange.response;
    this.#own = exchange;
    this.#expectsContinue = exchange.expectsContinue;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#listener = listener;
  }

  /** Passes an interim response on (RFC 9110 section 15.2); `100 Continue` only to who asked for it, once. */
  inform({ status, headers }: ResponseHead): Outage | undefined {
    this.#interimCount += 1;
    if (status === 101 || this.#interimCount > interimsMax)
      return invalid(`interim status ${status}, or too many`);
    if (this.#request.httpVersionMinor < 1 || this.#response.destroyed) return undefined;
    if (status === 100) this.continue();
    else if (canInform && !headers.isAmbiguous) this.#response.writeInformation(status, headers.pairs);
    return undefined;
  }

  /** Lets the caller send its body, if it asked. */
  continue(): void {
    if (!this.#expectsContinue || this.#hasContinued || this.#response.destroyed) return;
    this.#hasContinued = true;
    this.#response.writeContinue();
  }

  /** Writes the head; an outage, with nothing written, when it is unfit to be passed on. */
  begin({ status, reason, headers }: ResponseHead): Outage | undefined {
    if (status < 200 || status > 599) return invalid(`status ${status}`);
    addOwn(headers.pairs, this.#own);
    const isBodiless = this.#request.method === 'HEAD' || status === 204 || status === 304;
    // Node refuses it in an answer that it does not send in chunks.
    if (headers.trailer !== '' && headers.isChunked && !isBodiless && this.#request.httpVersionMinor > 0)
      headers.pairs.push('Trailer', headers.trailer);
    try {
      this.#response.writeHead(status, reason, headers.pairs);
    } catch (error) {
      // Node keeps the reason it refused: our own answer must not meet it.
      this.#response.statusMessage = '';
      return outage('upstream_invalid', error);
    }
    this.status = status;
    if (!isBodiless) this.#remainingBytes = headers.contentLength;
    return undefined;
  }

  /** Sends the head on although no body has come yet. */
  flushHead(): void {
    this.#response.flushHeaders();
  }

  /** False: write no more until `onDrained`. */
  write(chunk: Buffer): boolean {
    const response = this.#response;
    this.bytes += chunk.length;
    if (this.#remainingBytes >= 0) {
      this.#remainingBytes -= chunk.length;
      if (this.#remainingBytes === 0) {
        this.#isBodyEnded = true;
        // A small last piece joins the head in one string and one write; as a buffer it would be a dearer writev.
        if (chunk.length <= stringBytesMax) response.end(chunk.toString('latin1'), 'latin1');
        else response.end(chunk);
        return true;
      }
    }
    if (response.write(chunk) || response.writableLength === 0) return true;
    if (this.#stallTimer === undefined) response.on('drain', () => this.#onDrain());
    this.#awaitCaller();
    return false;
  }

  /** The body is whole. */
  end(rawTrailers: readonly string[]): void {
    const response = this.#response;
    if (!this.#isBodyEnded) {
      this.#isBodyEnded = true;
      if (rawTrailers.length > 0) response.addTrailers(readTrailers(rawTrailers));
      response.end();
    }
    if (response.socket !== null && response.socket.writableLength === 0) return this.#listener.onFlushed();
    this.#awaitCaller();
    response.once('finish', () => this.#listener.onFlushed());
  }

  /** Ends a response that cannot be completed. Only a reset tells it from a body that ends with its connection. */
  breakOff(): void {
    const { socket } = this.#response;
    if (this.#request.httpVersionMinor === 0 && socket !== null)
      try {
        socket.resetAndDestroy();
        return;
      } catch {
        // TLS and unix sockets cannot be reset; TLS shows the truncation itself.
      }
    this.#response.destroy();
  }

  /** No more of this writer is wanted. */
  release(): void {
    this.#isWaiting = false;
    clearTimeout(this.#stallTimer);
  }

  #onDrain(): void {
    if (!this.#isWaiting || this.#isBodyEnded) return;
    this.#isWaiting = false;
    this.#listener.onDrained();
  }

  #awaitCaller(): void {
    this.#isWaiting = true;
    if (this.#stallTimer !== undefined) return void this.#stallTimer.refresh();
    const timer = setTimeout(() => {
      if (!this.#isWaiting) return;
      // Pipelined behind another response: that one is watched.
      if (this.#response.socket === null) timer.refresh();
      else this.#listener.onClientGone();
    }, this.#stallTimeoutMs);
    this.#stallTimer = timer;
  }
}

/** Interim responses one request may bring; each restarts the wait for the final one. */
const interimsMax = 16;

/** Node writes strings up to 16 KiB, head included, without a copy on the heap. */
const stringBytesMax = 12_288;

/** Not on Node 22: interim responses then end here. */
const canInform = 'writeInformation' in ServerResponse.prototype;

const invalid = (what: string): Outage => outage('upstream_invalid', new Error(`the upstream sent ${what}`));
