// Says whether a credential is good at this moment, and whose it is (RFC 7662). Asks the same identifier as the proxied
// path, so both always agree. An outage is never "inactive".

import type { Credential } from '../decision/credential.ts';
import type { Identity } from '../decision/identity.ts';
import { isDenial, isOutage, type Outage } from '../decision/outcome.ts';
import type { IdentifyLive } from './identify-live.ts';

export type Introspect = (command: {
  readonly credential: Credential;
  /** Only tokens of this org are told of; undefined: of any. */
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
