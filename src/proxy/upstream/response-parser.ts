// The response to one request after the other on a connection, from bytes to events, in whatever pieces they come: interim heads,
// the head, the body, its end. Strict and bounded; the first fault is the end. Pure: no I/O, no clock.

import { ChunkedBody } from './chunked-body.ts';
import {
  type LineEnd,
  readHead,
  readTrailerSection,
  type ResponseHead,
  startsLikeHead,
} from './response-head.ts';
import { SectionReader } from './section-reader.ts';

/** Called while bytes are read. */
export interface ResponseEvents {
  /** Status 100 to 199; others follow. */
  onInterim(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  onBody(piece: Buffer): void;
}

/** What bytes came to: more are needed, the response is whole, or what is wrong with it. */
export type Progress = 'more' | 'whole' | ResponseFault;

export interface ResponseFault {
  /** Ends the sentence `the upstream sent ...`. */
  readonly fault: string;
}

type State = 'head' | 'length' | 'chunked' | 'trailers' | 'close' | 'idle';

export class ResponseParser {
  /** Raw pairs; complete when the response is whole. */
  trailers: readonly string[] = noPairs;
  /** Bytes that followed the end of the response. */
  excess = 0;
  /** Whether the connection may carry another exchange, by what the response says (RFC 9112 section 9.3). */
  isPersistent = false;
  readonly #events: ResponseEvents;
  readonly #headBytesMax: number;
  #state: State = 'idle';
  #isBodiless = false;
  #section: SectionReader;
  #chunked = new ChunkedBody();
  /** Of a body with Content-Length. */
  #bytesLeft = 0;
  readonly #onData: (piece: Buffer) => void;

  /** `headBytesMax`: of each head, and of the trailers. */
  constructor(headBytesMax: number, events: ResponseEvents) {
    this.#headBytesMax = headBytesMax;
    this.#events = events;
    this.#section = new SectionReader(headBytesMax);
    this.#onData = (piece) => events.onBody(piece);
  }

  /** The next bytes answer a request with this method. */
  expect(method: string): void {
    this.#state = 'head';
    this.#isBodiless = method === 'HEAD';
    this.isPersistent = false;
    this.trailers = noPairs;
    this.excess = 0;
  }

  read(bytes: Buffer): Progress {
    let at = 0;
    for (;;) {
      const next = this.#step(bytes, at);
      if (typeof next === 'string') return { fault: next };
      at = next;
      if (this.#state === 'idle') {
        this.excess = bytes.length - at;
        return 'whole';
      }
      if (at >= bytes.length) return 'more';
    }
  }

  /** The connection has ended: there will be no more bytes. */
  finish(): Progress {
    if (this.#state !== 'close') return { fault: 'an answer that broke off' };
    this.#state = 'idle';
    return 'whole';
  }

  /** Reads what belongs to the present state; returns where it stopped, or what is wrong. */
  #step(bytes: Buffer, at: number): number | string {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, at);
      case 'length':
        return this.#readLength(bytes, at);
      case 'chunked': {
        const end = this.#chunked.read(bytes, at, this.#onData);
        if (this.#chunked.isOver) this.#state = 'trailers';
        return end;
      }
      case 'trailers':
        return this.#readTrailers(bytes, at);
      case 'close':
        if (at < bytes.length) this.#onData(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      case 'idle':
        return 'an answer to no request';
    }
  }

  #readHead(bytes: Buffer, at: number): number | string {
    const section = this.#section;
    const end = section.read(bytes, at);
    if (end === 'more')
      return startsLikeHead(section.beginning) ? bytes.length : 'no HTTP/1.1 or HTTP/1.0 response';
    if (end === 'too_long') return tooLong(this.#headBytesMax);
    const lineEnd: LineEnd = section.lineEnd;
    const head = readHead(section.take(), lineEnd);
    if (typeof head === 'string') return head;
    if (head.status >= 100 && head.status < 200) {
      // RFC 9110 section 15.2: HTTP/1.0 has none.
      if (head.isHttp10) return 'an interim response in HTTP/1.0';
      this.#events.onInterim(head);
      return end;
    }
    const fault = this.#frame(head);
    if (fault !== undefined) return fault;
    this.#events.onHead(head);
    return end;
  }

  /** How the body ends: RFC 9112 section 6.3. */
  #frame({ status, isHttp10, headers }: ResponseHead): string | undefined {
    if (headers.isAmbiguous) return 'a body of ambiguous length';
    const options = headers.options.toLowerCase();
    // RFC 9112 section 6.1: Transfer-Encoding in HTTP/1.0 is doubtful, so the connection ends after it.
    this.isPersistent = isHttp10
      ? keepAliveOption.test(options) && !headers.isChunked
      : !closeOption.test(options);
    if (this.#isBodiless || status === 204 || status === 304) this.#state = 'idle';
    else if (headers.isChunked) {
      this.#chunked = new ChunkedBody();
      this.#state = 'chunked';
    } else if (headers.contentLength >= 0) {
      this.#bytesLeft = headers.contentLength;
      this.#state = this.#bytesLeft === 0 ? 'idle' : 'length';
    } else {
      this.#state = 'close';
      this.isPersistent = false;
    }
    return undefined;
  }

  #readLength(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#bytesLeft);
    if (end > at) this.#onData(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    this.#bytesLeft -= end - at;
    if (this.#bytesLeft === 0) this.#state = 'idle';
    return end;
  }

  #readTrailers(bytes: Buffer, at: number): number | string {
    const end = this.#section.read(bytes, at, true);
    if (end === 'more') return bytes.length;
    if (end === 'too_long') return `trailers of more than ${this.#headBytesMax} bytes`;
    const pairs = readTrailerSection(this.#section.take());
    if (typeof pairs === 'string') return pairs;
    this.trailers = pairs;
    this.#state = 'idle';
    return end;
  }
}

const noPairs: readonly string[] = [];

const closeOption = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/;
const keepAliveOption = /(?:^|,)[ \t]*keep-alive[ \t]*(?:,|$)/;

const tooLong = (bytesMax: number): string =>
  `a head of more than ${bytesMax} bytes; upstreams.*.responseHeadBytesMax may allow more`;
