// What an endpoint of a surface takes and gives back: plain values. No endpoint sees a socket, and each can be tried without one.

import type { Identity } from '../decision/identity.ts';
import { isOutage, type Outage, type Refusal } from '../decision/outcome.ts';
import type { PathParameters } from '../decision/path-tree.ts';
import type { DenialReason, OutageReason } from '../decision/refusal-class.ts';
import type { SurfaceBody } from './body.ts';

/** What is known of a request before its body is read. */
export interface RequestHead {
  readonly method: string;
  /** As it was found: canonical, escapes and all. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  /** Values of a header's lines, in any case of its name; the same header may stand twice. */
  readonly headerLines: (name: string) => readonly string[];
  readonly requestId: string;
  /** For limits and the log. */
  readonly clientAddress: string;
}

/** Who is calling, as the proxied path sees it. */
export type Caller = Pick<RequestHead, 'clientAddress' | 'requestId'>;

export interface SurfaceRequest extends RequestHead {
  /** Values of the parameters of the route's pattern, percent-decoded once. */
  readonly parameters: PathParameters;
  readonly authorization: string | undefined;
  readonly body: SurfaceBody;
  /** The body as it came, for bodies that are not what their Content-Type says; empty when there is none. */
  readonly bytes: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Lines of `Set-Cookie`. */
  readonly cookies?: readonly string[];
  /** A string or bytes are sent as they are, anything else as JSON; undefined: no body. */
  readonly body: unknown;
  /** Content-Type of the body; undefined: that of JSON. */
  readonly mediaType?: string;
  readonly note: Note;
}

/** What the request's outcome record says, beside what can be seen from outside. Never a credential. */
export interface Note {
  readonly result: 'permit' | 'denial' | 'outage' | 'bug';
  readonly reason?: DenialReason | OutageReason;
  readonly evidence?: string | undefined;
  readonly cause?: unknown;
  /** Whose request it is, where that is known. */
  readonly identity?: Identity | undefined;
}

export const permitted = (identity: Identity | undefined): Note => ({ result: 'permit', identity });

/** A denial: the caller's fault. */
export const denied = (reason: DenialReason, evidence: string | undefined, identity?: Identity): Note => ({
  result: 'denial',
  reason,
  evidence,
  identity,
});

/** An outage: a dependency's fault. */
export const failed = ({ reason, cause }: Pick<Outage, 'reason' | 'cause'>): Note => ({
  result: 'outage',
  reason,
  cause,
});

/** Of a refusal: the caller's fault or a dependency's. */
export const refusedNote = (refusal: Refusal, identity?: Identity): Note =>
  isOutage(refusal) ? failed(refusal) : denied(refusal.reason, refusal.evidence, identity);

/** A bug: our fault. */
export const broken = (cause: unknown): Note => ({ result: 'bug', cause });

/** RFC 6749 §5.1: an answer with a token, or about one, is never stored; the second is for HTTP/1.0 caches. */
export const neverStored: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  pragma: 'no-cache',
};

/** What was asked for; no cache may store it. `identity`: whose request it is, where that is known. */
export const success = (
  status: number,
  body: unknown,
  identity: Identity | undefined,
  headers: Readonly<Record<string, string>> = {},
): Answer => ({ status, headers: { ...neverStored, ...headers }, body, note: permitted(identity) });

/** For everybody, and for caches. */
export const publicAnswer = (body: unknown, maxAgeSeconds: number): Answer => ({
  status: 200,
  headers: { 'cache-control': `public, max-age=${maxAgeSeconds}` },
  body,
  note: permitted(undefined),
});

/** The same answer to every request. */
export const publicEndpoint = (body: unknown, maxAgeSeconds: number): Endpoint => {
  const answer = publicAnswer(body, maxAgeSeconds);
  return () => answer;
};

/** Whether a value is an answer rather than what was asked for, or an error that is still to be put into the shape of one. */
export const isAnswer = (value: object): value is Answer => 'body' in value && 'note' in value;

export type Endpoint = (request: SurfaceRequest) => Answer | Promise<Answer>;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One path of a surface with the methods it answers. The path is owned for every method: the others get 405. */
export interface Route {
  /** From settings/surface-paths.ts. */
  readonly path: string;
  /** Metric label and log field, e.g. `oauth:token`. */
  readonly name: string;
  readonly endpoints: Readonly<Partial<Record<Method, Endpoint>>>;
  /** The surface's own shape of an error met outside the endpoint: framing, size, method, outage, bug. */
  readonly onFault: (fault: Fault, request: RequestHead) => Answer;
  /** What every answer has beside its own headers; undefined: nothing. */
  readonly headersOf?: ((request: RequestHead) => Readonly<Record<string, string>>) | undefined;
}

export interface Fault {
  readonly status: number;
  readonly note: Note;
  /** For the caller: one sentence. */
  readonly description: string;
}
