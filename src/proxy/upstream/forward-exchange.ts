// One request on its way to the upstream and its response on the way back: the states between them, and every way it can
// end. Bytes stream with backpressure both ways; a request that is safe to repeat is repeated once, on a stale connection.

import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import type { Permit } from '../../decision/authorize.ts';
import { type Denial, denial, type Outage } from '../../decision/outcome.ts';
import type { Exchange, ForwardEnd, ForwardOptions } from './exchange.ts';
import { isMisuse, outageOf } from './forward-failure.ts';
import type { RequestUnderWay } from './live-connections.ts';
import { RequestBody } from './request-body.ts';
import { type RawHeaders, ResponseWriter } from './response-writer.ts';
import type { UpstreamConnection, UpstreamConnections } from './upstream-connections.ts';

export class ForwardExchange implements Dispatcher.DispatchHandler, RequestUnderWay {
  readonly exchange: Exchange;
  readonly #connections: UpstreamConnections;
  readonly #context: ForwardOptions;
  readonly #onEnd: (end: ForwardEnd) => void;
  readonly #writer: ResponseWriter;
  index = -1;
  isLive = false;
  #caller: Caller | undefined;
  #connection: UpstreamConnection | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #body: RequestBody | undefined;
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
    const { request, headers, permit, framing } = this.exchange;
    if (request.socket.destroyed) return this.onClientGone();
    this.#caller = callerOn(request.socket);
    this.#caller.exchange = this;
    if (framing !== 'none') {
      const bytesMax = permit.kind === 'shadow' ? Infinity : permit.rule.requestBodyBytesMax;
      if (framing !== 'chunked') {
        if (framing > bytesMax) return this.end(denial('request_too_large', `${framing} bytes`));
        headers.push('content-length', String(framing));
      }
      this.#body = new RequestBody(request, framing, bytesMax, this.#context.limits, this);
    }
    this.#context.live.watch(this);
    // A connection is taken for a body that is here, not for one that is announced.
    if (this.#body === undefined || this.#context.limits.bodyBufferBytes === 0) this.#connections.seek(this);
  }

  get permit(): Permit {
    return this.exchange.permit;
  }

  // -- called by UpstreamConnections

