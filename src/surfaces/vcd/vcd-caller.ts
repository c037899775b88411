// Who gives an order on the vcd surface: the live identity behind the session's access token, as an actor. The same token
// in several headers is one credential; two different ones are none.

import { type Denial, denial, isDenial, isOutage } from '../../decision/outcome.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { IdentifyLive } from '../../lifecycle/identify-live.ts';
import { withOwnRights } from '../../lifecycle/own-rights.ts';
import type { Settings } from '../../settings/settings.ts';
import type { TokenStore } from '../../store/token-store.ts';
import type { SurfaceRequest } from '../answer.ts';
import { presentedCredential } from '../presented-credential.ts';
import { refusedCaller, type VcdFault } from './vcd-error.ts';

export interface ReadCallerDeps {
  readonly identifyLive: IdentifyLive;
  readonly store: Pick<TokenStore, 'findOrg' | 'findUser'>;
  readonly settings: Pick<Settings, 'credential'>;
}

/** An API token by itself is no session here: it is exchanged first. */
export const readCaller = async (
  { identifyLive, store, settings }: ReadCallerDeps,
  request: SurfaceRequest,
): Promise<Actor | VcdFault> => {
  const presented = presentedCredential(request, settings.credential) ?? denial('credential_missing');
  if (isDenial(presented)) return refusedCaller(presented);
  if (presented.kind !== 'access_token') return refusedCaller(apiTokenInItsPlace);
  const { clientAddress, requestId } = request;
  const found = await identifyLive(presented, clientAddress);
  // What an external issuer's session may do here, its user's roles say.
  const identity = isDenial(found) || isOutage(found) ? found : await withOwnRights(store, found);
  return isDenial(identity) || isOutage(identity)
    ? refusedCaller(identity)
    : { identity, clientAddress, requestId };
};

const apiTokenInItsPlace: Denial = denial('credential_malformed', 'an API token where a session belongs');

export const isFault = (value: Actor | VcdFault): value is VcdFault => 'code' in value;
