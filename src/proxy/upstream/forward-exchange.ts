// One request on its way to the upstream and its response on the way back: the states between them, and every way it can
// end. Bytes stream with backpressure both ways; a request that is safe to repeat is repeated once, on a stale connection.

import type { Dispatcher } from 'undici';
import type { Identity } from '../../decision/identity.ts';
import { type Denial, denial, type Outage } from '../../decision/outcome.ts';
import type { ClientSocket, ClientSockets } from './client-sockets.ts';
import type { Exchange, ForwardEnd, ForwardOptions } from './exchange.ts';
import { isMisuse, outageOf } from './forward-failure.ts';
import { boundIdentity, type LiveConnections, type RequestUnderWay } from './live-connections.ts';
import { RequestBody } from './request-body.ts';
import { type RawHeaders, ResponseWriter } from './response-writer.ts';
import type { UpstreamConnection, UpstreamConnections } from './upstream-connections.ts';

export interface ForwardContext extends ForwardOptions {
  readonly live: LiveConnections;
  readonly clients: ClientSockets;
}

export class ForwardExchange implements Dispatcher.DispatchHandler, RequestUnderWay {
  readonly #exchange: Exchange;
  readonly #connections: UpstreamConnections;
  readonly #context: ForwardContext;
  readonly #onEnd: (end: ForwardEnd) => void;
  readonly #writer: ResponseWriter;
  /** Its index among the requests that are watched. */
  index = -1;
  #client: ClientSocket | undefined;
  #connection: UpstreamConnection | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #body: RequestBody | undefined;
  #isOver = false;
  #unregister: (() => void) | undefined;
  #askedAtMs = 0;
  #upstreamMs: number | undefined;

  constructor(
    exchange: Exchange,
    connections: UpstreamConnections,
    context: ForwardContext,
    onEnd: (end: ForwardEnd) => void,
  ) {
    this.#exchange = exchange;
    this.#connections = connections;
    this.#context = context;
    this.#onEnd = onEnd;
    this.#writer = new ResponseWriter(exchange.request, exchange.response, context.writeStallTimeoutMs, this);
  }

  start(): void {
    const { request, headers, permit, framing } = this.#exchange;
    if (request.socket.destroyed) return this.#fail('client_gone');
    this.#client = this.#context.clients.of(request.socket);
    this.#client.listener = this;
    if (framing !== 'none') {
      const bytesMax = permit.kind === 'shadow' ? Infinity : permit.rule.requestBodyBytesMax;
      if (framing !== 'chunked') {
        if (framing > bytesMax) return this.#fail(denial('request_too_large', `${framing} bytes`));
        headers.push('content-length', String(framing));
      }
      this.#body = new RequestBody(request, framing, bytesMax, this.#context.body, this);
    }
    if (permit.kind !== 'shadow') this.#context.live.watch(this);
    // A connection is taken for a body that is here, not for one that is announced.
    if (this.#body === undefined || this.#context.body.bodyBufferBytes === 0) this.#connections.seek(this);
  }

  get identity(): Identity | undefined {
    return this.#exchange.permit.identity;
  }

  get addressBlock(): string {
    return this.#exchange.addressBlock;
  }

  /** Revoked while it was under way. */
  onRevoked(reason: Denial | Outage): void {
    this.#fail(reason);
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
    this.#fail(reason);
  }

  /** All bytes received so far are handed on and the response is not over: a slow or long one. */
  onDry(): void {
    if (this.#writer.status === 0 || this.#isOver || this.#unregister !== undefined) return;
    this.#writer.flushHead();
    this.#register();
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
    if (unfit !== undefined) this.#fail(unfit);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver || this.#writer.write(chunk)) return;
    controller.pause();
    if (this.#unregister === undefined) this.#register();
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
    this.#fail(reason);
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
    const { permit, request, headers } = this.#exchange;
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
    this.#fail('client_gone');
  }

  onBodyReady(): void {
    if (!this.#isOver && this.#context.body.bodyBufferBytes > 0) this.#connections.seek(this);
  }

  onBodyStalled(): void {
    this.#fail(denial('request_timeout', 'a body that hardly comes'));
  }

  onBodyTooLarge(): void {
    const { requestBodyBytesMax } = this.#exchange.permit.rule;
    this.#fail(denial('request_too_large', `more than ${requestBodyBytesMax} bytes`));
  }

  onBodyAborted(): void {
    this.#fail('client_gone');
  }

  onDrained(): void {
    if (!this.#isOver) this.#controller?.resume();
  }

  onStalled(): void {
    this.#fail('client_gone');
  }

  onFlushed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#settle(undefined);
  }

  #register(): void {
    const { live } = this.#context;
    live.unwatch(this);
    this.#unregister = live.add(boundIdentity(this.#exchange.permit), (reason) => this.#fail(reason));
  }

  get #isRepeatable(): boolean {
    return this.#body === undefined && idempotentMethods.has(this.#exchange.request.method ?? '');
  }

  #release(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    connection.socket?.rest();
    this.#connections.release(connection);
  }

  #fail(failure: Outage | Denial | 'client_gone'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connections.forget(this);
    this.#controller?.abort(abandoned);
    this.#body?.destroy();
    if (this.#writer.status !== 0) this.#writer.breakOff();
    this.#settle(failure);
  }

  #settle(failure: ForwardEnd['failure']): void {
    if (this.#client?.listener === this) this.#client.listener = undefined;
    this.#context.live.unwatch(this);
    this.#unregister?.();
    this.#writer.release();
    const { status } = this.#writer;
    try {
      this.#onEnd({ status, failure, responded: status !== 0, upstreamMs: this.#upstreamMs });
    } catch (error) {
      this.#context.reportBug(error);
    }
  }
}

const abandoned = new Error('the exchange was abandoned');

const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

const rawOf = (headers: Dispatcher.DispatchController['rawHeaders']): RawHeaders =>
  Array.isArray(headers) ? headers : [];
