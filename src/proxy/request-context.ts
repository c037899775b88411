// One request on its way through the gate: where it came from and where its answer goes, what is known of it, and the one
// outcome it ends with. It decides nothing and sends nothing.

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Refusal } from '../decision/outcome.ts';
import { pathOf } from '../decision/path.ts';
import type { Wire } from '../decision/refusal.ts';
import type { RefusalClass } from '../decision/refusal-class.ts';
import { type RefusedRequest, refusalResponse } from '../dialects/refusal-response.ts';
import type { RequestOutcome } from '../observe/request-outcome.ts';
import { requestIdOf } from './correlation.ts';
import type { Peer } from './peer.ts';
import type { Known, RequestHead } from './request-decision.ts';
import type { Running } from './running.ts';

/** Where the response goes: an HTTP response, or the bare socket of an upgrade. */
export type ReplyChannel =
  | { readonly kind: 'response'; readonly response: ServerResponse; readonly expectsContinue: boolean }
  | { readonly kind: 'socket'; readonly socket: Duplex; readonly head: Buffer };

/** What is remembered of a caller's connection, as long as it lasts. */
export interface Connection {
  readonly peer: Peer;
  /** The newest request, until it has its outcome and has been read to its end. */
  context: RequestContext | undefined;
  /** We have said `Connection: close`, or could not read on: no further request is processed (RFC 9112 section 9.6). */
  isClosing: boolean;
  /** A request has its turn until its answer has gone: further ones wait. */
  isBusy: boolean;
  readonly hasWaiting: boolean;
  /** Requests refused in a row. */
  readonly refusals: number;
  /** Called at the end of each request. */
  countRefusal(isRefused: boolean): void;
  /** The answer has gone: the next request begins in its turn, if one waits. */
  passOn(): void;
}

export class RequestContext implements RefusedRequest {
  readonly request: IncomingMessage;
  readonly reply: ReplyChannel;
  readonly head: RequestHead;
  /** What it is judged and served by, whatever is put in force meanwhile. */
  readonly running: Running;
  /** Undefined until it is decided, or waits to be. */
  known: Known | undefined;
  /** From forwarding to the head of the API's response. */
  upstreamMs: number | undefined;
  #requestId: string | undefined;
  #isOver = false;
  readonly #startMs = performance.now();
  readonly #connection: Connection;

  constructor(request: IncomingMessage, reply: ReplyChannel, connection: Connection, running: Running) {
    this.request = request;
    this.reply = reply;
    this.head = {
      method: request.method ?? '',
      target: request.url ?? '',
      rawHeaders: request.rawHeaders,
      httpVersion: request.httpVersion,
      peer: connection.peer,
      isUpgrade: reply.kind === 'socket',
    };
    this.#connection = connection;
    this.running = running;
    connection.context = this;
    connection.isBusy = true;
  }

  /** As received, without the query. */
  get path(): string {
    return pathOf(this.head.target);
  }

  get clientAddress(): string {
    return this.known?.clientAddress ?? this.head.peer.address;
  }

  /** The caller's when it is sane, else made on first use. */
  get requestId(): string {
    return (this.#requestId ??= requestIdOf(this.known?.facts?.requestId));
  }

  /** Refusing this one closes its connection. */
  get isLastRefusal(): boolean {
    return this.#connection.refusals + 1 >= this.running.settings.limits.refusalsPerConnectionMax;
  }

  /** This is the last request of its connection. */
  closeAfter(): void {
    this.#connection.isClosing = true;
  }

  get headers(): IncomingHttpHeaders {
    return this.request.headers;
  }

  /** What a refusal of it looks like, in the dialect of its route. */
  responseTo(kind: RefusalClass): Wire {
    const rule = this.known?.rule;
    return refusalResponse(rule?.errors ?? this.running.settings.errors, kind, this, rule?.challenge);
  }

  /** Nobody waits for the response any more. */
  get hasLeft(): boolean {
    const { request, reply } = this;
    return request.socket.destroyed || (reply.kind === 'response' && reply.response.destroyed);
  }

  /** Its record has been made, or is someone else's to make; nothing more may be sent from here. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing of it is still to come, from either side. */
  get isReadAndOver(): boolean {
    const isSent = this.reply.kind === 'socket' || this.reply.response.writableFinished;
    return this.request.complete && this.#isOver && isSent;
  }

  /** Given to the token endpoints, which answer and record for themselves. */
  handOver(): void {
    this.#isOver = true;
    if (this.reply.kind === 'socket') return;
    const { response } = this.reply;
    if (this.isLastRefusal) {
      response.shouldKeepAlive = false;
      this.closeAfter();
    }
    response.once('close', () => {
      this.#connection.countRefusal(response.statusCode >= 400 && response.statusCode < 500);
      this.#connection.passOn();
    });
  }

  /** Refused or failed, for a reason of ours or of the caller; `status` as sent, 0: none. */
  endRefused(refusal: Refusal, status: number): void {
    if (refusal.kind === 'denial') this.#end('denial', refusal.reason, status, refusal.evidence, undefined);
    else this.#end('outage', refusal.reason, status, undefined, refusal.cause);
  }

  /** Let through; `reason` when the caller left before the end. */
  endPermitted(status: number, reason: 'client_gone' | undefined): void {
    this.#end('permit', reason, status, undefined, undefined);
  }

  endBroken(bug: unknown, status: number): void {
    this.#end('bug', undefined, status, undefined, bug);
  }

  #end(
    result: RequestOutcome['result'],
    reason: RequestOutcome['reason'],
    status: number,
    evidence: string | undefined,
    cause: unknown,
  ): void {
    const { known } = this;
    if (this.#isOver) throw new Error('a request has one outcome');
    this.#isOver = true;
    if (this.request.complete && this.#connection.context === this) this.#connection.context = undefined;
    this.running.record({
      route: known?.route ?? '(invalid)',
      method: this.head.method,
      path: this.path,
      status,
      result,
      reason,
      shadow: known?.shadow,
      evidence,
      cause,
      credentialKind: known?.credentialKind,
      identity: known?.identity,
      durationMs: performance.now() - this.#startMs,
      upstreamMs: this.upstreamMs,
      clientAddress: this.clientAddress,
      requestId: this.requestId,
    });
    this.#connection.countRefusal(result === 'denial');
    this.#yieldTurn();
  }

  #yieldTurn(): void {
    const { reply } = this;
    const connection = this.#connection;
    if (reply.kind === 'socket') return connection.passOn();
    const { response } = reply;
    // One that is waited for has really gone at `close`: only then it is known whether the connection is kept.
    if (response.destroyed || (isFlushed(response) && !connection.hasWaiting)) connection.passOn();
    else response.once('close', () => connection.passOn());
  }
}

/** Every byte has been given to the system; Node says so a moment later. */
const isFlushed = (response: ServerResponse): boolean =>
  response.writableFinished ||
  (response.writableEnded && response.socket !== null && response.writableLength === 0);
