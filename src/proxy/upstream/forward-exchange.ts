// One request on its way to the upstream and its response on the way back: the states between them, and every way it can
// end. Bytes stream with backpressure both ways; a request that is safe to repeat is repeated once, on a stale connection.

import type { Permit } from '../../decision/authorize.ts';
import { type Denial, denial, type Outage, outage } from '../../decision/outcome.ts';
import { type CallerSocket, callerSocketOf } from './caller-socket.ts';
import type { Carried, CarriedRequest, CarryFailure } from './carried.ts';
import type { Exchange, ForwardEnd, ForwardOptions } from './exchange.ts';
import type { RequestUnderWay } from './live-connections.ts';
import { RequestBody } from './request-body.ts';
import { requestHeadOf } from './request-writer.ts';
import type { ResponseHead } from './response-head.ts';
import { ResponseWriter } from './response-writer.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import type { ConnectionSeeker, UpstreamConnections } from './upstream-connections.ts';

export class ForwardExchange implements Carried, ConnectionSeeker, RequestUnderWay {
  readonly exchange: Exchange;
  readonly #connections: UpstreamConnections;
  readonly #context: ForwardOptions;
  readonly #onEnd: (end: ForwardEnd) => void;
  readonly #writer: ResponseWriter;
  index = -1;
  isLive = false;
  #caller: CallerSocket | undefined;
  #connection: UpstreamConnection | undefined;
  #body: RequestBody | undefined;
  /** A connection has been asked for. */
  #isSought = false;
  /** The API is asked whether it wants the body. */
  #asksFirst = false;
  #isOver = false;
  #askedAtMs = 0;
  #upstreamMs: number | undefined;

  constructor(
    exchange: Exchange,
    connections: UpstreamConnections,
    context: ForwardOptions,
    onEnd: (end: ForwardEnd) => void,
  ) {
    this.exchange = exchange;
    this.#connections = connections;
    this.#context = context;
    this.#onEnd = onEnd;
    this.#writer = new ResponseWriter(exchange, context.limits.writeStallTimeoutMs, this);
  }

