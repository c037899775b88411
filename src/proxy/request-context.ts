// One request on its way through the gate: the connection it came on, where its answer goes, and whether it is over. It decides
// nothing and sends nothing.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RequestOutcome } from '../observe/request-outcome.ts';
import { JudgedRequest } from './judged-request.ts';
import type { Peer } from './peer.ts';
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

export class RequestContext extends JudgedRequest {
  readonly reply: ReplyChannel;
  #isOver = false;
  readonly #connection: Connection;

  constructor(request: IncomingMessage, reply: ReplyChannel, connection: Connection, running: Running) {
    const head = {
      method: request.method ?? '',
      target: request.url ?? '',
      rawHeaders: request.rawHeaders,
      httpVersion: request.httpVersion,
      peer: connection.peer,
      isUpgrade: reply.kind === 'socket',
    };
    super(request, head, running);
    this.reply = reply;
    this.#connection = connection;
    connection.context = this;
    connection.isBusy = true;
  }

  /** Refusing this one closes its connection. */
  get isLastRefusal(): boolean {
    return this.#connection.refusals + 1 >= this.running.settings.limits.refusalsPerConnectionMax;
  }

  /** This is the last request of its connection. */
  closeAfter(): void {
    this.#connection.isClosing = true;
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

  protected override end(
    result: RequestOutcome['result'],
    reason: RequestOutcome['reason'],
    status: number,
    evidence: string | undefined,
    cause: unknown,
  ): void {
    if (this.#isOver) throw new Error('a request has one outcome');
    this.#isOver = true;
    if (this.request.complete && this.#connection.context === this) this.#connection.context = undefined;
    super.end(result, reason, status, evidence, cause);
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
