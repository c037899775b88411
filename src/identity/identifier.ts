// Credential -> subject: the contract between the proxied path and the look-ups behind it.

import type { Credential } from '../decision/credential.ts';
import type { Identity, Standing } from '../decision/identity.ts';
import type { Outage, Refusal } from '../decision/outcome.ts';

/** A cached identity with what is rendered from it, once per upstream, on first use. */
export interface Subject {
  readonly identity: Identity;
  /** Upstream name -> raw header pairs `[name, value, name, value, ...]` of the identity family. */
  readonly renderedHeaders: Map<string, readonly string[]>;
  /** Upstream name -> access token that replaces the credential (`forwardCredential: access-token`). */
  readonly renderedAccessTokens: Map<string, string>;
}

export interface Identifier {
  /**
   * Synchronous on a cache hit; concurrent misses of one credential share one look-up. `clientAddress` is held to the
   * limit on unknown tokens (`rate_limited`); without it there is no limit.
   */
  identify(
    credential: Credential,
    nowMs: number,
    clientAddress?: string,
  ): Subject | Refusal | Promise<Subject | Refusal>;
  /** What the change feed knows of the identity at this moment; synchronous, a few map look-ups. */
  standing(identity: Identity, nowMs: number): Standing;
  /** Raw header pairs for one upstream; rendered on first use and kept with the subject. */
  headersFor(subject: Subject, upstreamName: string, nowMs: number): readonly string[] | Outage;
  /** The access token that stands in for the caller's credential towards one upstream. */
  accessTokenFor(subject: Subject, upstreamName: string, nowMs: number): string | Outage;
}
