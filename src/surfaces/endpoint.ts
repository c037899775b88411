// Endpoints whose errors are values. What goes wrong, a refusal, a command error or an error in the dialect's own words, is
// returned, and becomes an answer here, in one place.

import type { Identity } from '../decision/identity.ts';
import { isRefusal, type Refusal } from '../decision/outcome.ts';
import type { Actor } from '../lifecycle/actor.ts';
import { type CommandError, isFailure } from '../lifecycle/command-error.ts';
import { type Answer, type Endpoint, isAnswer, type RequestHead, type SurfaceRequest } from './answer.ts';

/** How the endpoints of a dialect answer what went wrong. `Shape`: an error in its words, with the note for the outcome record. */
export interface Dialect<Shape extends object> {
  /** `identity`: whose request it is, where that is known. */
  readonly errorOf: (failure: Refusal | CommandError, identity?: Identity) => Shape;
  readonly respond: (error: Shape, request: RequestHead) => Answer;
}

export type Result<Shape> = Answer | Shape | Refusal | CommandError;

export type ActorRun<Shape> = (
  actor: Actor,
  request: SurfaceRequest,
) => Result<Shape> | Promise<Result<Shape>>;

/** For anybody. */
export const endpoint =
  <Shape extends object>(
    dialect: Dialect<Shape>,
    run: (request: SurfaceRequest) => Result<Shape> | Promise<Result<Shape>>,
  ): Endpoint =>
  async (request) =>
    answerOf(dialect, await run(request), request);

/** For a user who is signed in. */
export const actorEndpoint =
  <Shape extends object>(
    dialect: Dialect<Shape>,
    read: (request: SurfaceRequest) => Promise<Actor | Refusal>,
    run: ActorRun<Shape>,
  ): Endpoint =>
  async (request) => {
    const actor = await read(request);
    return isRefusal(actor)
      ? answerOf(dialect, actor, request)
      : answerOf(dialect, await run(actor, request), request, actor.identity);
  };

const answerOf = <Shape extends object>(
  { errorOf, respond }: Dialect<Shape>,
  result: Result<Shape>,
  request: RequestHead,
  identity?: Identity,
): Answer => {
  if (isFailure(result)) return respond(errorOf(result, identity), request);
  return isAnswer(result) ? result : respond(result, request);
};
