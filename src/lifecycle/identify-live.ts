// The identity behind a credential that is good at this moment: judged by the same identifier, tombstones and
// expiry as on the proxied path, for the endpoints that take a token as a parameter.

import { doubtOf } from '../decision/authorize.ts';
import type { Credential } from '../decision/credential.ts';
import type { Identity } from '../decision/identity.ts';
import { isRefusal, type Refusal } from '../decision/outcome.ts';
import type { Identifier } from '../identity/identifier.ts';
import type { Settings } from '../settings/settings.ts';

/** `clientAddress` is held to the limit on unknown tokens; undefined: no limit. */
export type IdentifyLive = (
  credential: Credential,
  clientAddress: string | undefined,
) => Promise<Identity | Refusal>;

export interface IdentifyLiveDeps {
  readonly identifier: Pick<Identifier, 'identify' | 'standing'>;
  readonly settings: Pick<Settings, 'feed'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export const createIdentifyLive =
  (deps: IdentifyLiveDeps): IdentifyLive =>
  async (credential, clientAddress) => {
    const nowMs = deps.now();
    const subject = await deps.identifier.identify(credential, nowMs, clientAddress);
    if (isRefusal(subject)) return subject;
    const { identity } = subject;
    const doubt = doubtOf({
      identity,
      standing: deps.identifier.standing(identity, nowMs),
      nowMs,
      serveWhenUnknown: deps.settings.feed.whenStale === 'serve',
    });
    return doubt ?? identity;
  };
