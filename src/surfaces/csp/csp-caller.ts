// Who gives a command on the csp surface: the live identity behind csp-auth-token or the bearer, as an actor.

import { isRefusal } from '../../decision/outcome.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { Answer, SurfaceRequest } from '../answer.ts';
import { readActor, type ReadActorDeps } from '../read-actor.ts';
import { refusedCaller } from './csp-error.ts';

export const readCaller = async (deps: ReadActorDeps, request: SurfaceRequest): Promise<Actor | Answer> => {
  const actor = await readActor(deps, request);
  return isRefusal(actor) ? refusedCaller(actor, request) : actor;
};
