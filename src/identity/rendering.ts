// What an API receives about a subject: the identity headers and, on routes that swap the credential, an access token. Made once
// for each upstream and kept with the subject.

import type { Identity } from '../decision/identity.ts';
import { renderIdentityHeaders } from '../decision/identity-headers.ts';
import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import { renderedFor } from './cached-subject.ts';
import type { Subject } from './identifier.ts';

export interface RenderingDeps {
  readonly settings: Pick<Settings, 'identity'>;
  /** Compact JWT of an identity for one upstream, which it names as audience: the `jwt` field of the identity headers. */
  readonly signIdentityJwt: (identity: Identity, upstreamName: string, nowMs: number) => string | Outage;
  /** Access token that stands in for the caller's credential (phantom token). */
  readonly signAccessToken: (identity: Identity, upstreamName: string, nowMs: number) => string | Outage;
}

export class Rendering {
  readonly #deps: RenderingDeps;
  readonly #mapping: readonly (readonly [string, Settings['identity']['headers'][string]])[];
  readonly #needsJwt: boolean;

  constructor(deps: RenderingDeps) {
    this.#deps = deps;
    this.#mapping = Object.entries(deps.settings.identity.headers);
    this.#needsJwt = this.#mapping.some(([, field]) => field === 'jwt');
  }

  headersFor(subject: Subject, upstreamName: string, nowMs: number): readonly string[] | Outage {
    const rendered = renderedFor(subject, upstreamName);
    if (rendered.headers !== undefined) return rendered.headers;
    const { identity } = subject;
    const jwt = this.#needsJwt ? this.#deps.signIdentityJwt(identity, upstreamName, nowMs) : '';
    if (isOutage(jwt)) return jwt;
    // A copy has no spare room: it is kept 100,000 times.
    rendered.headers = renderIdentityHeaders(this.#mapping, identity, jwt).slice();
    return rendered.headers;
  }

  accessTokenFor(subject: Subject, upstreamName: string, nowMs: number): string | Outage {
    const rendered = renderedFor(subject, upstreamName);
    if (rendered.accessToken !== undefined) return rendered.accessToken;
    const signed = this.#deps.signAccessToken(subject.identity, upstreamName, nowMs);
    if (!isOutage(signed)) rendered.accessToken = signed;
    return signed;
  }
}
