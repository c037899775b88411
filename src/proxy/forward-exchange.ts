// One request on its way to the upstream and its response on the way back: the states between them, and every way it can
// end. Bytes stream with backpressure both ways. Once the caller has seen a status line, failure is a broken
// connection, never a clean end.

import { ServerResponse, STATUS_CODES } from 'node:http';
import type { Dispatcher } from 'undici';
import { type Denial, denial, type Outage, outage } from '../decision/outcome.ts';
import type { ClientSockets } from './client-sockets.ts';
import type { Exchange, ForwardEnd, ForwardOptions } from './forward.ts';
import { isMisuse, outageOf } from './forward-failure.ts';
import type { LiveConnections } from './live-connections.ts';
import { RequestBody } from './request-body.ts';
import { readResponseHeaders, readTrailers } from './response-headers.ts';
import type { UpstreamConnection, UpstreamConnections } from './upstream-connections.ts';

export interface ForwardContext extends ForwardOptions {
  readonly live: LiveConnections;
  readonly clients: ClientSockets;
}

export class ForwardExchange implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #connections: UpstreamConnections;
  readonly #context: ForwardContext;
  readonly #onEnd: (end: ForwardEnd) => void;
  #connection: UpstreamConnection | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #body: RequestBody | undefined;
  #status = 0;
  #interimCount = 0;
  /** Of a Content-Length body: bytes still to come; -1 when the end is told otherwise. */
  #remainingBytes = -1;
  #isRetry = false;
  #isPaused = false;
  #isBodyEnded = false;
  #isOver = false;
  #unregister: (() => void) | undefined;
  #stallTimer: NodeJS.Timeout | undefined;

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
  }

  start(): void {
    const { request, headers, permit } = this.#exchange;
    if (!this.#context.clients.watch(request.socket, this)) return this.#fail('client_gone');
    const framing = readRequestFraming(request.rawHeaders);
    if (framing !== 'none') {
      const bytesMax = permit.rule.requestBodyBytesMax;
      if (framing !== 'chunked') {
        if (Number(framing) > bytesMax) return this.#fail(denial('request_too_large', framing));
        headers.push('content-length', framing);
      }
      this.#body = new RequestBody(request, bytesMax, this);
    }
    this.#connections.seek(this);
  }

  onConnection(connection: UpstreamConnection): void {
    const { permit, request, headers } = this.#exchange;
    this.#connection = connection;
    // `servername` is missing from undici's types; without it undici takes the caller's Host for the upstream's TLS name.
    const options = {
      path: permit.target,
      method: request.method ?? '',
      headers,
      body: this.#body ?? null,
      servername: this.#connections.serverName,
      headersTimeout: permit.rule.responseTimeoutMs,
    };
    connection.client.dispatch(options, this);
  }

  onRefused(reason: Outage): void {
    this.#fail(reason);
  }

  // -- what undici tells

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown, not aborted: undici then skips the request and keeps the connection.
    if (this.#isOver) throw new Error('the exchange ended before it was sent');
    this.#controller = controller;
    this.#connection?.socket?.expectHead(this);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason: string | undefined,
  ): void {
    if (this.#isOver) return;
    const raw = Array.isArray(controller.rawHeaders) ? controller.rawHeaders : [];
    if (status < 200) return this.#onInterim(status, raw);
    const { request, response } = this.#exchange;
    const headers = status > 599 ? undefined : readResponseHeaders(raw, status);
    if (headers === undefined) return this.#fail(invalid(`status ${status} or its framing`));
    if (this.#connection?.socket !== undefined) this.#connection.socket.isHeadExpected = false;
    try {
      response.writeHead(status, reasonOf(status, reason), headers.pairs);
    } catch (error) {
      // A control character somewhere. Node keeps the reason it refused: the caller's answer must not meet it.
      response.statusMessage = '';
      return this.#fail(outage('upstream_invalid', error));
    }
    this.#status = status;
    if (request.method !== 'HEAD' && status !== 204 && status !== 304)
      this.#remainingBytes = headers.contentLength;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    const { response } = this.#exchange;
    if (this.#remainingBytes >= 0) {
      this.#remainingBytes -= chunk.length;
      if (this.#remainingBytes === 0) {
        this.#isBodyEnded = true;
        // A small last piece joins the head in one string and one write; as a buffer it would be a writev, at twice the cost.
        if (chunk.length <= stringBytesMax) response.end(chunk.toString('latin1'), 'latin1');
        else response.end(chunk);
        return;
      }
    }
    if (!response.write(chunk) && response.writableLength > 0) this.#pause(controller);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#connection?.socket !== undefined) this.#connection.socket.served += 1;
    this.#release();
    if (this.#isOver) return;
    const { response } = this.#exchange;
    if (!this.#isBodyEnded) {
      const { rawTrailers } = controller;
      if (Array.isArray(rawTrailers) && rawTrailers.length > 0)
        response.addTrailers(readTrailers(rawTrailers));
      response.end();
    }
    if (response.socket !== null && response.socket.writableLength === 0) return this.#over(undefined);
    this.#isPaused = true;
    this.#watchStall();
    response.once('finish', () => this.#over(undefined));
  }

  onResponseError(_controller: unknown, error: Error): void {
    const mayRetry = this.#mayRetry();
    const hasAnswer = this.#connection?.socket?.hasAnswer === true;
    this.#release();
    if (this.#isOver) return;
    if (isMisuse(error)) this.#context.reportBug(error);
    const reason = outageOf(error, hasAnswer);
    if (!mayRetry || reason.reason !== 'upstream_unreachable') return this.#fail(reason);
    this.#isRetry = true;
    // After the other idle sockets have heard of their end, too.
    setImmediate(() => {
      if (!this.#isOver) this.#connections.seek(this);
    });
  }

  // -- what the sockets, the body and the registry tell

  /** All bytes received so far are handed on and the response is not over: a slow or long one. */
  onDry(): void {
    if (this.#status === 0 || this.#isOver || this.#unregister !== undefined) return;
    this.#exchange.response.flushHeaders();
    this.#register();
  }

  onClientGone(): void {
    this.#fail('client_gone');
  }

  onBodyTooLarge(): void {
    this.#fail(
      denial('request_too_large', `more than ${this.#exchange.permit.rule.requestBodyBytesMax} bytes`),
    );
  }

  onBodyAborted(): void {
    this.#fail('client_gone');
  }

  // -- the rest is private

  #onInterim(status: number, raw: readonly (Buffer | string)[]): void {
    const { request, response } = this.#exchange;
    this.#interimCount += 1;
    if (status < 102 || this.#interimCount > interimsMax)
      return this.#fail(invalid(`interim status ${status}`));
    if (!canInform || request.httpVersionMinor < 1 || response.destroyed) return;
    const headers = readResponseHeaders(raw, status);
    if (headers !== undefined) response.writeInformation(status, headers.pairs);
  }

  #pause(controller: Dispatcher.DispatchController): void {
    this.#isPaused = true;
    controller.pause();
    if (this.#stallTimer === undefined) this.#exchange.response.on('drain', () => this.#onDrain());
    this.#watchStall();
    if (this.#unregister === undefined) this.#register();
  }

  #onDrain(): void {
    if (this.#isOver || this.#isBodyEnded) return;
    this.#isPaused = false;
    this.#controller?.resume();
  }

  #watchStall(): void {
    if (this.#stallTimer !== undefined) return void this.#stallTimer.refresh();
    const timer = setTimeout(() => {
      if (!this.#isPaused) return;
      // Pipelined behind another response: that one is watched.
      if (this.#exchange.response.socket === null) timer.refresh();
      else this.#fail('client_gone');
    }, this.#context.writeStallTimeoutMs);
    this.#stallTimer = timer;
  }

  #register(): void {
    this.#unregister = this.#context.live.add(this.#exchange.permit.identity, (reason) => this.#fail(reason));
  }

  #mayRetry(): boolean {
    const socket = this.#connection?.socket;
    return (
      !this.#isRetry &&
      this.#body === undefined &&
      socket !== undefined &&
      socket.served > 0 &&
      !socket.hasAnswer &&
      idempotentMethods.has(this.#exchange.request.method ?? '')
    );
  }

  #release(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    if (connection.socket !== undefined) connection.socket.rest();
    this.#connections.release(connection);
  }

  #fail(failure: Outage | Denial | 'client_gone'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connections.forget(this);
    this.#controller?.abort(abandoned);
    this.#body?.destroy();
    if (this.#status !== 0) breakOff(this.#exchange);
    this.#settle(failure);
  }

  #over(failure: undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#settle(failure);
  }

  #settle(failure: ForwardEnd['failure']): void {
    this.#context.clients.unwatch(this.#exchange.request.socket, this);
    this.#unregister?.();
    clearTimeout(this.#stallTimer);
    try {
      this.#onEnd({ status: this.#status, failure, responded: this.#status !== 0 });
    } catch (error) {
      this.#context.reportBug(error);
    }
  }
}

/** Interim responses one request may bring; each restarts the wait for the final one. */
const interimsMax = 16;

/** Node writes strings up to 16 KiB, head included, without a copy on the heap. */
const stringBytesMax = 12_288;

/** Not on Node 22: interim responses then end here, as they may. */
const canInform = 'writeInformation' in ServerResponse.prototype;

const abandoned = new Error('the exchange was abandoned');

/** RFC 9110 section 9.2.2, less what no route should repeat. */
const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

const invalid = (what: string): Outage => outage('upstream_invalid', new Error(`the upstream sent ${what}`));

/** Content-Length as received, `chunked`, or `none`. Ambiguous framing has been refused before. */
const readRequestFraming = (rawHeaders: readonly string[]): string => {
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

/** The upstream's reason phrase. undici reads it as UTF-8; what that destroyed is replaced by the standard phrase. */
const reasonOf = (status: number, reason: string | undefined): string => {
  if (reason === undefined || reason === STATUS_CODES[status]) return reason ?? '';
  const bytes = Buffer.from(reason).toString('latin1');
  return reason.includes('\u{FFFD}') ? (STATUS_CODES[status] ?? '') : bytes;
};

/** A visibly broken end. Only a reset tells one from a body that ends with its connection. */
const breakOff = ({ request, response }: Exchange): void => {
  if (request.httpVersionMinor === 0 && response.socket !== null)
    try {
      response.socket.resetAndDestroy();
      return;
    } catch {
      // TLS and unix sockets cannot be reset; TLS shows the truncation itself.
    }
  response.destroy();
};
