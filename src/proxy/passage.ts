// One request on its way through the gate: what is known of it so far, and the one outcome it ends with.
// It decides nothing and sends nothing.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { CredentialKind, Identity } from '../decision/identity.ts';
import type { Denial, Refusal } from '../decision/outcome.ts';
import type { Wire } from '../decision/refusal.ts';
import type { RefusalClass } from '../decision/refusal-class.ts';
import type { ErrorDialect, RouteRule } from '../decision/route-rule.ts';
import { type RefusedRequest, refusalResponse } from '../dialects/refusal-response.ts';
import { vcdClientRequestIdHeader } from '../dialects/vcd-error.ts';
import type { RecordOutcome, RequestOutcome } from '../observe/request-outcome.ts';
import { addressBlockOf } from '../identity/address-block.ts';
import { requestIdOf } from './correlation.ts';
import type { HeaderFacts } from './hygiene.ts';
import type { Peer } from './peer.ts';

/** Where the answer goes: an HTTP response, or the bare socket of an upgrade. */
export type Exit =
  | { readonly kind: 'response'; readonly response: ServerResponse; readonly expectsContinue: boolean }
  | { readonly kind: 'socket'; readonly socket: Duplex; readonly head: Buffer };

/** What is remembered of a caller's connection, as long as it lasts. */
export interface Connection {
  readonly peer: Peer;
  /** The newest request, until it has its outcome and has been read to its end. */
  passage: Passage | undefined;
  /** We have said `Connection: close`, or could not read on: no further request is processed (RFC 9112 section 9.6). */
  isClosing: boolean;
  /** A request has its turn until its answer has gone: further ones wait. */
  isBusy: boolean;
  readonly hasWaiting: boolean;
  /** So many requests in a row were refused that the next refusal closes the connection. */
  readonly isLastRefusal: boolean;
  /** Called at the end of each request. */
  countRefusal(isRefused: boolean): void;
  /** The answer has gone: the next request begins in its turn, if one waits. */
  passOn(): void;
}

/** Who is calling, before any credential is looked at: for records and limits, it authenticates nobody. */
export interface Caller {
  /** Past trusted proxies. */
  readonly clientAddress: string;
  readonly requestId: string;
}

/** Token endpoints on the same listener: they own whole paths, answer and record for themselves. */
export interface TokenEndpoints {
  owns(path: string): boolean;
  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): void;
  /** Answers a request of theirs whose body cannot be read on; false when it has been answered. */
  refuseBody(request: IncomingMessage, reason: Denial): boolean;
}

export class Passage implements RefusedRequest {
  readonly request: IncomingMessage;
  readonly exit: Exit;
  readonly method: string;
  clientAddress: string;
  /** As received, without the query. */
  path: string;
  facts: HeaderFacts | undefined;
  credentialKind: CredentialKind | undefined;
  identity: Identity | undefined;
  upstreamMs: number | undefined;
  /** The dialect in which it is refused: the route's, once that is known. */
  #errors: ErrorDialect;
  #requestId: string | undefined;
  #route = '(invalid)';
  #isOver = false;
  readonly #startMs = performance.now();
  readonly #connection: Connection;
  readonly #record: RecordOutcome;

  /** `errors`: the dialect in which requests are refused that meet no route. */
  constructor(
    request: IncomingMessage,
    exit: Exit,
    connection: Connection,
    record: RecordOutcome,
    errors: ErrorDialect,
  ) {
    this.request = request;
    this.exit = exit;
    this.method = request.method ?? '';
    this.path = pathOf(request.url ?? '');
    this.clientAddress = connection.peer.address;
    this.#connection = connection;
    this.#record = record;
    this.#errors = errors;
    connection.passage = this;
    connection.isBusy = true;
  }

  get peer(): Peer {
    return this.#connection.peer;
  }

  /** Where the caller counts, among callers and connections. */
  get addressBlock(): string {
    return addressBlockOf(this.clientAddress);
  }

  /** Refusing this one closes its connection. */
  get isLastRefusal(): boolean {
    return this.#connection.isLastRefusal;
  }

  /** This is the last request of its connection. */
  closeAfter(): void {
    this.#connection.isClosing = true;
  }

  /** The caller's when it is sane, else made on first use. */
  get requestId(): string {
    return (this.#requestId ??= requestIdOf(this.facts?.requestId));
  }

  /** The name for records: a route's, or `(none)` once the request is known to be sound. */
  nameRoute(name: string): void {
    this.#route = name;
  }

  enterRoute({ name, errors }: Pick<RouteRule, 'name' | 'errors'>): void {
    this.#route = name;
    this.#errors = errors;
  }

  get acceptLines(): readonly string[] {
    const { accept } = this.request.headers;
    return accept === undefined ? [] : [accept];
  }

  get clientRequestId(): string | undefined {
    const id = this.request.headers[vcdClientRequestIdHeader.toLowerCase()];
    return typeof id === 'string' ? id : undefined;
  }

  /** What a refusal of it looks like. */
  responseTo(kind: RefusalClass): Wire {
    return refusalResponse(this.#errors, kind, this);
  }

  /** Its record has been made, or is someone else's to make; nothing more may be sent from here. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing of it is still to come, from either side. */
  get isReadAndOver(): boolean {
    const isSent = this.exit.kind === 'socket' || this.exit.response.writableFinished;
    return this.request.complete && this.#isOver && isSent;
  }

  /** Given to the token endpoints, which answer and record for themselves. */
  handOver(): void {
    this.#isOver = true;
    if (this.exit.kind === 'socket') return;
    const { response } = this.exit;
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
    if (this.#isOver) throw new Error('a request has one outcome');
    this.#isOver = true;
    if (this.request.complete && this.#connection.passage === this) this.#connection.passage = undefined;
    this.#record({
      route: this.#route,
      method: this.method,
      path: this.path,
      status,
      result,
      reason,
      evidence,
      cause,
      credentialKind: this.identity?.authenticator.credentialKind ?? this.credentialKind,
      identity: this.identity,
      durationMs: performance.now() - this.#startMs,
      upstreamMs: this.upstreamMs,
      clientAddress: this.clientAddress,
      requestId: this.requestId,
    });
    this.#connection.countRefusal(result === 'denial');
    this.#yieldTurn();
  }

  #yieldTurn(): void {
    const { exit } = this;
    const connection = this.#connection;
    if (exit.kind === 'socket') return connection.passOn();
    const { response } = exit;
    // One that is waited for has really gone at `close`: only then it is known whether the connection is kept.
    if (response.destroyed || (isFlushed(response) && !connection.hasWaiting)) connection.passOn();
    else response.once('close', () => connection.passOn());
  }
}

/** Every byte has been given to the system; Node says so a moment later. */
const isFlushed = (response: ServerResponse): boolean =>
  response.writableFinished ||
  (response.writableEnded && response.socket !== null && response.writableLength === 0);

const pathOf = (target: string): string => {
  const at = target.indexOf('?');
  return at < 0 ? target : target.slice(0, at);
};
