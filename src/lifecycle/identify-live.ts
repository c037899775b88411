// The identity behind a credential that is good at this moment: judged by the same identifier, tombstones and
// expiry as on the proxied path, for the endpoints that take a token as a parameter.

import { doubtOf } from '../decision/authorize.ts';
import type { Credential } from '../decision/credential.ts';
import type { Identity } from '../decision/identity.ts';
import { isDenial, isOutage, isRefusal, type Outage, type Refusal } from '../decision/outcome.ts';
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

/** Whether a credential is good at this moment, and whose it is (RFC 7662). An outage is never "inactive". */
export type Introspect = (command: {
  readonly credential: Credential;
  /** Tokens of other orgs are inactive; undefined: no org is excluded. */
  readonly orgId: string | undefined;
}) => Promise<Identity | 'inactive' | Outage>;

/** Not held to the limit on unknown tokens: an authenticated caller asks about what others sent it. */
export const createIntrospect =
  (identifyLive: IdentifyLive): Introspect =>
  async ({ credential, orgId }) => {
    const identity = await identifyLive(credential, undefined);
    if (isOutage(identity)) return identity;
    if (isDenial(identity)) return 'inactive';
    return orgId === undefined || identity.org.id === orgId ? identity : 'inactive';
  };
