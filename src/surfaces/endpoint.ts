// Endpoints whose errors are values. What goes wrong, a refusal, a command error or an error in the dialect's own words, is
// returned, and becomes an answer here, in one place.

import type { Identity } from '../decision/identity.ts';
import { isRefusal, type Refusal } from '../decision/outcome.ts';
import type { Actor } from '../lifecycle/actor.ts';
import { type CommandError, isFailure } from '../lifecycle/command-error.ts';
import { type Answer, type Endpoint, isAnswer, type RequestHead, type SurfaceRequest } from './answer.ts';

/** How a vendor's endpoints say what went wrong; `Said` is an error in its words, which says its note too. */
export interface Dialect<Said extends object> {
  /** `identity`: whose request it is, where that is known. */
  readonly say: (failure: Refusal | CommandError, identity?: Identity) => Said;
  readonly respond: (said: Said, request: RequestHead) => Answer;
}

type Result<Said> = Answer | Said | Refusal | CommandError;

/** For anybody. */
export const endpoint =
  <Said extends object>(
    dialect: Dialect<Said>,
    run: (request: SurfaceRequest) => Result<Said> | Promise<Result<Said>>,
  ): Endpoint =>
  async (request) =>
    answerOf(dialect, await run(request), request);

/** For whoever is signed in. */
export const actorEndpoint =
  <Said extends object>(
    dialect: Dialect<Said>,
    read: (request: SurfaceRequest) => Promise<Actor | Refusal>,
    run: (actor: Actor, request: SurfaceRequest) => Result<Said> | Promise<Result<Said>>,
  ): Endpoint =>
  async (request) => {
    const actor = await read(request);
    return isRefusal(actor)
      ? answerOf(dialect, actor, request)
      : answerOf(dialect, await run(actor, request), request, actor.identity);
  };

const answerOf = <Said extends object>(
  { say, respond }: Dialect<Said>,
  result: Result<Said>,
  request: RequestHead,
  identity?: Identity,
): Answer => {
  if (isFailure(result)) return respond(say(result, identity), request);
  return isAnswer(result) ? result : respond(result, request);
};