  onConnection(connection: UpstreamConnection): void {
    this.#connection = connection;
    const { socket } = connection;
    if (socket === undefined || this.#isRepeatable) return this.#dispatch(connection);
    // What cannot be sent twice must not meet a connection that the upstream is closing. One that is likely to be closed
    // now is not used; on the others, what has arrived by now (a FIN, a reset) is read first: undici looks once more
    // before it writes, and from here that is after a whole turn of the event loop.
    if (!this.#connections.isTrusted(connection)) {
      socket.retire();
      return this.#dispatch(connection);
    }
    setImmediate(() => this.#dispatch(connection));
  }

  onRefused(reason: Denial | Outage): void {
    this.end(reason);
  }

  /** All bytes received so far are handed on and the response is not over: a slow or long one. */
  onDry(): void {
    if (this.#writer.status === 0 || this.#isOver || this.isLive) return;
    this.#writer.flushHead();
    this.#context.live.watchLive(this);
  }

  // -- called by undici

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown, not aborted: undici then skips the request and keeps the connection.
    if (this.#isOver) throw new Error('the exchange ended before it was sent');
    this.#controller = controller;
    this.#connection?.socket?.expectResponse(this);
  }

  onResponseStarted(): void {
    if (this.#connection?.socket !== undefined) this.#connection.socket.hasAnswer = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason: string | undefined,
  ): void {
    if (this.#isOver) return;
    const raw = rawOf(controller.rawHeaders);
    let unfit: Outage | undefined;
    if (status < 200) {
      unfit = this.#writer.inform(this.#connection?.socket?.isContinue === true ? 100 : status, raw);
    } else {
      this.#upstreamMs = performance.now() - this.#askedAtMs;
      unfit = this.#writer.begin(status, reason, raw);
      this.#body?.allowAnyPace();
    }
    if (unfit !== undefined) this.end(unfit);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver || this.#writer.write(chunk)) return;
    controller.pause();
    if (!this.isLive) this.#context.live.watchLive(this);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#connection?.socket !== undefined) this.#connection.socket.served += 1;
    this.#release();
    if (!this.#isOver) this.#writer.end(rawOf(controller.rawTrailers));
  }

  onResponseError(_controller: unknown, error: Error): void {
    const connection = this.#connection;
    const socket = connection?.socket;
    const reason = outageOf(error, socket?.hasAnswer === true);
    const isStale =
      reason.reason === 'upstream_unreachable' &&
      socket !== undefined &&
      socket.served > 0 &&
      !socket.hasAnswer &&
      !socket.hasFailed;
    // Where nothing has been written, undici keeps the connection.
    if (socket !== undefined && this.#controller !== undefined) socket.hasFailed = true;
    if (connection !== undefined && isStale && !this.#isOver) {
      this.#connections.noteStale(connection, this.#askedAtMs);
      if (this.#isRepeatable) return this.#repeat(connection);
    }
    this.#release();
    if (this.#isOver) return;
    if (isMisuse(error)) this.#context.reportBug(error);
    this.end(reason);
  }

  /**
   * RFC 9110 section 9.2.2: the method is idempotent and nothing of a body has been consumed, so a request that met a
   * connection gone stale is sent again. Its client has no socket any more: the second time, the connection is fresh.
   */
  #repeat(connection: UpstreamConnection): void {
    this.#controller = undefined;
    setImmediate(() => this.#dispatch(connection));
  }

  #dispatch(connection: UpstreamConnection): void {
    if (this.#isOver) return this.#release();
    const { permit, request, headers } = this.exchange;
    // `servername` is missing from undici's types; without it undici takes the caller's Host for the upstream's TLS name.
    const options = {
      path: permit.target,
      method: request.method ?? '',
      headers,
      body: this.#body ?? null,
      servername: this.#connections.serverName,
      headersTimeout: permit.rule.responseTimeoutMs,
    };
    this.#askedAtMs = performance.now();
    connection.client.dispatch(options, this);
  }

  // -- called by the caller's side: its socket, its body, the response

  onClientGone(): void {
    this.end('client_gone');
  }

  onBodyReady(): void {
    if (!this.#isOver && this.#context.limits.bodyBufferBytes > 0) this.#connections.seek(this);
  }

  onBodyStalled(): void {
    this.end(denial('request_timeout', 'a body that hardly comes'));
  }

  onBodyTooLarge(): void {
    const { requestBodyBytesMax } = this.exchange.permit.rule;
    this.end(denial('request_too_large', `more than ${requestBodyBytesMax} bytes`));
  }

  onDrained(): void {
    if (!this.#isOver) this.#controller?.resume();
  }

  onFlushed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#settle(undefined);
  }

  get #isRepeatable(): boolean {
    return this.#body === undefined && idempotentMethods.has(this.exchange.request.method ?? '');
  }

  #release(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    connection.socket?.rest();
    this.#connections.release(connection);
  }

  /** Before its end, for a reason of whichever side. */
  end(failure: Outage | Denial | 'client_gone'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connections.forget(this);
    this.#controller?.abort(abandoned);
    this.#body?.destroy();
    if (this.#writer.status !== 0) this.#writer.breakOff();
    this.#settle(failure);
  }

  #settle(failure: ForwardEnd['failure']): void {
    if (this.#caller?.exchange === this) this.#caller.exchange = undefined;
    this.#context.live.unwatch(this);
    this.#writer.release();
    const { status } = this.#writer;
    try {
      this.#onEnd({ status, failure, responded: status !== 0, upstreamMs: this.#upstreamMs });
    } catch (error) {
      this.#context.reportBug(error);
    }
  }
}

/** Of one connection. It has one exchange at a time (proxy/waiting-line.ts). */
interface Caller {
  exchange: ForwardExchange | undefined;
}

const callers = new WeakMap<Socket, Caller>();

/** An exchange hears at once when its caller leaves, by one listener per connection instead of one per request. */
const callerOn = (socket: Socket): Caller => {
  const known = callers.get(socket);
  if (known !== undefined) return known;
  const caller: Caller = { exchange: undefined };
  socket.once('close', () => caller.exchange?.onClientGone());
  callers.set(socket, caller);
  return caller;
};

const abandoned = new Error('the exchange was abandoned');

const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

const rawOf = (headers: Dispatcher.DispatchController['rawHeaders']): RawHeaders =>
  Array.isArray(headers) ? headers : [];