  start(): void {
    const { request, permit, framing } = this.exchange;
    if (request.socket.destroyed) return this.onClientGone();
    this.#caller = callerSocketOf(request.socket);
    this.#caller.exchange = this;
    if (framing === 'none') {
      this.#context.live.watch(this);
      return this.#seek();
    }
    const bytesMax = permit.kind === 'shadow' ? Infinity : permit.rule.requestBodyBytesMax;
    if (framing !== 'chunked' && framing > bytesMax)
      return this.end(denial('request_too_large', `${framing} bytes`));
    this.#body = new RequestBody(request, framing, bytesMax, this.#context.limits, this);
    this.#context.live.watch(this);
    // What came with the head is here at the end of this turn, and goes with it.
    setImmediate(() => this.#seekEarly());
  }

  /**
   * The head goes first, before the body, where connections are plentiful. Where they are scarce, one is taken for a body that
   * is here, not for one that is announced; a caller that waits for `100 Continue` then hears it from us.
   */
  #seekEarly(): void {
    if (this.#isOver || this.#isSought) return;
    const isEarly = this.#context.limits.bodyBufferBytes === 0 || this.#connections.arePlentifulFor(this);
    if (this.exchange.expectsContinue) {
      this.#asksFirst = isEarly && !this.#connections.isHttp10;
      if (this.#asksFirst) this.#body?.awaitContinue();
      else this.#writer.continue();
    }
    if (isEarly) this.#seek();
  }

  #seek(): void {
    this.#isSought = true;
    this.#connections.seek(this);
  }

  get permit(): Permit {
    return this.exchange.permit;
  }

  // -- called by UpstreamConnections

  onConnection(connection: UpstreamConnection): void {
    this.#connection = connection;
    connection.carry(this);
  }

  onRefused(reason: Denial | Outage): void {
    this.end(reason);
  }

  // -- called by the connection

  /** RFC 9110 section 9.2.2: the method is idempotent, and there is no body of which anything could have been consumed. */
  get isRepeatable(): boolean {
    return this.#body === undefined && idempotentMethods.has(this.exchange.request.method ?? '');
  }

  makeRequest(): CarriedRequest | undefined {
    const { permit, request, headers } = this.exchange;
    const method = request.method ?? '';
    const body = this.#body;
    const piece = body?.passTo((next, isLast) => this.#connection?.writeBody(next, isLast) ?? true);
    const isWhole = body === undefined || body.isWhole;
    const framing = body?.isWhole === true ? body.bytes || 'none' : this.exchange.framing;
    const expectsContinue = this.#asksFirst && !isWhole;
    const keepsAlive = this.#connections.settings.keepAlive;
    const { target } = permit;
    const head = requestHeadOf({ method, target, headers, framing, expectsContinue, keepsAlive });
    if (head === undefined) {
      this.#context.reportBug(new Error('a request with a method, target or header that cannot be sent'));
      this.end(outage('upstream_invalid', new Error('the request cannot be sent')));
      return undefined;
    }
    this.#askedAtMs = performance.now();
    const { responseTimeoutMs } = permit.rule;
    const isChunked = framing === 'chunked';
    return { head, method, isChunked, expectsContinue, body: piece, isWhole, responseTimeoutMs };
  }

  onRoom(): void {
    this.#body?.resume();
  }

  /** The API has said nothing: the body is sent, as RFC 9110 section 10.1.1 lets a client do. */
  onUndecided(): void {
    this.#body?.continue();
    this.#writer.continue();
  }

  onInterim(head: ResponseHead): void {
    if (this.#isOver) return;
    if (head.status === 100) this.#body?.continue();
    const unfit = this.#writer.inform(head);
    if (unfit !== undefined) this.end(unfit);
  }

  onHead(head: ResponseHead): void {
    if (this.#isOver) return;
    this.#upstreamMs = performance.now() - this.#askedAtMs;
    this.#connections.isHttp10 = head.isHttp10;
    if (this.#connection !== undefined) this.#connections.answered(this.#connection, head.status);
    const unfit = this.#writer.begin(head);
    if (unfit !== undefined) return this.end(unfit);
    const body = this.#body;
    if (body === undefined || body.isWhole) return;
    body.allowAnyPace();
    // RFC 9112 section 9.5: an error with which the API closes the connection says that it does not want the rest.
    if (head.status >= 400 && this.#connection?.isLast === true) body.discard();
  }

  onBody(piece: Buffer): void {
    if (this.#isOver || this.#writer.write(piece)) return;
    this.#connection?.pause();
    if (!this.isLive) this.#context.live.watchLive(this);
  }

  /** A slow or long response. */
  onDry(): void {
    if (this.#writer.status === 0 || this.#isOver || this.isLive) return;
    this.#writer.flushHead();
    this.#context.live.watchLive(this);
  }

  onEnd(trailers: readonly string[]): void {
    this.#connection = undefined;
    // The answer is complete: of a body that still comes nobody wants the rest.
    if (this.#body?.isWhole === false) this.#body.discard();
    this.#writer.end(trailers);
  }

  onFailure({ outage: reason, isStale, isUnsent }: CarryFailure): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return this.end(reason);
    if (isStale) this.#connections.noteStale(connection, isUnsent ? performance.now() : this.#askedAtMs);
    // The second time the connection is fresh.
    if (isUnsent || (isStale && this.isRepeatable)) this.#connections.renew(connection, this);
    else this.end(reason);
  }

  // -- called by the caller's side: its socket, its body, the response

  onClientGone(): void {
    this.end('client_gone');
  }

  onBodyReady(): void {
    if (!this.#isOver && !this.#isSought) this.#seek();
  }

  onBodyStalled(): void {
    this.end(denial('request_timeout', 'a body that hardly comes'));
  }

  onBodyTooLarge(): void {
    const { requestBodyBytesMax } = this.exchange.permit.rule;
    this.end(denial('request_too_large', `more than ${requestBodyBytesMax} bytes`));
  }

  onDrained(): void {
    if (!this.#isOver) this.#connection?.resume();
  }

  onFlushed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#settle(undefined);
  }

  /** Before its end, for a reason of whichever side. */
  end(failure: Outage | Denial | 'client_gone'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) this.#connections.forget(this);
    else connection.abandon();
    this.#body?.discard();
    if (this.#writer.status !== 0) this.#writer.breakOff();
    this.#settle(failure);
  }

  #settle(failure: ForwardEnd['failure']): void {
    if (this.#caller?.exchange === this) this.#caller.exchange = undefined;
    this.#context.live.unwatch(this);
    this.#writer.release();
    const { status } = this.#writer;
    try {
      const bytesIn = this.#body?.bytes ?? 0;
      const bytesOut = this.#writer.bytes;
      const upstreamMs = this.#upstreamMs;
      this.#onEnd({ status, failure, responded: status !== 0, upstreamMs, bytesIn, bytesOut });
    } catch (error) {
      this.#context.reportBug(error);
    }
  }
}

const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);
