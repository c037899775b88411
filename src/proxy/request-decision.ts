// What is judged of a request, and what comes of it: what doors and pipeline hand each other. Types only.

import type { Permit } from '../decision/authorize.ts';
import type { CredentialKind, Identity } from '../decision/identity.ts';
import type { Refusal } from '../decision/outcome.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import type { HeaderFacts } from './hygiene.ts';
import type { PassedCredential } from './passed-credential.ts';
import type { Peer } from './peer.ts';
import type { Framing } from './upstream/exchange.ts';

/** All of a request that is judged. */
export interface RequestHead {
  readonly method: string;
  /** Path and query in origin form; the escapes of the path in normal form (decision/normal-path.ts). */
  readonly target: string;
  /** Where it is not Host that says which host is asked for: at a proxy that asks. */
  readonly host?: string | undefined;
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
  /** `1.1` or `1.0`; any other is refused. */
  readonly httpVersion: string;
  readonly peer: Peer;
  /** It came with its connection, to become another protocol. */
  readonly isUpgrade: boolean;
}

/** What is known of a request once it is decided, or waits for its identity: for records and the form of a refusal. */
export interface Known {
  /** Undefined when the header section was refused. */
  readonly facts: HeaderFacts | undefined;
  /** Past trusted proxies. */
  readonly clientAddress: string;
  /** The name for records: a route's, `(none)` without one, or `(invalid)` when the request is not sound. */
  readonly route: string;
  /** Undefined before a route was found. */
  readonly rule: RouteRule | undefined;
  readonly credentialKind: CredentialKind | undefined;
  readonly identity: Identity | undefined;
  /** What comes of it where its rule is enforced; undefined where it is, or nothing is decided yet. */
  readonly shadow: Refusal | 'permit' | undefined;
  /**
   * Raw pairs that whichever answer it gets carries, ours or the API's. A field of the API with a name from here is dropped; to its
   * `Vary` ours is added.
   */
  readonly answerPairs: readonly string[];
}

/** It may go on, as its permit says. */
export interface Forward {
  readonly kind: 'forward';
  readonly known: Known;
  readonly facts: HeaderFacts;
  readonly permit: Permit;
  /** Raw pairs that tell the API who the caller is; none for a caller without an identity. */
  readonly identityPairs: readonly string[];
  readonly passed: PassedCredential;
  readonly framing: Framing;
}

export interface Refused {
  readonly kind: 'refused';
  readonly known: Known;
  readonly refusal: Refusal;
}

/** Its path is one that Tollgate answers itself. */
export interface Owned {
  readonly kind: 'owned';
  readonly known: Known;
  /** The group of settings that the path belongs to, e.g. `surfaces.csp`. */
  readonly owner: string;
}

/** A browser asks before it sends; `known.answerPairs` is the answer. */
export interface Preflight {
  readonly kind: 'preflight';
  readonly known: Known;
}

export type Decision = Forward | Refused | Owned | Preflight;

/** A decision that waits for an identity, and what is known meanwhile. */
export interface PendingDecision extends Promise<Decision> {
  readonly known: Known;
}
