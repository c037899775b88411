// What an endpoint of a surface takes and gives back: plain values, so that no endpoint knows the HTTP framework.

import type { CredentialKind, Identity } from '../decision/identity.ts';
import type { DenialReason, OutageReason } from '../decision/outcome.ts';
import type { SurfaceBody } from './body.ts';

export interface SurfaceRequest {
  readonly method: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  readonly authorization: string | undefined;
  readonly body: SurfaceBody;
  /** For limits and the log. */
  readonly clientAddress: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON; undefined: no body. */
  readonly body: unknown;
  readonly note: Note;
}

/** What the request's outcome record says, beside what can be seen from outside. Never a credential. */
export interface Note {
  readonly result: 'permit' | 'denial' | 'outage' | 'bug';
  readonly reason: DenialReason | OutageReason | undefined;
  readonly evidence: string | undefined;
  readonly cause: unknown;
  readonly credentialKind: CredentialKind | undefined;
  readonly identity: Identity | undefined;
}

export const permitted = (identity: Identity | undefined): Note => ({
  result: 'permit',
  reason: undefined,
  evidence: undefined,
  cause: undefined,
  credentialKind: identity?.credentialKind,
  identity,
});

/** RFC 6749 §5.1: an answer with a token, or about one, is never stored; the second is for HTTP/1.0 caches. */
export const neverStored: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  pragma: 'no-cache',
};

export type Endpoint = (request: SurfaceRequest) => Answer | Promise<Answer>;

/** One path of a surface, with the methods it answers; others get 405. */
export interface Route {
  readonly path: string;
  /** Metric label and log field, e.g. `oauth:token`. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly endpoint: Endpoint;
  /** The surface's own shape of an error met outside the endpoint: framing, size, method, bug. */
  readonly onFault: (fault: Fault) => Answer;
}

export interface Fault {
  readonly status: number;
  readonly note: Note;
  /** For the caller: one sentence. */
  readonly description: string;
}
