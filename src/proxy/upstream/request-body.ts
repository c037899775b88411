// A request's body on its way to the upstream: collected until it is worth a connection, counted against the route's limit, and
// cut loose from the caller's socket, which undici would destroy with the upstream's, unanswered.

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { ExchangeLimits, Framing } from './exchange.ts';

/** Each is called at most once. */
export interface BodyListener {
  /** Enough of it is here to take a connection for it. */
  onBodyReady(): void;
  onBodyTooLarge(): void;
  onClientGone(): void;
  /** It comes slower than the least rate. */
  onBodyStalled(): void;
}

export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #bytesMax: number;
  readonly #bufferBytes: number;
  readonly #listener: BodyListener;
  readonly #pace: BodyPace;
  #bytes = 0;
  /** Received in this turn. A body in chunks of one byte would otherwise be handed on byte by byte. */
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  #isReady = false;
  #isWaitOver = false;
  #waitTimer: NodeJS.Timeout | undefined;
  #isDiscarding = false;

  /** `bytesMax`: the route's limit, in bytes of content. */
  constructor(
    request: IncomingMessage,
    framing: Framing,
    bytesMax: number,
    limits: ExchangeLimits,
    listener: BodyListener,
  ) {
    const { bodyBufferBytes, bodyWaitMs, bodyStallTimeoutMs, bodyRateMin } = limits;
    super({ highWaterMark: Math.max(65_536, bodyBufferBytes) });
    this.#request = request;
    this.#bytesMax = bytesMax;
    this.#bufferBytes = bodyBufferBytes;
    this.#listener = listener;
    this.#pace = new BodyPace(bodyStallTimeoutMs, bodyRateMin, () => listener.onBodyStalled());
    request.on('data', (chunk: Buffer) => this.#onData(chunk));
    request.on('end', () => this.#onEnd());
    request.on('error', () => this.#onAborted());
    request.on('close', () => {
      if (!request.complete) this.#onAborted();
    });
    if (bodyBufferBytes > 0 && (framing === 'chunked' || Number(framing) > bodyBufferBytes))
      this.#waitTimer = setTimeout(() => this.#endWait(), bodyWaitMs);
  }

  /** The upstream has answered: it knows what it still waits for. */
  allowAnyPace(): void {
    this.#pace.stop();
  }

  override _read(): void {
    this.#pace.resume();
    this.#request.resume();
  }

  /** Nobody wants the rest: read it away, within bounds, so that the caller gets to read the answer. */
  override _destroy(_error: Error | null, callback: (error?: Error | null) => void): void {
    this.#isDiscarding = true;
    this.#stopTimers();
    this.#request.resume();
    callback(null);
  }

  #onData(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#pace.count(chunk.length);
    if (this.#isDiscarding) {
      if (this.#bytes > this.#bytesMax + lingerBytesMax) this.#request.destroy();
    } else if (this.#bytes > this.#bytesMax) {
      this.#isDiscarding = true;
      this.#listener.onBodyTooLarge();
    } else this.#collect(chunk);
  }

  #collect(chunk: Buffer): void {
    this.#piecesBytes += chunk.length;
    if (this.#pieces.push(chunk) === 1) setImmediate(() => this.#handOn());
    // A fast caller is read many times in a turn, and must be held up as soon as there is enough.
    if (this.#piecesBytes >= piecesBytesMax) this.#handOn();
  }

  #handOn(): void {
    const pieces = this.#pieces;
    const [first] = pieces;
    if (first === undefined || this.#isDiscarding) return;
    this.#pieces = [];
    this.#piecesBytes = 0;
    if (!this.push(pieces.length === 1 ? first : Buffer.concat(pieces))) {
      this.#request.pause();
      this.#pace.pause();
    }
    if (this.#isWaitOver || this.#bytes >= this.#bufferBytes) this.#beReady();
  }

  #onEnd(): void {
    this.#stopTimers();
    if (this.#isDiscarding) return;
    this.#handOn();
    this.push(null);
    this.#beReady();
  }

  #endWait(): void {
    this.#isWaitOver = true;
    if (this.#bytes > 0) this.#beReady();
  }

  #beReady(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    clearTimeout(this.#waitTimer);
    this.#listener.onBodyReady();
  }

  #onAborted(): void {
    this.#stopTimers();
    if (!this.#isDiscarding && !this.readableEnded) this.#listener.onClientGone();
  }

  #stopTimers(): void {
    clearTimeout(this.#waitTimer);
    this.#pace.stop();
  }
}

/** As much as one read brings. */
const piecesBytesMax = 65_536;

/** What a caller may still send after its body was given up. */
const lingerBytesMax = 262_144;

/** Watches that a body keeps coming, window by window while we read: what the API does not take is no fault of the caller. */
class BodyPace {
  readonly #bytesMin: number;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #wasPaused = false;
  #isPaused = false;

  /** `onStalled`: called once, at the end of the first window that brought too little. */
  constructor(windowMs: number, bytesPerSecondMin: number, onStalled: () => void) {
    this.#bytesMin = (bytesPerSecondMin * windowMs) / 1_000;
    this.#timer = setInterval(() => {
      const isStalled = !this.#wasPaused && this.#bytes < this.#bytesMin;
      this.#bytes = 0;
      this.#wasPaused = this.#isPaused;
      if (!isStalled) return;
      this.stop();
      onStalled();
    }, windowMs);
  }

  count(bytes: number): void {
    this.#bytes += bytes;
  }

  pause(): void {
    this.#isPaused = true;
    this.#wasPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
