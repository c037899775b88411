// Credential -> subject: the contract between the proxied path and the look-ups behind it.

import type { Credential } from '../decision/credential.ts';
import type { Identity, Standing } from '../decision/identity.ts';
import type { Outage, Refusal } from '../decision/outcome.ts';

/** A cached identity. What is rendered from it is kept with it, by the identifier that made it. */
export interface Subject {
  readonly identity: Identity;
}

/** A cached identity on a cache hit. */
export interface Hit extends Subject {
  /** What the change feed knew of the identity at the newest hit: to be read in the turn that asked. */
  readonly standing: Standing;
}

/** What of an address is held to the limit on unknown tokens: every look-up, or only questions to an issuer. */
export type Limited = 'look-ups' | 'questions';

export interface Identifier {
  /**
   * Synchronous on a cache hit; concurrent misses of one credential share one look-up. `clientAddress` is held to the
   * limit on unknown tokens (`rate_limited`, but for one look-up a second); without it there is no limit. Whoever has
   * waited for a look-up asks for the standing again.
   */
  identify(
    credential: Credential,
    nowMs: number,
    clientAddress?: string,
    limited?: Limited,
  ): Hit | Refusal | Promise<Subject | Refusal>;
  /**
   * Whose an access token is, by its signature and claims alone: whatever has ended since, here or in the store. Not
   * cached. For asking the store to end it, never for letting it in.
   */
  verify(credential: Credential, nowMs: number): Promise<Identity | Refusal>;
  /** Whether a string can be an API token made here or imported: by its form, and by whether there are imports at all. */
  mayBeApiToken(secret: string): Promise<boolean | Outage>;
  /** What the change feed knows of the identity at this moment; synchronous, a few map look-ups. */
  standing(identity: Identity, nowMs: number): Standing;
  /** Raw header pairs for one upstream; rendered on first use and kept with the subject. */
  headersFor(subject: Subject, upstreamName: string, nowMs: number): readonly string[] | Outage;
  /** The access token that stands in for the caller's credential towards one upstream. */
  accessTokenFor(subject: Subject, upstreamName: string, nowMs: number): string | Outage;
}
