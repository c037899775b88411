// What a connection to an upstream and the exchange it carries hand each other. Types only.

import type { Outage } from '../../decision/outcome.ts';
import type { ResponseEvents } from './response-parser.ts';

/** A request when it is about to be written. */
export interface CarriedRequest {
  /** See request-writer.ts. */
  readonly head: string;
  readonly method: string;
  readonly isChunked: boolean;
  /** It says `Expect: 100-continue`: the upstream answers before the body comes. */
  readonly expectsContinue: boolean;
  /** What of the body is here; `isWhole`: that is all of it. */
  readonly body: Buffer | undefined;
  readonly isWhole: boolean;
  /** From the last byte written to the head of the response, in ms. */
  readonly responseTimeoutMs: number;
}

export interface CarryFailure {
  readonly outage: Outage;
  /** The connection had been idle, and ended before anything of an answer came: perhaps it was idle for too long. */
  readonly isStale: boolean;
  /** Nothing of the request was written. */
  readonly isUnsent: boolean;
}

/** An exchange, as its connection knows it. Of `onEnd` and `onFailure` one is called, once, unless it abandons. */
export interface Carried extends ResponseEvents {
  /** It may be sent again when its connection turns out to be stale. */
  readonly isRepeatable: boolean;
  /** Called when it is written; undefined when it cannot be: then it has abandoned the connection. */
  makeRequest(): CarriedRequest | undefined;
  /** After a write that found no room: there is some. */
  onRoom(): void;
  /** The upstream has been asked whether it wants the body, and says nothing. */
  onUndecided(): void;
  /** All bytes received so far are handed on, and the response is not over. */
  onDry(): void;
  onEnd(trailers: readonly string[]): void;
  onFailure(failure: CarryFailure): void;
}

export interface ConnectionLimits {
  readonly responseHeadBytesMax: number;
  readonly bodyIdleTimeoutMs: number;
}
