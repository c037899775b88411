// Operations as endpoints: the actor is found first, then the input is read, then the operation runs and its result is
// answered. Knows no operation by name.

import type { Refusal } from '../../decision/outcome.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { CommandError } from '../../lifecycle/command-error.ts';
import { type Answer, denied, type Endpoint, permitted, type SurfaceRequest } from '../answer.ts';
import { actorEndpoint, type Dialect, endpoint } from '../endpoint.ts';
import { malformed, ownProblem, type ProblemFacts } from './management-problem.ts';
import type { Operation } from './operation.ts';

/** Who gives a command, by whichever credential; `leaving`: also where the session has ended already. */
export type FindActor = (
  request: SurfaceRequest,
  access: Exclude<Operation['access'], 'anyone'>,
) => Promise<Actor | Refusal>;

export interface EndpointsDeps {
  readonly findActor: FindActor;
  readonly dialect: Dialect<ProblemFacts>;
}

export const createEndpoint = (deps: EndpointsDeps, operation: Operation): Endpoint => {
  const { dialect, findActor } = deps;
  const { access } = operation;
  if (access === 'anyone') return endpoint(dialect, (request) => carryOut(operation, request, undefined));
  return actorEndpoint(
    dialect,
    (request) => findActor(request, access),
    (actor, request) => carryOut(operation, request, actor),
  );
};

const carryOut = async (
  operation: Operation,
  request: SurfaceRequest,
  actor: Actor | undefined,
): Promise<Answer | ProblemFacts | Refusal | CommandError> => {
  const identity = actor?.identity;
  const running = operation.run(request, actor);
  if ('fault' in running)
    return running.fault === 'media_type'
      ? {
          code: 'media_type_refused',
          note: denied('request_malformed', 'the body is no JSON', identity),
        }
      : malformed(running.detail, running.errors, identity);
  const result = await running;
  if (result.kind === 'fault') return ownProblem(result.code, identity);
  if (result.kind !== 'reply') return result;
  return {
    status: operation.success.status,
    // Answers show data of accounts: no cache may store them (RFC 9111 section 5.2.2.5).
    headers: { 'cache-control': 'no-store', ...result.headers },
    body: result.body,
    note: permitted(result.identity ?? identity),
  };
};
