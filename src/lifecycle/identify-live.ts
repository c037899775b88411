// The identity behind a credential that is good at this moment: judged by the same identifier, tombstones and
// expiry as on the proxied path, for the endpoints that take a token as a parameter.

import { doubtOf } from '../decision/authorize.ts';
import { type Credential, isJwt } from '../decision/credential.ts';
import type { Identity } from '../decision/identity.ts';
import { type Denial, isDenial, isRefusal, type Outage, type Refusal } from '../decision/outcome.ts';
import type { Identifier } from '../identity/identifier.ts';
import type { Settings } from '../settings/settings.ts';

/**
 * `clientAddress`: from where the credential is used, held to its own address rule and to the limit on unknown tokens. Undefined:
 * nobody uses it, somebody whom no limit holds asks about it.
 */
export type IdentifyLive = (
  credential: Credential,
  clientAddress: string | undefined,
) => Promise<Identity | Refusal>;

export interface IdentifyLiveDeps {
  readonly identifier: Pick<Identifier, 'identify' | 'standing'>;
  readonly settings: Pick<Settings, 'feed' | 'proxyAddresses'>;
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
      clientAddress,
      proxies: deps.settings.proxyAddresses,
      nowMs,
      serveWhenUnknown: deps.settings.feed.whenStale === 'serve',
    });
    return doubt ?? identity;
  };

/**
 * The identity of an access token that is whole, but whose session, API token or owner has ended; undefined: it was refused
 * for another reason. A caller who was answered with an outage repeats the command, and by then the change feed has ended
 * the session here: only the store can say that it is done.
 */
export type FindEnded = (credential: Credential, refusal: Denial) => Promise<Identity | undefined | Outage>;

export const createFindEnded =
  (deps: { readonly identifier: Pick<Identifier, 'verify'>; readonly now: () => number }): FindEnded =>
  async (credential, { reason }) => {
    if (!isJwt(credential) || !endings.has(reason)) return undefined;
    const verified = await deps.identifier.verify(credential, deps.now());
    return isDenial(verified) ? undefined : verified;
  };

const endings: ReadonlySet<string> = new Set([
  'session_ended',
  'token_revoked',
  'user_disabled',
  'org_disabled',
]);
