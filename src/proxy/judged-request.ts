// A request that is judged, whichever door it came to: what is known of it, what its refusal looks like, and its one record.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Refusal } from '../decision/outcome.ts';
import { pathOf } from '../decision/path.ts';
import type { Wire } from '../decision/refusal.ts';
import type { RefusalClass } from '../decision/refusal-class.ts';
import { type RefusedRequest, refusalResponse } from '../dialects/refusal-response.ts';
import type { RequestOutcome } from '../observe/request-outcome.ts';
import { noPairs } from './conclude.ts';
import { requestIdOf } from './correlation.ts';
import type { Known, RequestHead } from './request-decision.ts';
import type { Running } from './running.ts';

export class JudgedRequest implements RefusedRequest {
  readonly request: IncomingMessage;
  readonly head: RequestHead;
  /** What it is judged and served by, whatever is put in force meanwhile. */
  readonly running: Running;
  /** Undefined until it is decided, or waits to be. */
  known: Known | undefined;
  /** From forwarding to the head of the API's response. */
  upstreamMs: number | undefined;
  /** Of bodies, as far as they were moved; undefined where nothing was forwarded. */
  bytesIn: number | undefined;
  bytesOut: number | undefined;
  #requestId: string | undefined;
  readonly #startMs = performance.now();

  constructor(request: IncomingMessage, head: RequestHead, running: Running) {
    this.request = request;
    this.head = head;
    this.running = running;
  }

  /** In normal form, without the query. */
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

  /** As in `Known`. */
  get answerPairs(): readonly string[] {
    return this.known?.answerPairs ?? noPairs;
  }

  get headers(): IncomingHttpHeaders {
    return this.request.headers;
  }

  get takesBasic(): boolean {
    return this.running.settings.credential.basic;
  }

  /** What a refusal of it looks like, in the dialect of its route. `detail`: in place of what its class says. */
  responseTo(kind: RefusalClass, detail?: string): Wire {
    const rule = this.known?.rule;
    return refusalResponse(rule?.errors ?? this.running.settings.errors, kind, this, rule?.challenge, detail);
  }

  /** Refused or failed, for a reason of ours or of the caller; `status` as sent, 0: none. */
  endRefused(refusal: Refusal, status: number): void {
    if (refusal.kind === 'denial') this.end('denial', refusal.reason, status, refusal.evidence, undefined);
    else this.end('outage', refusal.reason, status, undefined, refusal.cause);
  }

  /** Let through; `reason` when the caller left before the end. */
  endPermitted(status: number, reason: 'client_gone' | undefined): void {
    this.end('permit', reason, status, undefined, undefined);
  }

  endBroken(bug: unknown, status: number): void {
    this.end('bug', undefined, status, undefined, bug);
  }

  protected end(
    result: RequestOutcome['result'],
    reason: RequestOutcome['reason'],
    status: number,
    evidence: string | undefined,
    cause: unknown,
  ): void {
    const { known } = this;
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
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      clientAddress: this.clientAddress,
      requestId: this.requestId,
    });
  }
}
