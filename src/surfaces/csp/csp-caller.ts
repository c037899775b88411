// Who gives an order on the csp surface: the live identity behind csp-auth-token or the bearer, as an actor.

import { denial, isDenial, isOutage } from '../../decision/outcome.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { IdentifyLive } from '../../lifecycle/identify-live.ts';
import { withOwnRights } from '../../lifecycle/own-rights.ts';
import type { Settings } from '../../settings/settings.ts';
import type { TokenStore } from '../../store/token-store.ts';
import type { Answer, SurfaceRequest } from '../answer.ts';
import { presentedCredential } from '../presented-credential.ts';
import { refusedCaller } from './csp-error.ts';

export interface ReadCallerDeps {
  readonly identifyLive: IdentifyLive;
  readonly store: Pick<TokenStore, 'findOrg' | 'findUser'>;
  readonly settings: Pick<Settings, 'credential'>;
}

export const readCaller = async (deps: ReadCallerDeps, request: SurfaceRequest): Promise<Actor | Answer> => {
  const { clientAddress, requestId } = request;
  const presented = presentedCredential(request, deps.settings.credential) ?? denial('credential_missing');
  const found = isDenial(presented) ? presented : await deps.identifyLive(presented, clientAddress);
  // What an external issuer's session may do here, its user's roles say.
  const identity = isDenial(found) || isOutage(found) ? found : await withOwnRights(deps.store, found);
  return isDenial(identity) || isOutage(identity)
    ? refusedCaller(identity, request)
    : { identity, clientAddress, requestId };
};
