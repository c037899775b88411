// One connection to an upstream, open: it carries one exchange at a time, request and response each in its own pace, and says
// when it is idle again or closed. It chooses nothing and repeats nothing.

import type { Socket } from 'node:net';
import { type Outage, outage } from '../../decision/outcome.ts';
import type { ShareClaim } from './caller-shares.ts';
import type { Carried, ConnectionLimits } from './carried.ts';
import { outageOf } from './forward-failure.ts';
import { RequestWriter } from './request-writer.ts';
import type { ResponseHead } from './response-head.ts';
import { type Progress, type ResponseEvents, ResponseParser } from './response-parser.ts';
import type { UpstreamAddress } from './addresses/upstream-address.ts';

/** Lends the connection to exchanges. After each `carry` one of the two is called. */
export interface ConnectionOwner {
  /** It can carry another exchange. */
  onIdle(connection: UpstreamConnection): void;
  /** Once; `wasIdle`: the upstream closed it while nothing was under way. */
  onClosed(connection: UpstreamConnection, wasIdle: boolean): void;
}

export class UpstreamConnection implements ResponseEvents {
  isOpen = true;
  /** Whole responses it has carried. */
  served = 0;
  /** The owner's: when its last exchange was over; `performance.now()`. */
  idleSinceMs = 0;
  /** The owner's: of the exchange it carries. */
  claim: ShareClaim | undefined;
  /** The owner's: somebody has it. */
  isLent = false;
  /** The owner's: not lent from then on; `performance.now()`. */
  endsAtMs = Infinity;
  readonly address: UpstreamAddress;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseParser;
  readonly #writer: RequestWriter;
  readonly #bodyIdleMs: number;
  #exchange: Carried | undefined;
  #isWritten = false;
  #hasAnswer = false;
  #hasHead = false;
  /** The upstream has been asked whether it wants the body, and has not answered. */
  #isAsked = false;
  #askedMs = 0;
  #hasRoom = true;
  #isPaused = false;
  /** It has been idle: a request on it may meet a connection that has gone stale. */
  #hasRested = false;
  #idleMsMax = Infinity;
  #responseMs = Infinity;
  /** What is awaited may take so long, in ms. */
  #msLeft = Infinity;

