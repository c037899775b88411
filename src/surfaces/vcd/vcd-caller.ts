// Who gives a command on the vcd surface: the live identity behind the session's access token, as an actor. The same token
// in several headers is one credential; two different ones are none.

import { isJwt } from '../../decision/credential.ts';
import { type Denial, denial, isDenial, isRefusal } from '../../decision/outcome.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { FindEnded } from '../../lifecycle/ended-session.ts';
import type { SurfaceRequest } from '../answer.ts';
import { presentedCredential } from '../presented-credential.ts';
import { actorOf, type ReadActorDeps, readLeavingActor } from '../read-actor.ts';
import { refusedCaller, type VcdFault } from './vcd-error.ts';

/** An API token by itself is no session here: it is exchanged first. */
export const readCaller = async (deps: ReadActorDeps, request: SurfaceRequest): Promise<Actor | VcdFault> => {
  const presented = presentedCredential(request, deps.settings.credential) ?? denial('credential_missing');
  if (isDenial(presented)) return refusedCaller(presented);
  if (!isJwt(presented)) return refusedCaller(apiTokenInItsPlace);
  const actor = await actorOf(deps, presented, request);
  return isRefusal(actor) ? refusedCaller(actor) : actor;
};

const apiTokenInItsPlace: Denial = denial('credential_malformed', 'an API token where a session belongs');

/** For signing out: also a session that has ended already. */
export const readLeavingCaller = async (
  deps: ReadActorDeps & { readonly findEnded: FindEnded },
  request: SurfaceRequest,
): Promise<Actor | VcdFault> => {
  const presented = presentedCredential(request, deps.settings.credential);
  if (presented === undefined || isDenial(presented) || !isJwt(presented)) return readCaller(deps, request);
  const actor = await readLeavingActor(deps, request);
  return isRefusal(actor) ? refusedCaller(actor) : actor;
};

export const isFault = (value: Actor | VcdFault): value is VcdFault => 'code' in value;
