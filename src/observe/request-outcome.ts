// One record per request, made once at its end, read by the metrics and the access log.

import type { CredentialKind, Identity } from '../decision/identity.ts';
import type { Refusal } from '../decision/outcome.ts';
import type { DenialReason, OutageReason } from '../decision/refusal-class.ts';

export interface RequestOutcome {
  /** Route name; `(none)` when no rule matched, `(invalid)` when the request was refused before routing. */
  readonly route: string;
  readonly method: string;
  /** Path without the query, as received; logged escaped, never a label. */
  readonly path: string;
  /** Status sent to the caller; 0 when the connection ended before one. */
  readonly status: number;
  readonly result: 'permit' | 'denial' | 'outage' | 'bug';
  readonly reason: DenialReason | OutageReason | 'client_gone' | undefined;
  /** What would have come of it on a route that is enforced; only on one in shadow mode. */
  readonly shadow?: Refusal | 'permit' | undefined;
  /** Log only. */
  readonly evidence: string | undefined;
  readonly cause: unknown;
  readonly credentialKind: CredentialKind | undefined;
  readonly identity: Identity | undefined;
  readonly durationMs: number;
  /** From forwarding to the upstream's response headers; absent when nothing was forwarded or nothing came back. */
  readonly upstreamMs?: number | undefined;
  /** Of the body that the caller sent, as far as it was read; absent where none was forwarded. */
  readonly bytesIn?: number | undefined;
  /** Of the body of the API's response, as far as it was passed on. */
  readonly bytesOut?: number | undefined;
  readonly clientAddress: string;
  readonly requestId: string;
}

export type RecordOutcome = (outcome: RequestOutcome) => void;