  /** `socket`: connected, with TLS also through its handshake, and nobody else's. */
  constructor(socket: Socket, address: UpstreamAddress, owner: ConnectionOwner, limits: ConnectionLimits) {
    this.#socket = socket;
    this.address = address;
    this.#owner = owner;
    this.#parser = new ResponseParser(limits.responseHeadBytesMax, this);
    this.#writer = new RequestWriter(socket);
    this.#bodyIdleMs = limits.bodyIdleTimeoutMs + tickMs;
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.#onFinish());
    socket.on('error', (error) => this.#fail(outageOf(error, this.#hasAnswer), true));
    // However it ended, nobody has heard of it yet when it is still open.
    socket.on('close', () => this.#onFinish());
  }

  // -- called by its owner

  /** It is open and carries nothing. */
  carry(exchange: Carried): void {
    this.#exchange = exchange;
    this.#isWritten = false;
    this.#hasAnswer = false;
    this.#hasHead = false;
    this.#msLeft = Infinity;
    if (!this.#hasRested || exchange.isRepeatable) return this.#send(exchange);
    // What cannot be sent twice must not meet a connection that the upstream is closing: what has arrived by now (a FIN, a
    // reset) is read first, after a whole turn of the event loop.
    const send = (): void => {
      if (this.#exchange === exchange && this.isOpen) this.#send(exchange);
    };
    setImmediate(() => setImmediate(send));
  }

  /** It is idle: it closes itself after `idleMs`, or sooner when the upstream has said so. */
  rest(idleMs: number): void {
    this.#hasRested = true;
    this.#msLeft = Math.min(idleMs, this.#idleMsMax) + tickMs;
  }

  /** Closes it; what it carries has ended. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#socket.destroy();
    this.#owner.onClosed(this, false);
  }

  /** Closes it whatever it carries; resolves when it is closed. */
  end(reason: Outage): Promise<void> {
    this.#fail(reason, false);
    const socket = this.#socket;
    return new Promise((resolve) => {
      if (socket.closed) resolve();
      else socket.once('close', () => resolve());
    });
  }

  /** Called about every `tickMs`: one timer for all connections is cheaper than one for each request. */
  tick(elapsedMs: number): void {
    const exchange = this.#exchange;
    // Where this process was busy for long, what has arrived meanwhile is read before anybody is found too slow.
    this.#msLeft -= exchange === undefined ? elapsedMs : Math.min(elapsedMs, 2 * tickMs);
    if (this.#isAsked && (this.#askedMs += elapsedMs) > continueMs) {
      this.#isAsked = false;
      exchange?.onUndecided();
    }
    if (this.#msLeft > 0) return;
    if (exchange === undefined) this.close();
    else if (this.#awaitsCaller) this.#msLeft = this.#hasHead ? this.#bodyIdleMs : this.#responseMs;
    else this.#fail(outage('upstream_timeout', this.#hasHead ? silentBody : lateHead), false);
  }

  /** What the caller does not take, or does not send, is no fault of the upstream. */
  get #awaitsCaller(): boolean {
    if (this.#hasHead) return this.#isPaused;
    return !this.#writer.isWhole && this.#hasRoom && !this.#isAsked;
  }

  // -- called by the exchange it carries

  /** A further piece of the body, perhaps empty when it is the last. False: no more until `onRoom`. */
  writeBody(piece: Buffer, isLast: boolean): boolean {
    this.#isAsked = false;
    if (!this.#hasHead) this.#msLeft = this.#responseMs;
    this.#hasRoom = this.#writer.write(piece, isLast);
    return this.#hasRoom;
  }

  /** By the head of the response, nothing follows it on this connection. */
  get isLast(): boolean {
    return !this.#parser.isPersistent;
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** The exchange wants no more: where its request was written, the connection is worth nothing. */
  abandon(): void {
    this.#exchange = undefined;
    if (this.#isWritten) this.close();
    else this.#owner.onIdle(this);
  }

  // -- called by the parser

  onInterim(head: ResponseHead): void {
    if (head.status === 100) this.#isAsked = false;
    this.#msLeft = this.#responseMs;
    this.#exchange?.onInterim(head);
  }

  onHead(head: ResponseHead): void {
    this.#hasHead = true;
    this.#msLeft = this.#bodyIdleMs;
    this.#idleMsMax = idleMsOf(head.headers.keepAlive);
    this.#exchange?.onHead(head);
  }

  onBody(piece: Buffer): void {
    this.#msLeft = this.#bodyIdleMs;
    this.#exchange?.onBody(piece);
  }

  // -- the socket

  #send(exchange: Carried): void {
    const request = exchange.makeRequest();
    if (request === undefined) return;
    const { head, isChunked, body, isWhole } = request;
    this.#isWritten = true;
    this.#isAsked = request.expectsContinue;
    this.#askedMs = 0;
    this.#responseMs = request.responseTimeoutMs + tickMs;
    this.#msLeft = this.#responseMs;
    this.#parser.expect(request.method);
    this.#hasRoom = this.#writer.begin(head, isChunked, body, isWhole);
    if (this.#hasRoom && !isWhole) exchange.onRoom();
  }

  #onData(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined || !this.#isWritten) return this.#fail(unasked, false);
    this.#hasAnswer = true;
    let progress: Progress;
    try {
      progress = this.#parser.read(bytes);
    } catch (bug) {
      return this.#fail(outage('upstream_invalid', bug), false);
    }
    if (this.#exchange !== exchange) return;
    if (progress === 'whole') this.#finish(exchange);
    else if (progress !== 'more')
      this.#fail(outage('upstream_invalid', new Error(`the upstream sent ${progress.fault}`)), false);
    else if (!this.#isPaused) exchange.onDry();
  }

  #onDrain(): void {
    if (this.#hasRoom) return;
    this.#hasRoom = true;
    this.#exchange?.onRoom();
  }

  /** There will be no more bytes. */
  #onFinish(): void {
    if (!this.isOpen) return;
    const exchange = this.#exchange;
    const isWhole = exchange !== undefined && this.#isWritten && this.#parser.finish() === 'whole';
    if (isWhole) this.#finish(exchange);
    else this.#fail(outageOf(brokenOff, this.#hasAnswer), true);
  }

  /** The response is whole. One that came before the end of the request, or goes on behind its end, is the last. */
  #finish(exchange: Carried): void {
    const { isPersistent, excess, trailers } = this.#parser;
    this.served += 1;
    this.#exchange = undefined;
    this.resume();
    if (isPersistent && excess === 0 && this.#writer.isWhole && this.#idleMsMax > 0) this.#owner.onIdle(this);
    else this.close();
    exchange.onEnd(trailers);
  }

  #fail(reason: Outage, byUpstream: boolean): void {
    if (!this.isOpen) return;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.isOpen = false;
    this.#socket.destroy();
    exchange?.onFailure({
      outage: reason,
      isStale: byUpstream && this.#hasRested && !this.#hasAnswer,
      isUnsent: !this.#isWritten,
    });
    this.#owner.onClosed(this, byUpstream && exchange === undefined);
  }
}

/** How often a connection's time is counted. */
export const tickMs = 50;

/**
 * So long an upstream that ignores `Expect` is waited for: a client need not wait for any time (RFC 9110 section 10.1.1), and
 * curl and Go wait for a second.
 */
const continueMs = 1_000;

/** How long the upstream keeps an idle connection by its `Keep-Alive` field, less a margin for the way there. */
const idleMsOf = (keepAlive: string): number => {
  if (keepAlive === '') return Infinity;
  const timeout = /timeout=(\d{1,9})/i.exec(keepAlive)?.[1];
  return timeout === undefined ? Infinity : Number(timeout) * 1_000 - keepAliveMarginMs;
};

const keepAliveMarginMs = 1_000;

const silentBody = new Error('its response body fell silent');
const lateHead = new Error('no response head came in time');
const brokenOff = new Error('the upstream closed the connection');
const unasked = outage('upstream_unreachable', new Error('the upstream answered to no request'));
