// What the handler and the rooms that move bytes hand each other: a request with its permit, and how it ended. Types only.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Permit } from '../../decision/authorize.ts';
import type { Denial, Outage } from '../../decision/outcome.ts';
import type { Settings } from '../../settings/settings.ts';
import type { AnswerMap } from '../../decision/response-mapping.ts';
import type { LiveConnections } from './live-connections.ts';

/** The length of a request's body in bytes, at least 1, or how else its end is known (RFC 9112 section 6.3). */
export type Framing = number | 'none' | 'chunked';

interface Permitted {
  readonly permit: Permit;
  readonly request: IncomingMessage;
  /** All raw pairs for the upstream, without framing and hop-by-hop headers (request-headers.ts). The forwarder's from here. */
  readonly headers: string[];
  /** On the answer too, unless the API sends one of its own. */
  readonly requestId: string;
  /** On the answer in place of the API's fields of these names, raw; to its `Vary` ours is added. */
  readonly answerPairs: readonly string[];
  /** How the answer is mapped back to what the caller sees; undefined: as it is. */
  readonly answerMap?: AnswerMap | undefined;
  /** What Via of the answer says of this process, behind what the API says; undefined: nothing. */
  readonly via?: string | undefined;
  /** Where the caller is, for its share of the connections; see address-block.ts. */
  readonly addressBlock: string;
}

export interface Exchange extends Permitted {
  /** Nothing written and no header set yet. */
  readonly response: ServerResponse;
  /** The body that the caller sends, as its header section says. */
  readonly framing: Framing;
  /** It said `Expect: 100-continue`, and waits for an answer before it sends its body (RFC 9110 section 10.1.1). */
  readonly expectsContinue: boolean;
}

export interface ForwardEnd {
  /** Status sent to the caller; 0: none. */
  readonly status: number;
  readonly failure: Outage | Denial | 'client_gone' | undefined;
  /** The response's head was sent, so nothing else can be. */
  readonly responded: boolean;
  /** From asking the upstream to the head of its response, in ms; absent when none came. */
  readonly upstreamMs?: number | undefined;
  /** Of the request's body, as far as it was read, without its framing. */
  readonly bytesIn?: number | undefined;
  /** Of the body of the response, as far as it was passed on. */
  readonly bytesOut?: number | undefined;
}

export interface Upgrade extends Permitted {
  readonly socket: Duplex;
  /** What the caller sent after its request. */
  readonly head: Buffer;
}

export interface ForwardOptions {
  /** Where what is under way is watched. */
  readonly live: LiveConnections;
  readonly limits: ExchangeLimits;
  /** Called with errors that only a bug can cause; must not throw. */
  readonly reportBug: (error: unknown) => void;
}

export type ExchangeLimits = Pick<
  Settings['limits'],
  'bodyBufferBytes' | 'bodyWaitMs' | 'bodyStallTimeoutMs' | 'bodyRateMin' | 'writeStallTimeoutMs'
>;
