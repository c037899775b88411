// A request's body on its way to the upstream: collected until it is worth a connection, counted against the route's limit, and
// then passed on as it comes, no faster than it is taken.

import type { IncomingMessage } from 'node:http';
import { BodyPace } from './body-pace.ts';
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

/** Takes a piece, perhaps an empty one when it is the last. False: no more until `resume`. */
export type BodySink = (piece: Buffer, isLast: boolean) => boolean;

export class RequestBody {
  /** Received so far. */
  bytes = 0;
  /** All of it has been received. */
  isWhole = false;
  readonly #request: IncomingMessage;
  readonly #bytesMax: number;
  readonly #bufferBytes: number;
  readonly #listener: BodyListener;
  readonly #pace: BodyPace;
  /** Received and not passed on: before there is a sink, or in this turn. */
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  #sink: BodySink | undefined;
  #isReady = false;
  #isWaitOver = false;
  #waitTimer: NodeJS.Timeout | undefined;
  #isDiscarding = false;
  #isPlanned = false;
  /** It takes no more for now. */
  #isHeldUp = false;

  /** `bytesMax`: the route's limit, in bytes of content. */
  constructor(
    request: IncomingMessage,
    framing: Framing,
    bytesMax: number,
    limits: ExchangeLimits,
    listener: BodyListener,
  ) {
    const { bodyBufferBytes, bodyWaitMs, bodyStallTimeoutMs, bodyRateMin } = limits;
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

  /** The caller waits until it hears that it may send: until then its silence is no fault. */
  awaitContinue(): void {
    if (this.bytes === 0) this.#pace.pause();
  }

  /** It has heard so. */
  continue(): void {
    this.#pace.resume();
  }

  /** The upstream has answered: it knows what it still waits for. */
  allowAnyPace(): void {
    this.#pace.stop();
  }

  /** Gives what is here, undefined when that is nothing; from now on the rest goes to the sink. */
  passTo(sink: BodySink): Buffer | undefined {
    this.#sink = sink;
    this.#beReady();
    return this.#take();
  }

  /** The sink takes more again. */
  resume(): void {
    if (!this.#isHeldUp || this.#isDiscarding) return;
    this.#isHeldUp = false;
    this.#pace.resume();
    this.#request.resume();
  }

  /** Nobody wants the rest: read it away, within bounds, so that the caller gets to read the answer. */
  discard(): void {
    if (this.#isDiscarding) return;
    this.#isDiscarding = true;
    this.#isReady = true;
    this.#pieces = [];
    this.#stopTimers();
    this.#request.resume();
  }

  #onData(chunk: Buffer): void {
    if (this.bytes === 0) this.#pace.resume();
    this.bytes += chunk.length;
    this.#pace.count(chunk.length);
    if (this.#isDiscarding) {
      if (this.bytes > this.#bytesMax + lingerBytesMax) this.#request.destroy();
    } else if (this.bytes > this.#bytesMax) {
      this.discard();
      this.#listener.onBodyTooLarge();
    } else this.#collect(chunk);
  }

  /** Pieces of one turn are passed on as one: a body in chunks of one byte would otherwise go on byte by byte. */
  #collect(chunk: Buffer): void {
    this.#pieces.push(chunk);
    this.#piecesBytes += chunk.length;
    if (!this.#isPlanned) {
      this.#isPlanned = true;
      setImmediate(() => this.#onTurn());
    }
    // A fast caller is read many times in a turn, and must be held up as soon as there is enough.
    if (this.#piecesBytes >= Math.max(piecesBytesMax, this.#bufferBytes)) this.#passOn();
  }

  #onTurn(): void {
    this.#isPlanned = false;
    if (this.#piecesBytes > 0) this.#passOn();
    if (this.#isWaitOver || this.bytes >= this.#bufferBytes) this.#beReady();
  }

  #passOn(): void {
    if (this.#isDiscarding) return;
    if (this.#sink === undefined) {
      if (this.#piecesBytes < Math.max(piecesBytesMax, this.#bufferBytes)) return;
    } else if (this.#sink(this.#take() ?? noBytes, this.isWhole) || this.isWhole) return;
    this.#isHeldUp = true;
    this.#request.pause();
    this.#pace.pause();
  }

  #take(): Buffer | undefined {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#piecesBytes = 0;
    return pieces.length > 1 ? Buffer.concat(pieces) : pieces[0];
  }

  #onEnd(): void {
    this.#stopTimers();
    this.isWhole = true;
    if (this.#isDiscarding) return;
    if (this.#sink !== undefined) this.#passOn();
    this.#beReady();
  }

  #endWait(): void {
    this.#isWaitOver = true;
    if (this.bytes > 0) this.#beReady();
  }

  #beReady(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    clearTimeout(this.#waitTimer);
    this.#listener.onBodyReady();
  }

  #onAborted(): void {
    this.#stopTimers();
    if (!this.#isDiscarding && !this.isWhole) this.#listener.onClientGone();
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

const noBytes = Buffer.alloc(0);
